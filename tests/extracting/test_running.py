"""Jobs from their start to their end with a real tap: phases, logs, batches, bookmarks."""

import re
from ipaddress import ip_network

import pytest

from integrations.extracting import folders
from integrations.models import Batch, SourceState
from integrations.services.source_properties import store_properties
from tests.extracting.conftest import (
    PASSWORD,
    check,
    configure,
    extract,
    handed_over,
    ids_of,
    log_of,
    open_tasks,
    ready,
    state_of,
)
from tests.sources.declaring import declare, synthetic_declaration

LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}Z (  main|   tap|target) - .*")


def test_a_good_check_finds_the_streams_and_moves_the_source_on(source):
    configure(source, streams=3)
    job = check(source)
    assert (job.outcome, job.check_exit_status, job.discovery_exit_status) == ("succeeded", 0, 0)
    assert job.discovery_description is None
    assert sorted(source.streams.values_list("stream_name", flat=True)) == [
        "stream_1",
        "stream_2",
        "stream_3",
    ]
    source.refresh_from_db()
    assert source.step == "field_selection"
    assert open_tasks() == 0
    assert list(folders.running_folder().iterdir()) == []


def test_a_check_that_cannot_connect_fails_with_the_taps_own_words(source):
    configure(source, check_fails="true", message=f"no sign-in with {PASSWORD} at all")
    job = check(source)
    assert (job.outcome, job.check_exit_status, job.discovery_exit_status) == ("failed", None, 1)
    assert job.discovery_description == "no sign-in with ******** at all"
    source.refresh_from_db()
    assert source.step == "discover_schema"


def test_a_tap_is_not_started_for_an_address_that_is_forbidden_by_now(source, settings):
    """D36: what was permitted when it was saved may not be when it is used."""
    text = (
        synthetic_declaration() + '\n[[properties]]\nname = "host"\njson_schema = "host"\nfor_tap = false\n'
    )
    declare(text, name=source.type, folder=settings.SOURCES_DIR)
    ready(source, rows=1)
    store_properties(integration=source, given={"host": "127.0.0.1", "password": PASSWORD})
    assert extract(source).outcome == "succeeded"
    settings.DESTINATION_FORBIDDEN_ADDRESSES = [ip_network("127.0.0.0/8")]
    for job in (extract(source), check(source)):
        assert (job.outcome, job.discovery_exit_status) == ("failed", 1)
        assert "do not allow for sources" in job.discovery_description


def test_an_extraction_hands_over_every_row_and_then_the_bookmark(source):
    ready(source, rows=2500, streams=2)
    job = extract(source)
    assert (job.outcome, job.statuses) == ("succeeded", [0, 0, 0])
    assert (job.records, job.rows) == (5000, {"stream_1": 2500, "stream_2": 2500})
    assert sorted(ids_of(source)) == sorted([*range(1, 2501)] * 2)
    assert state_of(source)["bookmarks"] == {"stream_1": {"id": 2500}, "stream_2": {"id": 2500}}
    assert SourceState.objects.get().job == job.name
    assert all(Batch.objects.values_list("plain", flat=True))  # the loader's fast path
    body = handed_over(source)[0]
    assert (body["table_name"], body["key_names"], body["bookmark_names"]) == ("stream_1", ["id"], ["id"])


def test_the_log_is_what_clients_read(source):
    ready(source, rows=10)
    job = extract(source)
    lines = log_of(job)
    assert all(LINE.fullmatch(line) for line in lines)
    assert [line.split("Z ", 1)[1] for line in lines[-3:]] == [
        '   tap - INFO replicated 10 records from "stream_1" endpoint',
        "target - INFO com.stitchdata.target-stitch-avro.flush-pipeline - send-stream-record-count-impl stream_1",
        "  main - INFO Exit status is: Discovery succeeded. Tap succeeded. Target succeeded.",
    ]
    assert "   tap - INFO stream_1: done" in [line.split("Z ", 1)[1] for line in lines]
    assert job.log_bytes == len("\n".join(lines)) + 1


def test_the_next_run_goes_on_from_the_bookmark_with_higher_sequences(source):
    ready(source, rows=10)
    extract(source)
    configure(source, rows=15)
    assert extract(source).records == 5
    assert ids_of(source) == list(range(1, 16))
    sequences = [message["sequence"] for body in handed_over(source) for message in body["messages"]]
    assert sequences == sorted(set(sequences))


@pytest.mark.parametrize("after", [1, 1500])
def test_a_failed_tap_has_status_1_and_its_critical_message(source, after):
    ready(source, rows=5000, crash_after=after, message=f"the source broke for {PASSWORD}")
    job = extract(source)
    assert (job.outcome, job.statuses) == ("failed", [0, 1, 0])
    assert job.tap_description == "the source broke for ********"
    assert (job.discovery_description, job.target_description) == (None, None)
    lines = [line.split("Z ", 1)[1] for line in log_of(job)]
    assert "  main - INFO Tap exited abnormally with status 3" in lines
    assert lines[-1] == (
        "  main - INFO Exit status is: Discovery succeeded. "
        'Tap failed with code 1 and error message: "the source broke for ********". Target succeeded.'
    )
    assert ids_of(source) == list(range(1, after + 1))  # what it had written is loaded all the same
    assert state_of(source).get("bookmarks", {}) == ({"stream_1": {"id": 1000}} if after > 1000 else {})
    configure(source, crash_after=None)
    extract(source)
    assert set(ids_of(source)) == set(range(1, 5001))


def test_a_tap_that_is_killed_fails_the_job(source):
    ready(source, rows=5000, kill_after=1200)
    job = extract(source)
    assert (job.outcome, job.statuses) == ("failed", [0, 1, 0])
    assert job.tap_description == "stream_1: done" or "signal 9" in job.tap_description
    assert ids_of(source) == list(range(1, 1201))


def test_a_discovery_that_fails_ends_the_run(source):
    ready(source)
    configure(source, check_fails="true")
    job = extract(source)
    assert (job.outcome, job.statuses) == ("failed", [1, None, None])
    assert job.discovery_description == "the source cannot be reached"
    assert log_of(job)[-1].endswith(
        'Exit status is: Discovery failed with code 1 and error message: "the source cannot be reached".'
    )


def test_a_full_table_run_activates_its_version_after_its_rows(source):
    ready(source, rows=30, method="FULL_TABLE", keys="false")
    extract(source)
    first, second = handed_over(source)
    assert first["table_version"] == second["table_version"] > 0
    assert [message["action"] for message in second["messages"]] == ["activate_version"]
    assert len(first["messages"]) == 30


def test_secrets_are_in_no_log_whatever_the_tap_says(source):
    ready(source, tell_password="true")
    job = extract(source)
    text = "\n".join(log_of(job))
    assert "signing in with ********" in text
    assert PASSWORD not in text
