"""Starting a job once, following it to its last row, and reading its log (J1, 5.4, 5.6)."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from integrations.connect import jobs as connect_jobs
from integrations.importapi.receipts import Waiters
from integrations.models import BatchTable, Job, QueuedTable
from integrations.services.job_logs import log_path
from tests.factories import make_account, make_batch, make_job, make_member, make_source


@pytest.fixture
def source(account):
    return make_source(account)


@pytest.fixture
def logged(source, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    job = make_job(source)
    log_path(job).parent.mkdir(parents=True)
    log_path(job).write_text("2024-03-05 21:01:40,003Z   main - INFO Exit status is: Tap succeeded.\n")
    return job


def state(call, job):
    return call("GET", f"/v4/jobs/{job.name}").json()


def test_the_same_idempotency_key_starts_one_job(call, source):
    path, key = f"/v4/sources/{source.pk}/sync", {"Idempotency-Key": "run 17"}
    headers = {"Authorization": f"Bearer {call.secret}"} | key
    first, second = (call("POST", path, headers=headers) for _ in range(2))
    assert first.json() == second.json()
    assert Job.objects.get().name == first.json()["job_name"]
    third = call("POST", path)
    assert (third.status_code, third.json()["error"]["type"]) == (200, "already_running")
    assert third["X-Stitch-Job-Name"] == first.json()["job_name"]


def test_a_job_is_followed_from_the_queue_to_its_last_row(call, source):
    name = call("POST", f"/v4/sources/{source.pk}/sync").json()["job_name"]
    job = Job.objects.get(name=name)
    assert state(call, job)["state"] == "queued"
    began = timezone.now()
    Job.objects.update(started_at=began)
    assert state(call, job)["state"] == "running"
    make_batch(source, "orders", received_at=began, job_id=job.pk)
    make_batch(
        source, "orders", received_at=began, job_id=job.pk + 1
    )  # another run's, and records sent again
    make_batch(source, "orders", received_at=began)
    ended = {"discovery_exit_status": 0, "tap_exit_status": 0, "target_exit_status": 0}
    Job.objects.update(completed_at=timezone.now(), records=1, rows={"orders": 1}, **ended)
    found = state(call, job)
    assert (found["state"], found["rows"], found["rows_waiting"]) == ("loading", 1, 1)
    QueuedTable.objects.update(error="disk full")
    found = state(call, job)
    assert found["state"] == "loading_fails"
    assert found["error"] == {"phase": "load", "stream_name": "orders", "message": "disk full"}
    QueuedTable.objects.update(error="")
    BatchTable.objects.update(state="loaded", inserted=1, loaded_at=timezone.now())
    found = state(call, job)
    assert (found["state"], found["error"]) == ("succeeded", None)
    assert found["loaded_at"] is not None
    assert found["streams"] == [
        {
            "stream_name": "orders",
            "extracted": 1,
            "waiting": 0,
            "inserted": 1,
            "updated": 0,
            "superseded": 0,
            "rejected": 0,
            "error": None,
        }
    ]
    BatchTable.objects.all().delete()  # the receipt is not kept any more
    assert state(call, job)["streams"][0]["inserted"] is None


def test_waiting_ends_with_the_job_or_with_its_time(call, source, monkeypatch):
    job = make_job(source, completed_at=None)
    looks = []

    def a_moment(seconds):
        looks.append(seconds)
        if len(looks) == 2:
            Job.objects.update(
                completed_at=timezone.now(), tap_exit_status=1, tap_description="no such table"
            )

    monkeypatch.setattr(connect_jobs.time, "sleep", a_moment)
    answer = call("GET", f"/v4/jobs/{job.name}?wait=60")
    assert answer["Preference-Applied"] == "wait=60"
    assert answer.json()["state"] == "failed"
    assert answer.json()["error"] == {"phase": "tap", "stream_name": None, "message": "no such table"}
    assert len(looks) == 2


def test_no_more_requests_wait_than_leave_threads_free(call, source, monkeypatch):
    job = make_job(source, completed_at=None)
    monkeypatch.setattr(connect_jobs, "waiters", Waiters(1))
    with connect_jobs.waiters.admitted():
        answer = call("GET", f"/v4/jobs/{job.name}?wait=60")
    assert answer.json()["state"] == "running"
    assert "Preference-Applied" not in answer


def test_the_log_is_behind_a_redirect_that_needs_no_key(call, account, logged):
    answer = call("GET", f"/v4/{account.client_id}/extractions/{logged.name}")
    assert (answer.status_code, answer.content) == (302, b"")
    address = urlsplit(answer["Location"])
    assert (address.scheme, address.netloc) == ("http", "testserver")
    for headers in ({}, {"Authorization": "Bearer of nothing"}):
        text = Client().get(f"{address.path}?{address.query}", headers=headers)
        assert text["Content-Type"] == "text/plain; charset=utf-8"
        assert b"".join(text.streaming_content) == log_path(logged).read_bytes()


def test_P11_a_signed_address_opens_its_own_log_for_ten_minutes(call, account, logged, monkeypatch):
    address = urlsplit(call("GET", f"/v4/{account.client_id}/extractions/{logged.name}")["Location"])
    query = {name: values[0] for name, values in parse_qs(address.query).items()}
    other = make_job(logged.integration)
    log_path(other).write_text("secret")
    opened = Client().get(address.path, query)
    opened.close()
    later = query | {"expires": str(int(query["expires"]) + 1)}
    for path, sent in (
        (address.path, query | {"signature": "x"}),
        (address.path, later),
        (address.path, {}),
        (address.path.replace(logged.name, other.name), query),
    ):
        assert Client().get(path, sent).status_code == 404
    past = timezone.now() + timedelta(minutes=11)
    monkeypatch.setattr("integrations.connect.urls.timezone.now", lambda: past)
    assert opened.status_code == 200
    assert Client().get(address.path, query).status_code == 404


def test_a_log_that_is_purged_or_another_accounts_is_not_found(call, account, logged):
    path = f"/v4/{account.client_id}/extractions/"
    other = make_account()
    make_member(other)
    theirs = make_job(make_source(other))
    log_path(theirs).parent.mkdir(parents=True)
    log_path(theirs).write_text("secret")
    Job.objects.filter(pk=logged.pk).update(log_purged_at=timezone.now())
    for name in (logged.name, theirs.name, "nothing"):
        answer = call("GET", path + name)
        assert (answer.status_code, answer.json()) == (404, {"error": "NotFound", "message": "Not Found"})
    assert call("GET", f"/v4/{other.client_id}/extractions/{theirs.name}").status_code == 401
