"""Numbers that all web processes on one data folder read and write: a small file that each maps into its memory.

A limit that each process counted for itself would be as many times too wide as there are processes, and too narrow
for a client that keeps one connection. A database would cost every request a write.
"""

import fcntl
import mmap
import os
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SLOTS, PROBES = 65_536, 8
SLOT = struct.Struct("=Qd")
ERA, SIZE = SLOTS * SLOT.size, (SLOTS + 1) * SLOT.size
SAME_ERA_SECONDS = 60  # clocks that are set a little by the network count as one
SPREAD = 0x9E3779B97F4A7C15  # neighbouring keys land far apart


class SharedBuckets:
    """One time for each key, which is a number above 0. Of more keys than fit the earliest times are forgotten.

    All times are forgotten when those there are of another `era`: the moment at which their clock began.
    """

    def __init__(self, path: Path, *, era: float) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.posix_fallocate(self._file, 0, SIZE)  # a page without a place on disk would be a SIGBUS
        self._memory = mmap.mmap(self._file, SIZE)
        self._threads = threading.Lock()
        with self.locked():
            _, earlier = SLOT.unpack_from(self._memory, ERA)
            if abs(earlier - era) > SAME_ERA_SECONDS:
                self._memory[:] = bytes(SIZE)
                SLOT.pack_into(self._memory, ERA, 0, era)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other thread and process out; a process that dies lets go."""
        with self._threads:
            fcntl.lockf(self._file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN)

    def read(self, key: int) -> float:
        """Return the key's time; 0 when it has none."""
        for offset in self._offsets(key):
            found, time = SLOT.unpack_from(self._memory, offset)
            if found == key:
                return float(time)
        return 0.0

    def write(self, key: int, time: float) -> None:
        """Keep a time for the key."""
        candidates = [(offset, *SLOT.unpack_from(self._memory, offset)) for offset in self._offsets(key)]
        own = next((offset for offset, found, _ in candidates if found == key), None)
        if own is None:
            own = min(candidates, key=lambda candidate: candidate[2])[0]
        SLOT.pack_into(self._memory, own, key, time)

    def _offsets(self, key: int) -> list[int]:
        first = (key * SPREAD & 0xFFFFFFFFFFFFFFFF) >> 48
        return [(first + probe) % SLOTS * SLOT.size for probe in range(PROBES)]
