"""Segment files: what was stored is whole, whatever happened to its writer (promises I1, I2)."""

import errno
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from integrations.queue import segments
from integrations.queue.segments import (
    BodyMissing,
    Location,
    NoSpace,
    SegmentWriter,
    draft_segments,
    has_living_writer,
    read_body,
    stored_bytes,
    stored_segments,
)


@pytest.fixture
def writer(tmp_path):
    writer = SegmentWriter(tmp_path, rotate_at=1024**2)
    yield writer
    writer.seal()


def store(writer, body):
    with writer.storing(body) as location:
        return location


def test_bodies_come_back_as_they_were_stored(writer, tmp_path):
    bodies = [b"", b"a", os.urandom(100_000), b"{}"]

    locations = [store(writer, body) for body in bodies]

    assert [read_body(tmp_path, location) for location in locations] == bodies
    assert len({location.segment for location in locations}) == 1


def test_threads_share_a_segment_and_never_mix_their_bodies(writer, tmp_path):
    bodies = [f"{number}".encode() * number for number in range(200)]

    with ThreadPoolExecutor(8) as pool:
        locations = list(pool.map(lambda body: store(writer, body), bodies))

    assert [read_body(tmp_path, location) for location in locations] == bodies


def test_I1_the_disk_has_the_body_before_the_caller_goes_on(writer, monkeypatch):
    flushed = []
    monkeypatch.setattr(segments.os, "fdatasync", flushed.append)

    with writer.storing(b"body"):
        assert len(flushed) == 1


def test_one_flush_serves_all_who_wait_for_it(writer, monkeypatch):
    flushing, go_on, flushes = threading.Event(), threading.Event(), []

    def slow_flush(descriptor):
        flushes.append(descriptor)
        flushing.set()
        go_on.wait(5)

    monkeypatch.setattr(segments.os, "fdatasync", slow_flush)
    with ThreadPoolExecutor(6) as pool:
        first = pool.submit(store, writer, b"first")
        assert flushing.wait(5)
        later = [pool.submit(store, writer, b"later") for _ in range(5)]
        while writer.current.written < (segments.HEADER.size + 5) * 6:
            pass
        go_on.set()
        for stored in [first, *later]:
            stored.result(5)

    assert len(flushes) == 2


def test_a_full_segment_is_sealed_and_the_next_body_begins_another(tmp_path):
    writer = SegmentWriter(tmp_path, rotate_at=100)

    first, second = store(writer, b"x" * 100), store(writer, b"y")

    assert first.segment != second.segment
    assert [segment.is_sealed for segment in stored_segments(tmp_path)] == [True, False]
    assert read_body(tmp_path, first) == b"x" * 100
    assert stored_bytes(tmp_path) == 101 + 2 * segments.HEADER.size
    writer.seal()


def test_a_segment_is_held_until_its_last_body_is_indexed(tmp_path):
    writer = SegmentWriter(tmp_path, rotate_at=100)

    with writer.storing(b"x" * 100):
        [segment] = stored_segments(tmp_path)
        assert (segment.is_sealed, has_living_writer(segment.path)) == (False, True)

    [segment] = stored_segments(tmp_path)
    assert (segment.is_sealed, has_living_writer(segment.path)) == (True, False)


def test_a_damaged_or_missing_body_is_never_taken_for_another(writer, tmp_path):
    location = store(writer, b"body")
    writer.seal()
    [segment] = stored_segments(tmp_path)

    with pytest.raises(BodyMissing):
        read_body(tmp_path, Location(location.segment, location.offset, 3, location.checksum))
    segment.path.write_bytes(segment.path.read_bytes()[:-1] + b"!")
    with pytest.raises(BodyMissing):
        read_body(tmp_path, location)
    segment.path.unlink()
    with pytest.raises(BodyMissing):
        read_body(tmp_path, location)


def test_I2_a_full_disk_stores_nothing_and_the_torn_tail_is_left_behind(writer, tmp_path, monkeypatch):
    kept = store(writer, b"kept")
    real_writev = os.writev

    def disk_full(descriptor, views):
        real_writev(descriptor, [bytes(views[0])[:5]])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(segments.os, "writev", disk_full)
    with pytest.raises(NoSpace):
        store(writer, b"refused")
    monkeypatch.undo()
    after = store(writer, b"after")

    assert after.segment != kept.segment
    assert read_body(tmp_path, kept) == b"kept"
    assert read_body(tmp_path, after) == b"after"


def test_a_segment_whose_flush_failed_is_not_trusted_again(writer, monkeypatch):
    def failing(descriptor):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(segments.os, "fdatasync", failing)
    with pytest.raises(OSError, match="Input/output"):
        store(writer, b"refused")

    assert writer.current is None


def test_a_forked_process_writes_a_segment_of_its_own(writer, tmp_path):
    mine = store(writer, b"parent")
    child = os.fork()
    if child == 0:
        store(writer, b"child")
        os._exit(0)
    os.waitpid(child, 0)

    stored = stored_segments(tmp_path)
    assert len(stored) == 2
    assert [has_living_writer(segment.path) for segment in stored] == [True, False]
    assert read_body(tmp_path, store(writer, b"again")) == b"again"
    assert stored[0].stem == mine.segment


def test_I1_a_killed_writer_leaves_whole_bodies_and_no_lock(tmp_path):
    program = (
        "import sys; from pathlib import Path; from integrations.queue.segments import SegmentWriter\n"
        "writer = SegmentWriter(Path(sys.argv[1]), rotate_at=10**9)\n"
        "while True:\n"
        "    with writer.storing(b'x' * 5000) as place:\n"
        "        print(place.segment, place.offset, place.size, place.checksum, flush=True)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    acknowledged = [process.stdout.readline() for _ in range(20)]
    assert has_living_writer(stored_segments(tmp_path)[0].path)
    process.send_signal(signal.SIGKILL)
    acknowledged += process.stdout.readlines()
    process.wait()
    process.stdout.close()

    for line in (line for line in acknowledged if line.endswith("\n")):
        segment, *numbers = line.split()
        assert read_body(tmp_path, Location(segment, *map(int, numbers))) == b"x" * 5000
    [segment] = stored_segments(tmp_path)
    assert (segment.is_sealed, has_living_writer(segment.path)) == (False, False)
    assert draft_segments(tmp_path) == []
