"""Notes about traffic: gathered in memory, written together, bounded (decision D29)."""

import subprocess
import sys
import threading

import pytest

from stitchapp import gathering
from stitchapp.gathering import Gathering
from tests.server import ROOT, environment

PROGRAM = """
import django; django.setup()
from stitchapp.gathering import Gathering
tries = []
def write(notes):
    tries.append(notes)
    if len(tries) <= {refused}:
        return notes
    print(notes, flush=True)
    return []
notes = Gathering("sample", write)
notes.add("one")
notes.add("two")
"""


@pytest.fixture
def gathers(settings, monkeypatch):
    settings.GATHER_NOTES = True
    monkeypatch.setattr(gathering, "WRITTEN_EVERY", 0.01)


def test_a_thread_writes_what_was_gathered_and_later_what_came_later(gathers):
    written, arrived = [], threading.Semaphore(0)

    def write(notes):
        written.extend(notes)
        arrived.release()
        return []

    notes = Gathering("sample", write)
    for note in ("one", "two"):
        notes.add(note)
        assert arrived.acquire(timeout=30)
    assert written == ["one", "two"]


def test_what_cannot_be_written_stays_and_is_tried_again_in_its_order(gathers):
    tries, done = [], threading.Event()

    def write(notes):
        tries.append(list(notes))
        if len(tries) < 3:
            return notes
        done.set()
        return []

    notes = Gathering("sample", write)
    with notes._writing:  # all are gathered before the first try
        for note in (1, 2, 3):
            notes.add(note)
    assert done.wait(30)
    assert tries == [[1, 2, 3]] * 3


def test_a_fault_in_writing_does_not_end_the_thread(gathers):
    outcomes, done = [], threading.Event()

    def write(notes):
        outcomes.append(notes)
        if len(outcomes) == 1:
            raise RuntimeError("broken")
        done.set()
        return []

    notes = Gathering("sample", write)
    notes.add("lost")
    while not outcomes:
        threading.Event().wait(0.005)
    notes.add("kept")
    assert done.wait(30)
    assert outcomes == [["lost"], ["kept"]]


def test_beyond_their_bound_notes_are_lost_and_the_log_says_so(settings, monkeypatch, caplog):
    settings.GATHER_NOTES = True
    written = []
    notes = Gathering("sample", lambda some: written.extend(some) or [], most=3)
    monkeypatch.setattr(notes, "_start", lambda: None)
    for number in range(5):
        notes.add(number)
    caplog.set_level("WARNING")
    notes.write_now()
    assert written == [0, 1, 2]
    assert [(record.message, record.count) for record in caplog.records] == [("notes.lost", 2)]


@pytest.mark.parametrize("refused", [0, 3])
def test_a_process_that_ends_writes_what_it_has_gathered(tmp_path, refused):
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(refused=refused)],
        cwd=ROOT,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert ended.stdout == "['one', 'two']\n"


def test_kinds_in_turn_are_never_written_at_once(gathers):
    inside, together, done = threading.Semaphore(1), [], threading.Semaphore(0)

    def write(notes):
        together.append(not inside.acquire(blocking=False))
        threading.Event().wait(0.02)
        inside.release()
        done.release()
        return []

    first = Gathering("first", write)
    second = Gathering("second", write, in_turn_with=first)
    for kind in (first, second):
        kind.add("note")
    for _ in range(2):
        assert done.acquire(timeout=10)
    assert together == [False, False]
