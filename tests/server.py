"""Start the product as `make run` does, on a free port and a data folder of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 60


@contextmanager
def own_database(template: str | None = None) -> Iterator[str | None]:
    """Give the address of a database that only these processes use; None on SQLite, where a folder is enough."""
    server = os.environ.get("DATABASE_URL", "")
    if not server.startswith("postgres"):
        yield None
        return
    name = f"live_{uuid.uuid4().hex}"
    source = f'TEMPLATE "{urlsplit(template).path[1:]}"' if template else ""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" {source}')
    try:
        yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@dataclass(frozen=True, slots=True)
class Server:
    """A running product: its address, its data and its log."""

    url: str
    data_dir: Path
    log: Path
    environment: dict[str, str]

    def manage(self, *words: str) -> str:
        """Run a management command on the server's data; return what it prints."""
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=self.environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout


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


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running_server(data_dir: Path, **more: str) -> Iterator[Server]:
    """Run `manage.py run` on `data_dir`; end it with SIGINT, as Ctrl-C does."""
    port = free_port()
    data_dir.mkdir(parents=True, exist_ok=True)
    with own_database() as database_url, (data_dir / "server.log").open("wb") as log:
        own = {"DATABASE_URL": database_url} if database_url else {}
        server = Server(
            f"http://127.0.0.1:{port}",
            data_dir,
            data_dir / "server.log",
            environment(data_dir, PORT=str(port), **own, **more),
        )
        process = subprocess.Popen(
            [sys.executable, "manage.py", "run"],
            cwd=ROOT,
            env=server.environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_until_ready(server, process)
            yield server
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_until_ready(server: Server, process: subprocess.Popen) -> None:
    """Return when /readyz answers 200; raise with the log when the server ends or takes too long."""
    give_up = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{server.url}/readyz", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"The server did not get ready:\n{server.log.read_text(errors='replace')[-4000:]}")
