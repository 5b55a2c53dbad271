"""The bodies of accepted requests on disk: append-only segment files, durable before anything is answered.

Each process writes a segment of its own, `<stem>.open`, and holds an exclusive lock on it for as long as it
may still store something in it. When it is full and every body in it stands in the index, the writer renames
it to `<stem>.sealed` and lets go. A `.open` file that nobody locks belongs to a process that died: whatever
of it the index names is whole, the rest was never acknowledged, and nobody appends to it again.

The index remembers stem, offset, length and checksum. A frame repeats length and checksum, so a reader never
takes one body for another.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import secrets
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

logger = logging.getLogger("integrations.queue")
OPEN, SEALED = ".open", ".sealed"
HEADER = struct.Struct("<4sQI")  # mark, length of the body, its CRC32
MARK = b"SBD1"
NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class NoSpace(Exception):
    """The disk had no room for a body; nothing of it counts."""


class BodyMissing(Exception):
    """The index names a body that its segment does not hold."""


@dataclass(frozen=True, slots=True)
class Location:
    """Where a stored body lies."""

    segment: str
    offset: int
    size: int
    checksum: int


@dataclass(slots=True)
class Segment:
    """The segment this process appends to."""

    stem: str
    path: Path
    descriptor: int
    written: int = 0
    durable: int = 0
    unindexed: int = 0  # bodies stored, whose index rows are not committed yet
    closing: bool = False
    syncing: threading.Lock = field(default_factory=threading.Lock)


class SegmentWriter:
    """Stores bodies for one process, from any of its threads."""

    def __init__(self, folder: Path, *, rotate_at: int) -> None:
        self.folder = folder
        self.rotate_at = rotate_at
        self.lock = threading.Lock()
        self.owner = os.getpid()
        self.current: Segment | None = None

    @contextmanager
    def storing(self, body: bytes) -> Iterator[Location]:
        """Store a body durably, and keep its segment until the caller has committed the index row."""
        segment, location = self._append(body)
        try:
            self._make_durable(segment, location.offset + location.size)
            yield location
        finally:
            with self.lock:
                segment.unindexed -= 1
                self._release_if_done(segment)

    def seal(self) -> None:
        """Begin a new segment with the next body, so that the loader may remove this one when it is loaded."""
        with self.lock:
            if self.current is not None and self.owner == os.getpid():
                self._retire(self.current)

    def _append(self, body: bytes) -> tuple[Segment, Location]:
        checksum = zlib.crc32(body)
        with self.lock:
            segment = self._writable_segment()
            start = segment.written
            try:
                write_fully(segment.descriptor, HEADER.pack(MARK, len(body), checksum), body)
            except OSError as error:
                self._retire(segment)  # what was torn stays behind the last good body, and is never read
                if error.errno in NO_SPACE:
                    raise NoSpace from error
                raise
            segment.written += HEADER.size + len(body)
            segment.unindexed += 1
            location = Location(segment.stem, start + HEADER.size, len(body), checksum)
            if segment.written >= self.rotate_at:
                self._retire(segment)
            return segment, location

    def _make_durable(self, segment: Segment, end: int) -> None:
        """Wait until the disk holds the segment up to `end`; one flush serves all who wait for it."""
        with segment.syncing:
            if segment.durable >= end:
                return
            reached = segment.written
            try:
                os.fdatasync(segment.descriptor)
            except OSError as error:
                with (
                    self.lock
                ):  # after a failed flush the kernel may forget pages: never trust this file again
                    self._retire(segment)
                if error.errno in NO_SPACE:
                    raise NoSpace from error
                raise
            segment.durable = reached

    def _writable_segment(self) -> Segment:
        if self.owner != os.getpid():  # a fork: the parent's segment stays the parent's
            self.owner, self.current = os.getpid(), None
        if self.current is None:
            self.current = self._begin()
        return self.current

    def _begin(self) -> Segment:
        self.folder.mkdir(parents=True, exist_ok=True)
        stem = f"{time.time_ns():020d}-{os.getpid()}-{secrets.token_hex(4)}"
        path = self.folder / f"{stem}{OPEN}"
        # Made under another name and locked before it gets its own: nobody ever sees it unlocked.
        draft = self.folder / f".{stem}"
        try:
            descriptor = os.open(
                draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600
            )
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            draft.rename(path)
            flush_folder(self.folder)
        except OSError as error:
            if error.errno in NO_SPACE:
                raise NoSpace from error
            raise
        return Segment(stem, path, descriptor)

    def _retire(self, segment: Segment) -> None:
        segment.closing = True
        if self.current is segment:
            self.current = None
        self._release_if_done(segment)

    def _release_if_done(self, segment: Segment) -> None:
        if segment.closing and segment.unindexed == 0 and segment.descriptor >= 0:
            segment.path.rename(segment.path.with_suffix(SEALED))
            os.close(segment.descriptor)
            segment.descriptor = -1


def write_fully(descriptor: int, *parts: bytes) -> None:
    """Write all the parts, however many calls it takes."""
    views = [memoryview(part) for part in parts if part]
    while views:
        written = os.writev(descriptor, views)
        while views and written >= len(views[0]):
            written -= len(views.pop(0))
        if views and written:
            views[0] = views[0][written:]


def flush_folder(folder: Path) -> None:
    """Make a new or renamed file's entry durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_body(folder: Path, location: Location) -> bytes:
    """Return a stored body; raise BodyMissing when the segment does not hold exactly what was indexed."""
    for _ in range(2):  # between two looks the writer may have sealed it
        for suffix in (OPEN, SEALED):
            try:
                with (folder / f"{location.segment}{suffix}").open("rb") as file:
                    return checked_body(file, location)
            except FileNotFoundError:
                continue
    raise BodyMissing(f"segment {location.segment} is gone")


def checked_body(file: BinaryIO, location: Location) -> bytes:
    """Read one frame and hold it against the index."""
    file.seek(location.offset - HEADER.size)
    header, body = file.read(HEADER.size), file.read(location.size)
    if header != HEADER.pack(MARK, location.size, location.checksum) or zlib.crc32(body) != location.checksum:
        raise BodyMissing(f"segment {location.segment} is damaged at {location.offset}")
    return body


@dataclass(frozen=True, slots=True)
class StoredSegment:
    """A segment file as the loader finds it."""

    stem: str
    path: Path
    size: int
    changed_at: float

    @property
    def is_sealed(self) -> bool:
        return self.path.suffix == SEALED


def stored_segments(folder: Path) -> list[StoredSegment]:
    """List the segment files, oldest first."""
    found = []
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return []
    for entry in entries:
        if entry.name.endswith((OPEN, SEALED)):
            try:
                status = entry.stat()
            except FileNotFoundError:  # sealed or removed since the listing
                continue
            path = Path(entry.path)
            found.append(StoredSegment(path.stem, path, status.st_size, status.st_mtime))
    return sorted(found, key=lambda segment: segment.stem)


def draft_segments(folder: Path) -> list[Path]:
    """List what a process that died while it began a segment left behind."""
    return [path for path in folder.glob(".*") if path.is_file()]


def stored_bytes(folder: Path) -> int:
    """Add up what the segments take on disk."""
    return sum(segment.size for segment in stored_segments(folder))


def has_living_writer(path: Path) -> bool:
    """Tell whether a process still holds the segment for writing."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:  # renamed by the writer that just let go: look again next time
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)
