"""The DuckDB file itself: opening it among other processes, and what its faults mean (D23)."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import duckdb

from integrations.loading.errors import LoadError

MEMORY_LIMIT = "1GB"  # what rows of 10,000 columns take; usually a tenth of it is used
FIRST_PAUSE, LONGEST_PAUSE = 0.02, 0.25
READERS_PAUSE = (
    0.05  # a loader that is asked to let go does so for about as long as it takes to note its loads
)
DISK_FULL = ("No space left", "could not write", "Could not write")


class FileHeld(Exception):
    """Another process has the file open, and kept it open for as long as one waits."""


@contextmanager
def opened(
    path: Path,
    *,
    wait_seconds: float,
    read_only: bool = False,
    memory_limit: str = MEMORY_LIMIT,
    threads: int = 1,
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the file, waiting out whoever holds it; close it whatever happens."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory_limit,
        "threads": threads,
    }
    deadline = time.monotonic() + wait_seconds
    pause, longest = FIRST_PAUSE, READERS_PAUSE if read_only else LONGEST_PAUSE
    with ExitStack() as waiting:
        while True:
            try:
                connection = duckdb.connect(str(path), read_only=read_only, config=config)
                break
            except (duckdb.IOException, duckdb.ConnectionException) as error:
                if not is_held(error):
                    raise
                if time.monotonic() + pause > deadline:
                    raise FileHeld(str(error)) from error
            if read_only and pause == FIRST_PAUSE:
                waiting.enter_context(asked_for(path))
            time.sleep(pause)
            pause = min(pause * 2, longest)
    try:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection
    finally:
        connection.close()


@contextmanager
def asked_for(path: Path) -> Iterator[None]:
    """Let whoever loads into the file know that somebody waits for it."""
    descriptor = os.open(sign_of(path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def is_wanted(path: Path) -> bool:
    """Tell whether somebody waits for the file: who does holds a lock on the file's sign."""
    try:
        descriptor = os.open(sign_of(path), os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def sign_of(path: Path) -> Path:
    """Name the empty file beside a warehouse by which readers ask for it."""
    return path.with_name(f"{path.name}.wanted")


def is_held(error: duckdb.Error) -> bool:
    """Tell a file that somebody else has open from one that cannot be opened."""
    text = str(error)
    return (
        "Could not set lock" in text
        or "different configuration" in text
        or "already open" in text
        or "being used by another process" in text
    )


def explain(error: duckdb.Error) -> LoadError:
    """Say what waits because of an engine's error, and whether it heals by itself (loading.md 7.3, 7.4)."""
    told = _explained(error)
    told.engine_error = f"duckdb.{type(error).__name__}"  # it has no SQL states
    return told


def _explained(error: duckdb.Error) -> LoadError:
    text = str(error)
    if any(sign in text for sign in DISK_FULL):  # also as the cause of a failed commit
        return LoadError(text, scope="destination")
    if isinstance(error, duckdb.TransactionException):
        return LoadError(text, transient=True, fault="warehouse")
    if isinstance(error, duckdb.OutOfMemoryException):  # of this table's rows: the others may well fit
        return LoadError(text, fault="warehouse")
    if isinstance(error, duckdb.IOException | duckdb.FatalException):
        return LoadError(text, transient=is_held(error), scope="destination")
    if isinstance(error, duckdb.DependencyException) or "Dependency Error" in text:
        return LoadError(
            f"{text} A column must be renamed because its type changed: drop the index or view that depends "
            "on it, and make it again after the load.",
            fault="warehouse",
        )
    if isinstance(error, duckdb.ConstraintException) and "NOT NULL" in text:
        return LoadError(
            f"{text} Drop the constraint: a column that is not sent must be able to stay empty.",
            fault="warehouse",
        )
    return LoadError(text, fault="data")
