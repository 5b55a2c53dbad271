"""Real gunicorn and loader processes on data of their own, to be killed."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from tests.server import ROOT, environment, free_port

GUNICORN = [sys.executable, "-m", "gunicorn", "-c", "python:stitchapp.gunicorn", "stitchapp.wsgi"]
LOADER = [sys.executable, "manage.py", "load_batches"]
SENDER = """
import json
from tests.factories import make_access_token, make_account, make_integration, make_member
account = make_account(); make_member(account)
token, secret = make_access_token(make_integration(account))
print(json.dumps({"secret": secret, "client_id": account.client_id, "schema": token.integration.schema_name}))
"""


@contextmanager
def own_database() -> Iterator[dict[str, str]]:
    """Give the settings of a database that only these processes use; on SQLite the data folder is enough."""
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        yield {}
        return
    name = f"live_{uuid.uuid4().hex}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    try:
        yield {"DATABASE_URL": urlunsplit(urlsplit(url)._replace(path=f"/{name}"))}
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


class Product:
    """The product's processes on one data folder. Nothing here outlives `end`."""

    def __init__(self, data_dir: Path, **more: str) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.environment = environment(data_dir, PORT=str(self.port), **more)
        self.log = (data_dir / "log").open("ab")
        self.processes: dict[str, subprocess.Popen] = {}

    def manage(self, *words: str, timeout: float = 120) -> str:
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=self.log,
            check=True,
            text=True,
            timeout=timeout,
        ).stdout

    def prepare(self) -> dict:
        """Make the databases, an account and a token; return what a sender needs."""
        self.manage("migrate", "-v0")
        if not self.environment.get("DATABASE_URL"):
            self.manage("migrate", "-v0", "--database", "queue")
        self.manage("collectstatic", "--noinput", "-v0")
        return json.loads(self.manage("shell", "-v0", "-c", SENDER))

    def start(self, name: str, command: list[str]) -> None:
        self.processes[name] = subprocess.Popen(
            command,
            cwd=ROOT,
            env=self.environment,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )

    def wait_until_ready(self) -> None:
        give_up = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5):
                    return
            except OSError:
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.05)

    def workers(self) -> list[int]:
        """Return the web server's worker processes."""
        master = self.processes["web"].pid
        children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
        return [int(pid) for pid in children]

    def kill(self, name: str) -> None:
        """Kill a program and its children, at once and without warning."""
        process = self.processes.pop(name)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def end(self) -> None:
        for name in list(self.processes):
            self.kill(name)
        self.log.close()


@contextmanager
def running_product(data_dir: Path, **more: str) -> Iterator[Product]:
    """Give a product whose processes the test starts, kills and starts again."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with own_database() as database:
        product = Product(data_dir, **database, **more)
        try:
            yield product
        finally:
            product.end()
