"""Which loaders live, which of them tidies, and how loading is held for a while."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from stitchapp import presence

HOLD, WORK = "hold.duty", "work.duty"
LOOK_SECONDS = 0.1


def presence_folder() -> Path:
    """Where the loaders of this data folder announce themselves."""
    return Path(settings.DATA_DIR) / "loaders"


class Presence(presence.Presence):
    """One loader process's announcement."""

    def __init__(self) -> None:
        super().__init__(presence_folder())


class Turn:
    """A duty that one process at a time has: whoever has it keeps it until `end`, or until it is gone."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.descriptor: int | None = None

    def is_mine(self) -> bool:
        """Tell whether this process has the duty; it takes it when nobody has."""
        if self.descriptor is not None:
            return True
        self.descriptor = try_lock(f"{self.name}.duty", fcntl.LOCK_EX)
        return self.descriptor is not None

    def end(self) -> None:
        """Let another process have the duty."""
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None


class AtWork:
    """Tells that this process may be loading, or tidying; `loading_held` waits until nobody is."""

    def __init__(self) -> None:
        self.descriptor: int | None = None

    def begin(self) -> bool:
        """Be at work; False while loading is held."""
        if self.descriptor is None:
            if is_hold_wanted():
                return False
            self.descriptor = try_lock(WORK, fcntl.LOCK_SH)
        return self.descriptor is not None

    def end(self) -> None:
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None


class StillLoading(Exception):
    """A load in hand did not end in the time one was ready to wait."""


@contextmanager
def loading_held(*, wait_seconds: float) -> Iterator[None]:
    """Keep every loader of this data folder from loading and tidying meanwhile. Raises StillLoading."""
    descriptors: list[int] = []
    give_up = time.monotonic() + wait_seconds
    try:
        for name in (HOLD, WORK):
            while (descriptor := try_lock(name, fcntl.LOCK_EX)) is None:
                if time.monotonic() > give_up:
                    raise StillLoading
                time.sleep(LOOK_SECONDS)
            descriptors.append(descriptor)
        yield
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def is_hold_wanted() -> bool:
    """Tell whether somebody holds loading, or waits until the loads in hand have ended."""
    descriptor = try_lock(HOLD, fcntl.LOCK_SH)
    if descriptor is None:
        return True
    os.close(descriptor)
    return False


def try_lock(name: str, kind: int) -> int | None:
    """Lock a file of this data folder by name and return its descriptor; None when it is not to be had now."""
    presence_folder().mkdir(parents=True, exist_ok=True)
    descriptor = os.open(presence_folder() / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def is_gone(name: str) -> bool:
    """Tell whether the loader that announced itself under `name` here has died."""
    return presence.is_gone(presence_folder(), name)


def forget_dead_loaders(held: set[str]) -> None:
    """Remove the announcements of dead loaders that hold nothing any more."""
    presence.forget_the_dead(presence_folder(), held=held)
