"""What the rows of the contract do not show about extractions, loads and the limit on reading them."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations.models import BatchTable, Job
from tests.factories import make_batch, make_integration, make_job, make_load, make_source


def listed(call, account, what, page=1):
    return call("GET", f"/v4/{account.client_id}/{what}?page={page}").json()


@pytest.mark.parametrize("what", ["extractions", "loads"])
def test_pages_hold_a_hundred_and_link_to_their_neighbours(call, account, what):
    source = make_source(account)
    for number in range(201):
        if what == "loads":
            make_load(source, f"table_{number:03}")
        else:
            make_job(make_source(account))
    seen = [listed(call, account, what, page) for page in (1, 2, 3, 4)]
    path = f"/v4/{account.client_id}/{what}"
    assert [len(page["data"]) for page in seen] == [100, 100, 1, 0]
    assert {page["total"] for page in seen} == {201}
    assert [page["links"] for page in seen] == [
        {"next": f"{path}?page=2"},
        {"next": f"{path}?page=3", "previous": f"{path}?page=1"},
        {"previous": f"{path}?page=2"},
        {"previous": f"{path}?page=3"},
    ]
    key = "stream_name" if what == "loads" else "source_id"
    values = [row[key] for page in seen for row in page["data"]]
    assert values == sorted(values)
    assert len(set(values)) == 201


@pytest.mark.parametrize("what", ["extractions", "loads"])
def test_a_page_costs_the_same_with_one_and_with_three_rows(call, account, what):
    counts = []
    for number in (1, 3):
        while account.integrations.count() < number:
            source = make_source(account)
            make_job(source, rows={"bikes": 1})
            make_load(source)
        listed(call, account, what)  # the first use of the minute is noted
        with CaptureQueriesContext(connection) as queries:
            assert len(listed(call, account, what)["data"]) == number
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 9


def test_a_running_extraction_is_listed_only_where_the_operator_says_so(call, account, settings):
    source = make_source(account)
    ended = make_job(source)
    running = make_job(source, completed_at=None)
    assert [row["job_name"] for row in listed(call, account, "extractions")["data"]] == [ended.name]
    settings.LIST_RUNNING_EXTRACTIONS = True
    rows = listed(call, account, "extractions")["data"]
    assert [(row["job_name"], row["completion_time"]) for row in rows] == [(running.name, None)]


def test_the_last_load_reaches_the_extractions_end_once_all_it_brought_is_loaded(call, account):
    source = make_source(account)
    ended = timezone.now()
    earlier = ended - timedelta(minutes=5)
    job = make_job(source, started_at=earlier, completed_at=ended, rows={"orders": 4})
    for table in ("orders", "customers"):
        make_load(source, table, finished_at=earlier)
    make_batch(source, "orders", received_at=earlier, job_id=job.pk)
    make_batch(source, "customers")  # of nobody's extraction

    def times():
        rows = listed(call, account, "loads")["data"]
        return {row["stream_name"]: row["last_batch_loaded_at"] for row in rows}

    completed = listed(call, account, "extractions")["data"][0]["completion_time"]
    assert times()["orders"] < completed
    BatchTable.objects.update(state="loaded")
    assert times()["orders"] == completed
    assert times()["customers"] < completed  # the run brought nothing for it
    Job.objects.filter(pk=job.pk).update(completed_at=None)
    assert times()["orders"] < completed


def test_names_left_to_another_source_are_listed_once(call, account):
    gone = make_integration(account, schema_name="shop", deleted_at=timezone.now())
    make_load(gone, "orders", error="disk full")
    make_load(make_integration(account, schema_name="shop"), "orders")
    rows = listed(call, account, "loads")["data"]
    assert [(row["source_name"], row["error_state"]) for row in rows] == [("shop", None)]


def test_the_limit_of_reads_is_off_unless_configured_and_sums_the_lists_up(call, account, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    paths = [f"/v4/{account.client_id}/{what}" for what in ("extractions", "loads")]
    for _ in range(35):
        assert call("GET", paths[0]).status_code == 200
    settings.JOB_READS_PER_TEN_MINUTES = 4
    for number in range(4):
        assert call("GET", paths[number % 2]).status_code == 200
    refused = call("GET", paths[0])
    assert refused.status_code == 429
    assert refused.json() == {
        "error": {"type": "rate_limited", "message": "Rate limit exceeded for resource type jobs"}
    }
    assert 1 <= int(refused["Retry-After"]) <= 150
    assert refused["X-Error-Code"] == "rate_limited"
    assert call("GET", "/v4/sources").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("GET", "/v4/sources/1000000", None, "invalid_id"),
        ("POST", "/v4/sources", {}, "invalid_body"),
        ("PATCH", "/v4/sources", None, "not_found"),
        ("GET", "/v4/nowhere", None, "not_found"),
        ("GET", "/v4/1/loads", None, "unauthorized"),
        ("GET", "/v4/sources", None, None),
    ],
)
def test_a_word_for_each_error_stands_in_a_header(call, method, path, body, code):
    response = call(method, path, body)
    assert response.get("X-Error-Code") == code
    assert response["X-Request-Id"]


def test_the_refusal_of_a_key_says_so_in_the_header(client, db):
    assert client.get("/v4/sources")["X-Error-Code"] == "unauthorized"
