"""The private working folder of a running tap: config, catalog and state, and all that the tap writes.

It is the owner's alone, and gone when the tap has ended. Its keeper removes it when the worker is killed; when both
are, the next worker that starts finds it locked by nobody and removes it.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings

LOCK = ".lock"
DRAFT_SECONDS = 3600.0
MOST_ROUNDS = 200


def running_folder() -> Path:
    """Where the working folders lie."""
    return Path(settings.DATA_DIR) / "running"


class WorkingFolder:
    """One tap's folder; `close` removes it."""

    def __init__(self) -> None:
        root = running_folder()
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = secrets.token_hex(8)
        draft = root / f".{name}"  # locked before it has its name: nobody ever sees it unlocked
        draft.mkdir(mode=0o700)
        self.lock = os.open(draft / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.path = root / name
        draft.rename(self.path)
        (self.path / "tmp").mkdir(mode=0o700)

    def write(self, name: str, content: Any) -> Path:
        """Write a JSON file that nobody else can read."""
        return self.write_text(name, json.dumps(content))

    def write_text(self, name: str, text: str) -> Path:
        """Write a file that nobody else can read; its folder is made."""
        path = self.path / name
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.unlink(missing_ok=True)  # a tap could have put a link in its place
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def close(self) -> None:
        """Remove the folder and everything in it."""
        remove(self.path)
        if self.lock >= 0:
            os.close(self.lock)
            self.lock = -1


def remove(folder: Path) -> None:
    """Remove a folder, even one whose owner took his own rights away."""
    for path, _, _ in os.walk(folder):
        try:
            Path(path).chmod(0o700)
        except OSError:
            continue
    shutil.rmtree(folder, ignore_errors=True)


def end_processes_of(folder: Path) -> None:
    """Kill whatever still has the folder as its home or works in it: processes that have no keeper any more."""
    for _ in range(MOST_ROUNDS):  # one may fork while the list is read
        found = processes_of(folder)
        if not found:
            return
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def processes_of(folder: Path) -> list[int]:
    """Return the processes that a tap left behind, by the environment and the place that it gave them."""
    home, found = f"HOME={folder}".encode(), []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        try:
            theirs = home in (entry / "environ").read_bytes().split(b"\0")
            if theirs or (entry / "cwd").readlink().is_relative_to(folder):
                found.append(int(entry.name))
        except OSError:  # gone, or somebody else's
            continue
    return found


def sweep() -> int:
    """Remove the folders of taps whose worker and keeper are gone; return how many."""
    removed = 0
    try:
        entries = list(running_folder().iterdir())
    except FileNotFoundError:
        return 0
    for path in entries:
        if is_abandoned(path):
            end_processes_of(path)
            remove(path)
            removed += 1
    return removed


def is_abandoned(folder: Path) -> bool:
    """Tell whether nobody holds the folder any more."""
    try:
        if folder.name.startswith("."):
            return time.time() - folder.stat().st_mtime > DRAFT_SECONDS
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:  # removed just now, or by a keeper that was killed in the middle of it
        return folder.is_dir()
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True
