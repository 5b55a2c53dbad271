"""Start the product as `make run` does, on a free port and a data folder of its own."""

import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.console import Console
from tests.prepared import ROOT, copy_prepared_data, environment, own_database, prepared_database

START_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Server:
    """A running product: its address, its data and its log."""

    url: str
    data_dir: Path
    log: Path
    environment: dict[str, str]
    console: Console

    def ask(self, code: str) -> str:
        """Run Python code on the server's data; return what it prints."""
        return self.console.ask(code)

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


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running_server(data_dir: Path, *, first_start: bool = False, **more: str) -> Iterator[Server]:
    """Run `manage.py run` on `data_dir`; end it with SIGINT, as Ctrl-C does.

    A folder that does not exist yet is prepared as by an earlier start, unless this shall be the first.
    """
    port = free_port()
    is_prepared = not data_dir.exists() and not first_start
    if is_prepared:
        copy_prepared_data(data_dir)
    data_dir.mkdir(parents=True, exist_ok=True)
    template = prepared_database() if is_prepared else None
    with own_database(template) as database_url, (data_dir / "server.log").open("wb") as log:
        own = {"DATABASE_URL": database_url} if database_url else {}
        surroundings = environment(data_dir, PORT=str(port), **own, **more)
        server = Server(
            f"http://127.0.0.1:{port}", data_dir, data_dir / "server.log", surroundings, Console(surroundings)
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
            server.console.end()
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
