"""Taps that flood, hang, fork, take too much or lie: a failed job that says why, and nothing else is harmed."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from integrations.extracting import folders, running
from integrations.models import RejectedRecord, SourceState
from integrations.queue.loader import load_next
from integrations.services.job_progress import progress_of
from tests.extracting.conftest import PASSWORD, configure, extract, ids_of, log_of, ready, state_of
from tests.sources.declaring import TAP


def taps_alive() -> list[int]:
    """Return the processes of synthetic taps that are there."""
    alive = []
    for folder in Path("/proc").iterdir():
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            ended = "\nState:\tZ" in (folder / "status").read_text()
            ended |= str(folders.running_folder()).encode() not in (folder / "environ").read_bytes()
        except OSError:
            continue
        if str(TAP).encode() in words and not ended and f"{os.getpid()}" != folder.name:
            alive.append(int(folder.name))
    return alive


@pytest.fixture(autouse=True)
def nothing_is_left():
    yield
    assert taps_alive() == []
    assert not folders.running_folder().exists() or list(folders.running_folder().iterdir()) == []


@pytest.mark.parametrize(
    ("lie", "told"),
    [
        ("json", "Line 2 of the tap’s output is no Singer message"),
        ("text", "Line 2 of the tap’s output is no Singer message"),
        ("cut", "ended in the middle of line 2"),
        ("stream", "before its SCHEMA"),
        ("no_schema", "before its SCHEMA"),
        ("schema", "A batch of the stream 'stream_1' was refused"),
        ("record", "A batch of the stream 'stream_1' was refused"),
        ("state", "no object as its value"),
    ],
)
def test_a_tap_that_lies_fails_in_the_target_and_moves_no_bookmark(source, lie, told):
    ready(source, rows=50, lie=lie)
    job = extract(source)
    assert (job.outcome, job.discovery_exit_status, job.target_exit_status) == ("failed", 0, 1)
    assert job.tap_exit_status in (0, -15)
    assert told in job.target_description
    assert "Target failed with code 1 and error message" in log_of(job)[-1]
    assert (ids_of(source), state_of(source)) == ([], {})


def test_a_record_that_does_not_fit_its_own_schema_is_set_aside_and_the_job_goes_on(source):
    ready(source, rows=50, lie="type")
    job = extract(source)
    assert (job.outcome, job.records, state_of(source)["bookmarks"]["stream_1"]) == (
        "succeeded",
        51,
        {"id": 50},
    )
    assert ids_of(source) == ["no number", *range(1, 51)]
    told = [line for line in log_of(job) if "target - WARNING" in line]
    assert len(told) == 1
    assert 'Of the stream "stream_1" 1 of 51 records did not fit the tap’s own schema' in told[0]
    assert told[0].endswith("#/id: expected type: Number, found: String")
    while load_next():
        pass
    [stream] = progress_of(job=job).streams
    assert (stream.extracted, stream.inserted, stream.rejected, stream.waiting) == (51, 50, 1, 0)
    assert RejectedRecord.objects.open().get().field == "id"


def test_a_tap_that_lies_about_what_is_there_fails_in_discovery(source):
    ready(source)
    configure(source, lie="catalog")
    job = extract(source)
    assert (job.outcome, job.statuses) == ("failed", [1, None, None])
    assert job.discovery_description


def test_a_tap_that_floods_its_log_is_slowed_down_and_the_log_is_cut(source, settings):
    ready(source, flood="log")
    settings.JOB_LOG_BYTES = 64 * 1024
    settings.TAP_SILENCE_MINUTES = 0.05
    job = extract(source)
    assert job.statuses == [0, 1, 0]
    assert "has written nothing for" in job.tap_description
    assert job.log_bytes < 66 * 1024
    assert any("The log was cut at 65536 bytes" in line for line in log_of(job))


def test_a_tap_whose_line_never_ends_fails(source, settings):
    settings.MAX_BODY_BYTES = 1024 * 1024
    ready(source, flood="line")
    job = extract(source)
    assert "is longer than 1048576 bytes" in job.target_description


def test_a_tap_that_hangs_is_ended_and_what_it_wrote_is_loaded(source, monkeypatch, settings):
    ready(source, rows=5000, hang_after=1500, ignore_term="true")
    settings.TAP_SILENCE_MINUTES = 0.02
    monkeypatch.setattr("integrations.extracting.tap_process.GRACE_SECONDS", 0.5)
    job = extract(source)
    assert (job.outcome, job.statuses) == ("failed", [0, 1, 0])
    assert ids_of(source) == list(range(1, 1501))
    assert state_of(source)["bookmarks"]["stream_1"] == {"id": 1000}


def test_a_discovery_that_hangs_is_ended(source, settings):
    ready(source)
    configure(source, discovery_hangs="true")
    settings.DISCOVERY_MINUTES = 0.01
    assert "did not end its discovery" in extract(source).discovery_description


def test_a_tap_that_forks_leaves_no_process_behind(source):
    ready(source, rows=10, fork=3)
    job = extract(source)
    assert (job.outcome, job.records) == ("succeeded", 10)


def test_a_tap_whose_keeper_is_killed_is_ended_with_all_its_children(source, monkeypatch):
    ready(source, rows=10, fork=2, hang_after=10)

    def kill_the_keeper(run):
        [keeper] = Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split()
        os.kill(int(keeper), signal.SIGKILL)

    meanwhile(monkeypatch, kill_the_keeper)
    job = extract(source)
    assert job.statuses == [0, 1, 0]
    assert ids_of(source) == list(range(1, 11))


def test_a_tap_with_too_many_processes_is_ended(source, monkeypatch):
    monkeypatch.setattr("integrations.extracting.tap_process.MOST_PROCESSES", 3)
    ready(source)
    configure(source, fork=8, discovery_hangs="true")
    assert "started more than 3 processes" in extract(source).discovery_description


def test_a_tap_that_takes_too_much_memory_is_ended(source, settings):
    settings.TAP_MEMORY_BYTES = 96 * 1024**2
    ready(source, eat_bytes=160 * 1024**2, hang_after=0)
    assert extract(source).tap_description == "The tap used more than 96 MB of memory and was ended."


def test_a_tap_that_fills_the_disk_is_ended(source, settings):
    settings.TAP_DISK_BYTES = 2 * 1024**2
    ready(source, fill_bytes=16 * 1024**2)
    job = extract(source)
    assert job.statuses == [0, 1, 0]
    assert "File too large" in job.tap_description or "files" in job.tap_description


def test_the_taps_files_are_its_owners_alone_and_its_environment_is_clean(source, monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_SERVER", "must not be seen")
    ready(source, rows=10, hang_after=10)
    seen = {}

    def look_around(run):
        [tap] = [
            pid
            for pid in taps_alive()
            if b"--config" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        ]
        [folder] = folders.running_folder().iterdir()
        seen["environment"] = Path(f"/proc/{tap}/environ").read_bytes()
        seen["arguments"] = Path(f"/proc/{tap}/cmdline").read_bytes()
        seen["config"] = (folder / "config.json").read_text()
        seen["modes"] = {path.name: path.stat().st_mode & 0o777 for path in [folder, *folder.glob("*.json")]}
        seen["limits"] = Path(f"/proc/{tap}/limits").read_text()
        seen["nice"] = os.getpriority(os.PRIO_PROCESS, tap)
        seen["session"] = os.getsid(tap)
        raise running.StopAsked

    meanwhile(monkeypatch, look_around)
    extract(source)
    assert b"SECRET_OF_THE_SERVER" not in seen["environment"]
    assert PASSWORD in seen["config"]
    assert PASSWORD.encode() not in seen["environment"] + seen["arguments"]
    assert set(seen["modes"].values()) == {0o700, 0o600}
    assert "Max core file size        0" in seen["limits"]
    assert seen["nice"] >= running.TapProcess.__init__.__globals__["NICENESS"]
    assert seen["session"] != os.getsid(0)


def meanwhile(monkeypatch, act):
    """Do something once, while a tap has written its first rows."""
    real = running.Run._raise_what_is_due
    done = []

    def look(run, now):
        if not done and run.target is not None and run.target.gathering.open:
            done.append(True)
            act(run)
        real(run, now)

    monkeypatch.setattr(running, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(running.Run, "_raise_what_is_due", look)


def test_rows_of_a_run_that_failed_in_the_target_are_read_again_in_the_next(source):
    ready(source, rows=2500, lie="record")
    extract(source)
    configure(source, lie=None)
    job = extract(source)
    assert job.outcome == "succeeded"
    assert ids_of(source) == list(range(1, 2501))
    assert SourceState.objects.get().sequence > time.time_ns()
