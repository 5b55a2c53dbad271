"""What public clients of the Stitch API call and read, each as its own code does (connect-api.md 6)."""

import json
import re
from datetime import datetime

import pytest
from django.utils import timezone

from integrations.models import BatchTable, Job, QueuedTable
from integrations.services.job_logs import log_path
from tests.factories import make_batch, make_job, make_load, make_source, make_stream

LOG = """2024-03-05 21:01:39,120Z    tap - INFO replicated 42 records from "orders" endpoint
2024-03-05 21:01:39,121Z target - INFO com.stitchdata.target-stitch-avro.flush-pipeline - \
send-stream-record-count-impl orders
2024-03-05 21:01:40,003Z   main - INFO Exit status is: Discovery succeeded. Tap succeeded. Target succeeded.
"""
PATTERN = "%Y-%m-%dT%H:%M:%SZ"


@pytest.fixture
def source(account, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    source = make_source(account, schema_name="crm", paused_at=timezone.now())
    make_stream(source, "orders", is_selected=True, chosen={"[]": {"selected": True}})
    make_stream(source, "customers")
    return source


@pytest.fixture
def read(call):
    """GET as those clients do that decide by the type of the content; a redirect is followed."""

    def get(path):
        answer = call("GET", f"/v4/{path.lstrip('/')}")
        if answer.status_code == 302:
            answer = call("GET", answer["Location"].partition("testserver")[2])
        assert answer.status_code == 200, answer.content
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        return json.loads(body) if "application/json" in answer["Content-Type"] else body.decode()

    return get


def finish(name, **statuses):
    """End the job as a worker does: its log is whole before the job shows as over."""
    job = Job.objects.get(name=name)
    log_path(job).parent.mkdir(parents=True, exist_ok=True)
    log_path(job).write_text(LOG)
    ended = dict.fromkeys(("discovery_exit_status", "tap_exit_status", "target_exit_status"), 0) | statuses
    began = timezone.now()
    make_batch(job.integration, "orders", received_at=began, job_id=job.pk)
    make_load(job.integration, "orders")
    rows = {"orders": 42}
    Job.objects.filter(pk=job.pk).update(started_at=began, completed_at=timezone.now(), rows=rows, **ended)


def test_mage_starts_a_paused_source_and_follows_it_to_its_loads(call, read, account, source):
    """Waits for its job in the list, for the streams of the log, then compares times as text."""
    stitch = read(f"sources/{source.pk}")
    client = stitch["stitch_client_id"]
    started = call("POST", f"/v4/sources/{source.pk}/sync", {}).json()
    assert "error" not in started

    def extraction():
        found, page = [], 1
        while True:
            answer = read(f"{client}/extractions?page={page}")
            found += answer["data"]
            if len(found) >= answer["total"]:
                break
            page += 1
        return next((each for each in found if each["job_name"] == started["job_name"]), None)

    assert extraction() is None
    finish(started["job_name"])
    found = extraction()
    assert (found["discovery_exit_status"], found["discovery_description"]) == (0, None)
    log = read(f"{client}/extractions/{started['job_name']}")
    marker = "com.stitchdata.target-stitch-avro.flush-pipeline - send-stream-record-count-impl"
    with_rows = {line.split(marker)[1].strip() for line in log.splitlines() if marker in line}
    chosen = {each["stream_name"] for each in read(f"sources/{source.pk}/streams") if each["selected"]}

    def is_loaded():
        loads = read(f"{client}/loads?page=1")["data"]
        own = [each for each in loads if each["source_name"] == stitch["name"]]
        assert not any(each["error_state"] for each in own)
        by_name = {each["stream_name"]: each["last_batch_loaded_at"] for each in own}
        return all(by_name[name] >= found["completion_time"] for name in with_rows & chosen)

    BatchTable.objects.update(state="loaded")
    assert is_loaded()


def test_dagster_stitch_reads_everything_unguarded(call, read, account, source):
    """The community package: `selected` on every field, the log's last line, error texts of phases."""
    earlier = make_job(source)
    log_path(earlier).parent.mkdir(parents=True)
    log_path(earlier).write_text(LOG)
    listed = read("sources")
    assert [(each["id"], each["name"]) for each in listed] == [(source.pk, "crm")]
    assert [each["metadata"]["selected"] for each in read(f"sources/{source.pk}/streams")] == [True, None]
    for stream in read(f"sources/{source.pk}/streams"):
        schema = read(f"sources/{source.pk}/streams/{stream['stream_id']}")
        json.loads(schema["schema"].replace("\\", ""))
        for entry in schema["metadata"]:
            entry["metadata"]["selected"]
    by_source = {each["source_id"]: each for each in read(f"{account.client_id}/extractions")["data"]}
    found = by_source[source.pk]
    for phase in ("discovery", "tap", "target"):
        assert (found[f"{phase}_exit_status"], found[f"{phase}_description"]) == (0, None)
    log = read(f"{account.client_id}/extractions/{found['job_name']}")
    datetime.strptime(log.splitlines()[-1][:24], "%Y-%m-%d %H:%M:%S,%fZ")
    counts = re.findall(r'tap - INFO replicated (\d+) records from "(\w+)" endpoint', log)
    assert counts == [("42", "orders")]


def test_the_newer_dagster_resource_ends_on_three_statuses(call, read, account, source):
    name = call("POST", f"/v4/sources/{source.pk}/sync").json()["job_name"]
    finish(name, tap_exit_status=1, tap_description="no such table")
    page = read(f"{account.client_id}/extractions")["data"]
    found = next(each for each in page if each["job_name"] == name)
    statuses = [found[f"{phase}_exit_status"] for phase in ("discovery", "tap", "target")]
    assert None not in statuses
    assert [found[f"{phase}_error_message"] for phase in ("discovery", "tap", "target")] == [
        None,
        "no such table",
        None,
    ]
    assert {each["metadata"]["row-count"] for each in read(f"sources/{source.pk}/streams")} == {3}


def test_prefect_stitch_knows_200_and_400_alone(call, source):
    for source_id in (source.pk, source.pk, 1_000_000):
        answer = call("POST", f"/v4/sources/{source_id}/sync")
        assert answer.status_code in (200, 400)
        body = answer.json()
        assert "job_name" in body or isinstance(body["error"]["message"], str)


def test_the_airflow_extension_parses_times_and_reads_links_unguarded(call, read, account, source):
    assert call("POST", f"/v4/sources/{source.pk}/sync").json()["job_name"]
    second = call("POST", f"/v4/sources/{source.pk}/sync").json()["error"]
    assert (second["type"], isinstance(second["message"], str)) == ("already_running", True)
    finish(Job.objects.get().name)
    page = read(f"{account.client_id}/extractions")
    assert page["links"].get("next") is None
    for each in page["data"]:
        datetime.strptime(each["completion_time"], PATTERN)
        assert (each["source_id"], each["tap_exit_status"]) == (source.pk, 0)


def test_a_monitoring_dag_reads_failures(read, account, source):
    """Mattermost's Airflow DAG: a tap's status is exactly 1, a load's error has a word of its own."""
    make_job(source, tap_exit_status=1, tap_description="boom")
    make_load(source, "orders", error="disk full")
    QueuedTable.objects.all().delete()
    failed = [
        each for each in read(f"{account.client_id}/extractions")["data"] if each["tap_exit_status"] == 1
    ]
    assert [(each["source_id"], each["tap_description"]) for each in failed] == [(source.pk, "boom")]
    broken = [each for each in read(f"{account.client_id}/loads")["data"] if each["error_state"]]
    assert [each["error_state"]["notification_data"]["error"] for each in broken] == [
        "LOADER_WAREHOUSE_ERROR"
    ]


@pytest.mark.parametrize("path", ["/v4/sources", "/v4/destinations/"])
def test_a_credential_test_tells_a_good_key_from_a_bad_one(call, client, path):
    assert call("GET", path).status_code == 200
    refused = client.get(path, headers={"Authorization": "Bearer ac_of_nobody"})
    assert (refused.status_code, isinstance(refused.json()["error"], str)) == (401, True)
