"""Real gunicorn and loader processes on data of their own, to be killed."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.console import Console
from tests.prepared import ROOT, copy_prepared_data, environment, own_database, prepared_database
from tests.server import free_port

GUNICORN = [sys.executable, "-m", "gunicorn", "-c", "python:stitchapp.gunicorn", "stitchapp.wsgi"]
LOADER = [sys.executable, "manage.py", "load_batches"]
SENDER = """
import json
from tests.factories import make_access_token, make_account, make_api_key, make_integration, make_member
account = make_account(); make_member(account)
token, secret = make_access_token(make_integration(account))
_, key = make_api_key(account)
access = {"client_id": account.client_id, "schema": token.integration.schema_name}
print(json.dumps(access | {"secret": secret, "key": key}))
"""


@dataclass(frozen=True)
class Prepared:
    """Migrated databases with an account and a token: what each product of the tests begins as."""

    data_dir: Path
    database_url: str | None
    access: dict


class Product:
    """The product's processes on one data folder. Nothing here outlives `end`."""

    def __init__(self, data_dir: Path, database_url: str | None, access: dict | None = None) -> None:
        self.data_dir = data_dir
        self.access = access or {}
        self.port = free_port()
        self.environment = environment(data_dir, PORT=str(self.port))
        if database_url:
            self.environment["DATABASE_URL"] = database_url
        self.console = Console(self.environment)
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

    def ask(self, code: str) -> str:
        """Run Python code on the product's data; return what it prints."""
        return self.console.ask(code)

    def waiting(self) -> int:
        """Return how many shares of accepted batches are not loaded yet: asked often, so without a program's start."""
        question = "SELECT count(*) FROM integrations_batchtable WHERE state = 'waiting'"
        if url := self.environment.get("DATABASE_URL"):
            with psycopg.connect(url) as connection:
                return connection.execute(question).fetchone()[0]
        with closing(sqlite3.connect(self.data_dir / "queue.sqlite3", timeout=30)) as connection:
            return connection.execute(question).fetchone()[0]

    def prepare(self) -> dict:
        """Make an account and a token; return what a sender needs."""
        return json.loads(self.ask(SENDER))

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
                return self.ready()
            except OSError:
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.05)

    def ready(self) -> None:
        """Return if /readyz answers 200; raise otherwise."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5):
            pass

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
        self.console.end()
        self.log.close()


@contextmanager
def prepared_product(data_dir: Path) -> Iterator[Prepared]:
    """Make what the products of a test run begin as."""
    copy_prepared_data(data_dir)
    with own_database(prepared_database()) as url:
        product = Product(data_dir, url)
        try:
            access = product.prepare()
        finally:
            product.end()
        yield Prepared(data_dir, url, access)


@contextmanager
def product_like(prepared: Prepared, data_dir: Path) -> Iterator[Product]:
    """Give a product whose processes the test starts, kills and starts again."""
    shutil.copytree(prepared.data_dir, data_dir)
    with own_database(prepared.database_url) as url:
        product = Product(data_dir, url, prepared.access)
        try:
            yield product
        finally:
            product.end()
