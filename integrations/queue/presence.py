"""Which loaders live: each holds a lock on a file of its own, which the system lets go of when it dies.

A lease alone would keep a killed loader's tables for as long as the lease runs.
"""

from __future__ import annotations

import fcntl
import os
import uuid
from pathlib import Path

from django.conf import settings


def presence_folder() -> Path:
    """Where the loaders of this data folder announce themselves."""
    return Path(settings.DATA_DIR) / "loaders"


class Presence:
    """One loader process's announcement; it lasts until `end`, or until the process is gone."""

    def __init__(self) -> None:
        folder = presence_folder()
        folder.mkdir(parents=True, exist_ok=True)
        self.name = uuid.uuid4().hex
        self.path = folder / self.name
        draft = folder / f".{self.name}"  # locked before it has its name: nobody ever sees it unlocked
        self.descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(self.descriptor, fcntl.LOCK_EX)
        draft.rename(self.path)

    def end(self) -> None:
        """Take the announcement back."""
        self.path.unlink(missing_ok=True)
        os.close(self.descriptor)


class Turn:
    """A duty that one process at a time has: whoever has it keeps it until `end`, or until it is gone."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.descriptor: int | None = None

    def is_mine(self) -> bool:
        """Tell whether this process has the duty; it takes it when nobody has."""
        if self.descriptor is not None:
            return True
        presence_folder().mkdir(parents=True, exist_ok=True)
        path = presence_folder() / f"{self.name}.duty"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self.descriptor = descriptor
        return True

    def end(self) -> None:
        """Let another process have the duty."""
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None


def is_gone(name: str) -> bool:
    """Tell whether the loader that announced itself under `name` here has died.

    One that never announced itself here, or ended in good order, is not known to be gone: its lease decides.
    """
    if not name:
        return False
    path = presence_folder() / name
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def forget_dead_loaders(held: set[str]) -> None:
    """Remove the announcements of dead loaders that hold nothing any more."""
    if not presence_folder().is_dir():
        return
    for path in presence_folder().iterdir():
        if path.suffix != ".duty" and path.name not in held and is_gone(path.name):
            path.unlink(missing_ok=True)
