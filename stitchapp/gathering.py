"""What requests leave behind, gathered in memory and written together by one thread a moment later.

A request never waits for such a write and its answer takes the same time with or without one (promises P9, P10);
a thousand of them cost one transaction. The price: a process that is killed loses its last second of them. So
only notes about traffic come here, never anything that was acknowledged to a sender or that a person changed.
"""

import atexit
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from django.conf import settings
from django.db import close_old_connections

logger = logging.getLogger("stitchapp.gathering")
Note = TypeVar("Note")
WRITTEN_EVERY = 1.0  # seconds
TRIED_AT_THE_END, PAUSE_AT_THE_END = 2.0, 0.05  # seconds, of the 30 that promise O2 allows
MOST_WAITING = (
    10_000  # notes of one kind that a process holds; while its database is away, later ones are lost
)


class Gathering(Generic[Note]):
    """Notes of one kind that wait for `write`, which takes them oldest first and returns those to try again."""

    def __init__(
        self,
        name: str,
        write: Callable[[list[Note]], list[Note]],
        *,
        most: int = MOST_WAITING,
        in_turn_with: "Gathering | None" = None,
    ) -> None:
        """With `in_turn_with`, notes that arise in the same requests never meet each other at the database."""
        self.name = name
        self._write = write
        self._most = most
        self._notes: deque[Note] = deque()
        self._lost = 0
        self._wanted = threading.Event()
        self._writing = in_turn_with._writing if in_turn_with is not None else threading.Lock()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        atexit.register(self.write_at_the_end)

    def add(self, note: Note) -> None:
        """Keep a note until it is written: within a second, and when the process ends."""
        if len(self._notes) >= self._most:
            self._lost += 1
            return
        self._notes.append(note)
        if not settings.GATHER_NOTES:
            self.write_now()
        elif not self._wanted.is_set():
            self._wanted.set()
            self._start()

    def write_now(self) -> None:
        """Write what waits. Notes that the database does not take now are kept."""
        with self._writing:
            notes = [self._notes.popleft() for _ in range(len(self._notes))]
            lost, self._lost = self._lost, 0
            if lost:
                logger.warning("notes.lost", extra={"notes": self.name, "count": lost})
            if not notes:
                return
            left = self._write(notes)
            if left:
                logger.info("notes.postponed", extra={"notes": self.name, "count": len(left)})
                self._notes.extendleft(reversed(left))

    def write_at_the_end(self) -> None:
        """Write what waits before the process ends; what its database does not take at once it may take soon.

        Processes that end together often want the same row: then one of them has to come again.
        """
        give_up = time.monotonic() + TRIED_AT_THE_END
        self.write_now()
        while self._notes and time.monotonic() < give_up:
            time.sleep(PAUSE_AT_THE_END)
            self.write_now()
        if self._notes:
            logger.warning("notes.lost", extra={"notes": self.name, "count": len(self._notes)})

    def _start(self) -> None:
        """Start the thread with the first note: before, the server has not yet split into its workers."""
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name=f"{self.name} notes", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            self._wanted.wait()
            time.sleep(WRITTEN_EVERY)
            self._wanted.clear()  # before the look: what is added from now on wakes the thread again
            close_old_connections()
            try:
                self.write_now()
            except Exception:  # nobody waits for this thread: what fails here must be seen in the log
                logger.exception("notes.failed", extra={"notes": self.name})
            if self._notes:
                self._wanted.set()
