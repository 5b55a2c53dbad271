"""A copy of everything under DATA_DIR that belongs together, taken while data comes in (promise O3).

Loading is held meanwhile, so that warehouse, queue and figures are of one moment; intake goes on. The queue is
copied first: a token that was made later then belongs to nothing in it. Bodies are on disk before the index names
them, and nobody removes a segment while loading is held.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connections

from integrations.queue.presence import loading_held
from integrations.queue.room import queue_folder
from integrations.queue.segments import OPEN, SEALED, StoredSegment, stored_segments

SECRETS = ("secret_key", "credential_key")  # made on first start, in local mode only
WAREHOUSES = "warehouse"
DUMP = "database.dump"
HELD_FILE_SECONDS = 10.0


class BackupFailed(Exception):
    """What stood in the way; nothing usable was left behind."""


def back_up(target: Path, *, wait_seconds: float, pg_dump: str) -> list[str]:
    """Copy the data into a new folder; return what was copied. Raises BackupFailed or StillLoading.

    The folder gets its name when all is in it.
    """
    if target.exists():
        raise BackupFailed(f"{target} exists already. Name a folder that does not.")
    draft = target.with_name(f"{target.name}.partial")
    try:
        draft.mkdir(parents=True, mode=0o700)
    except FileExistsError as error:
        raise BackupFailed(f"{draft} is left of a backup that did not end: remove it first.") from error
    try:
        with loading_held(wait_seconds=wait_seconds):
            copied = [*copy_databases(draft, pg_dump=pg_dump), *copy_segments(draft), *copy_warehouses(draft)]
        copied += copy_secrets(draft)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise BackupFailed(f"The copy failed: {error}") from error
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    os.sync()
    draft.rename(target)
    return copied


def copy_databases(draft: Path, *, pg_dump: str) -> list[str]:
    """Copy the application's databases, the queue's before the rest."""
    copied = []
    for alias in sorted(connections, key=lambda alias: alias != settings.QUEUE_DATABASE):
        facts = connections[alias].settings_dict
        if connections[alias].vendor == "sqlite":
            copy_sqlite(Path(facts["NAME"]), draft)
            copied.append(Path(facts["NAME"]).name)
        else:
            dump_postgresql(facts, draft / DUMP, pg_dump=pg_dump)
            copied.append(DUMP)
    return copied


def copy_sqlite(path: Path, draft: Path) -> None:
    """Copy a database as it is at one moment, while others write to it."""
    with (
        closing(sqlite3.connect(path, timeout=20)) as source,
        closing(sqlite3.connect(draft / path.name)) as copy,
    ):
        source.backup(copy)


def dump_postgresql(facts: dict[str, Any], path: Path, *, pg_dump: str) -> None:
    """Write what `pg_restore` reads."""
    options = facts.get("OPTIONS", {})
    given = {
        "PGHOST": facts["HOST"] or options.get("host"),
        "PGPORT": facts["PORT"] or options.get("port"),
        "PGUSER": facts["USER"],
        "PGPASSWORD": facts["PASSWORD"],
        "PGDATABASE": facts["NAME"],
    }
    environment = os.environ | {name: str(value) for name, value in given.items() if value}
    command = [pg_dump, "--format=custom", "--no-owner", f"--file={path}"]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    except FileNotFoundError as error:
        raise BackupFailed(f"{pg_dump} was not found: name PostgreSQL's own with --pg-dump.") from error
    if done.returncode:
        raise BackupFailed(f"pg_dump failed: {done.stderr.strip()}")


def copy_segments(draft: Path) -> list[str]:
    """Copy the bodies that wait; a writer may seal its segment meanwhile."""
    folder = draft / queue_folder().name
    folder.mkdir()
    for segment in stored_segments(queue_folder()):
        copy_segment(segment, folder)
    return [folder.name]


def copy_segment(segment: StoredSegment, folder: Path) -> None:
    for suffix in (segment.path.suffix, OPEN, SEALED):
        path = segment.path.with_suffix(suffix)
        try:
            shutil.copy2(path, folder / path.name)
        except FileNotFoundError:
            continue
        return


def copy_warehouses(draft: Path, *, wait_seconds: float = HELD_FILE_SECONDS) -> list[str]:
    """Copy the embedded warehouses. Raises BackupFailed when another program may be writing to one."""
    from integrations.loading.destinations.warehouse_file import FileHeld, opened

    source = Path(settings.DATA_DIR) / WAREHOUSES
    folder = draft / WAREHOUSES
    folder.mkdir()
    for path in sorted(source.glob("*.duckdb")):
        try:
            with opened(
                path, wait_seconds=wait_seconds, read_only=True
            ):  # nobody writes to it while we read it
                shutil.copy2(path, folder / path.name)
                log = path.with_name(f"{path.name}.wal")  # what a killed loader had committed
                if log.exists():
                    shutil.copy2(log, folder / log.name)
        except FileHeld as error:
            raise BackupFailed(f"{path} is open in another program: close that first.") from error
    return [folder.name]


def copy_secrets(draft: Path) -> list[str]:
    """Copy the secrets that were made here; those of the environment are the operator's to keep."""
    copied = []
    for name in SECRETS:
        path = Path(settings.DATA_DIR) / name
        if path.exists():
            shutil.copy2(path, draft / name)
            copied.append(name)
    return copied
