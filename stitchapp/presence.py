"""Which processes live: each holds a lock on a file of its own, which the system lets go of when it dies.

A lease alone would keep what a killed process had in hand for as long as the lease runs.
"""

from __future__ import annotations

import fcntl
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

DUTY_SUFFIX = ".duty"  # files beside the announcements that are locked for other reasons


class Presence:
    """One process's announcement in a folder; it lasts until `end`, or until the process is gone."""

    def __init__(self, folder: Path) -> None:
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


def is_gone(folder: Path, name: str) -> bool:
    """Tell whether the process that announced itself under `name` in the folder has died.

    One that never announced itself here, or ended in good order, is not known to be gone: its lease decides.
    """
    if not name:
        return False
    try:
        descriptor = os.open(folder / name, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def forget_the_dead(folder: Path, *, held: set[str]) -> None:
    """Remove the announcements of dead processes that hold nothing any more."""
    for path in announcements(folder):
        if path.name not in held and is_gone(folder, path.name):
            path.unlink(missing_ok=True)


def announcements(folder: Path) -> Iterator[Path]:
    """Return the files of processes that announced themselves in the folder."""
    if folder.is_dir():
        yield from (path for path in folder.iterdir() if path.suffix != DUTY_SUFFIX)
