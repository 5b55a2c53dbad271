"""Migrated databases and collected static files, made once for all tests until a migration or a static file changes.

Making them takes as long as many a test. What begins from nothing for its own sake asks for that.
"""

import fcntl
import functools
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from django.db.backends.base.base import BaseDatabaseWrapper

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".cache"
COLLECT = "from stitchapp.management.commands.run import collect_what_changed; collect_what_changed()"
OWN = shutil.ignore_patterns("secret_key", "credential_key")  # each product makes its own


def environment(data_dir: Path, **more: str) -> dict[str, str]:
    """Return the environment of a local server on `data_dir`, nothing of the test run's own settings in it."""
    return (
        os.environ
        | {
            "DJANGO_SETTINGS_MODULE": "stitchapp.settings",
            "LOCAL_MODE": "true",
            "DEVELOPMENT": "true",
            "DATA_DIR": str(data_dir),
            "PYTHONDONTWRITEBYTECODE": "",  # compiled once, whatever the surroundings say: half of a start's time
        }
        | more
    )


@contextmanager
def own_database(template: str | None = None) -> Iterator[str | None]:
    """Give the address of a database that only these processes use; None on SQLite, where a folder is enough.

    It is empty, or like the one at the address `template`.
    """
    server = server_of_the_run()
    if server is None:
        yield None
        return
    name = f"live_{uuid.uuid4().hex}"
    source = f'TEMPLATE "{urlsplit(template).path[1:]}"' if template else ""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" {source}')
    try:
        yield address_of(server, name)
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@functools.cache
def prepared_data() -> Path:
    """Return a data folder as `manage.py run` prepares it, with SQLite's databases. Nobody may write there."""
    folder = FOLDER / f"prepared-{state()}"
    with turn():
        if not folder.exists():
            for old in FOLDER.glob("prepared-*"):
                shutil.rmtree(old)
            draft = FOLDER / "prepared-draft"
            manage(draft, "", ["migrate", "-v0"], ["migrate", "-v0", "--database", "queue"])
            manage(draft, "", ["shell", "-v0", "-c", COLLECT])
            draft.rename(folder)
    return folder


def prepared_database() -> str | None:
    """Return the address of a migrated database on the run's PostgreSQL server, to be copied; None on SQLite."""
    server = server_of_the_run()
    return None if server is None else made_on(server)


@functools.cache
def made_on(server: str) -> str:
    """Make a migrated database on a PostgreSQL server, unless another process of the run has; return its address."""
    name = f"prepared_{state()}"
    with turn(), psycopg.connect(server, autocommit=True) as connection:
        if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchall():
            draft = f"{name}_draft"
            connection.execute(f'DROP DATABASE IF EXISTS "{draft}"')
            connection.execute(f'CREATE DATABASE "{draft}"')
            manage(FOLDER / "drafting", address_of(server, draft), ["migrate", "-v0"])
            connection.execute(f'ALTER DATABASE "{draft}" RENAME TO "{name}"')
    return address_of(server, name)


def copy_prepared_data(data_dir: Path) -> None:
    """Make a data folder that is prepared."""
    shutil.copytree(prepared_data(), data_dir, ignore=OWN)


def copy_prepared_database(connection: BaseDatabaseWrapper) -> None:
    """Make the database that the tests of this process use."""
    name = connection.creation._get_test_db_name()
    if connection.vendor == "sqlite":
        shutil.copy(prepared_data() / Path(connection.settings_dict["NAME"]).name, name)
        return
    source = urlsplit(prepared_database()).path[1:]
    with psycopg.connect(server_of_the_run(), autocommit=True) as server:
        server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}"')


def server_of_the_run() -> str | None:
    """Return the address of the PostgreSQL server that the test run uses; None on SQLite."""
    server = os.environ.get("DATABASE_URL", "")
    return server if server.startswith("postgres") else None


def address_of(server: str, name: str) -> str:
    """Return the address of a database on a server."""
    return urlunsplit(urlsplit(server)._replace(path=f"/{name}"))


def manage(data_dir: Path, database: str, *commands: list[str]) -> None:
    for command in commands:
        subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
            env=environment(data_dir, DATABASE_URL=database),
            check=True,
        )


@functools.cache
def state() -> str:
    """Identify what a prepared folder depends on."""
    files = [*ROOT.glob("*/migrations/*.py"), *(path for path in ROOT.glob("static/**/*") if path.is_file())]
    digest = sha256((ROOT / "requirements.lock").read_bytes())
    for path in sorted(files):
        digest.update(f"{path.relative_to(ROOT)} {path.stat().st_size}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


class turn:  # noqa: N801 - reads as a sentence where it is used
    """One process of the test run at a time."""

    def __enter__(self) -> None:
        FOLDER.mkdir(exist_ok=True)
        self.file = (FOLDER / "prepared.lock").open("w")
        fcntl.flock(self.file, fcntl.LOCK_EX)

    def __exit__(self, *error: object) -> None:
        self.file.close()
