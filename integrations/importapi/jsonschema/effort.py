"""How much work one request may make the validator do: a schema multiplies with its records, and with itself.

References that double, alternatives by the thousand and patterns that backtrack cost their sender a few bytes
and the server minutes. Everything that can multiply counts its steps here; a request that uses up its steps,
or its seconds in patterns, is refused (promises I7 and I13). Without a limit nothing is counted.
"""

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import regex

STEPS, STEPS_A_BYTE = 5_000_000, 2
PATTERN_SECONDS = 2.0
NODE = 50  # steps for compiling one schema


class TooMuchEffort(Exception):
    """The request would keep the server busy for too long; what is wrong with it was not found out."""


class _Left(threading.local):
    steps: float = math.inf
    seconds: float = math.inf


_left = _Left()


@contextmanager
def limited(*, body_size: int) -> Iterator[None]:
    """Count, on this thread, what is done in the block; TooMuchEffort ends it."""
    _left.steps = STEPS + STEPS_A_BYTE * body_size
    _left.seconds = PATTERN_SECONDS
    try:
        yield
    finally:
        _left.steps = _left.seconds = math.inf


def spend(steps: int = 1) -> None:
    """Count steps that are about to be made."""
    _left.steps -= steps
    if _left.steps < 0:
        raise TooMuchEffort


class Pattern:
    """A regular expression whose searches end: other requests go on meanwhile."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self._compiled = regex.compile(pattern)

    def search(self, text: str) -> bool:
        """Tell whether the pattern is found in `text`."""
        if _left.seconds == math.inf:
            return self._compiled.search(text) is not None
        begun = time.monotonic()
        try:
            return self._compiled.search(text, timeout=_left.seconds, concurrent=True) is not None
        except TimeoutError as error:
            raise TooMuchEffort from error
        finally:
            _left.seconds = max(_left.seconds - (time.monotonic() - begun), 0.001)
