"""How many bytes of bodies one process holds at a time (decision D39, promise I7).

A parsed body takes several times its size in memory, so large ones go one after the other: each waits its
turn for a little while, and is then told to come back.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

ROOM_FOR_SMALL_BODIES = 4 * 1024 * 1024


class BudgetExhausted(Exception):
    """Other bodies took all of the memory set aside, for longer than this one was ready to wait."""


class ByteBudget:
    """A number of bytes that the requests of a process share."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._held = 0
        self._changed = threading.Condition()

    @contextmanager
    def hold(self, size: int, *, patience: float | None) -> Iterator[None]:
        """Hold `size` bytes; wait at most `patience` seconds for them, for None as long as it takes.

        Raises BudgetExhausted. More than the whole budget may be held by one alone.
        """
        give_up = None if patience is None else time.monotonic() + patience
        with self._changed:
            while self._held and self._held + size > self._capacity:
                left = None if give_up is None else give_up - time.monotonic()
                if left is not None and left <= 0:
                    raise BudgetExhausted
                self._changed.wait(left)
            self._held += size
        try:
            yield
        finally:
            with self._changed:
                self._held -= size
                self._changed.notify_all()


budget = ByteBudget(settings.MAX_BODY_BYTES + ROOM_FOR_SMALL_BODIES)
