"""The whole product beside a destination: from the HTTP request to rows in the warehouse, all its processes counted."""

import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import psycopg

from tests.bench.destinations import PostgreSQLServer, tcp_postgresql
from tests.bench.measuring import cpu_seconds, descendants, peak_memory_mib
from tests.bench.sender import Sending, Sent, send
from tests.queue.processes import GUNICORN, LOADER, Product, prepared_product

BATCH = 1_000
CONNECTIONS = 4
WARM_UP = 5_000  # records, of a table of their own
DESTINATIONS = ("DuckDB", "PostgreSQL")
LOAD_INTO_IT = """
from integrations.models import Integration
from tests.factories import make_postgres_destination
integration = Integration.objects.get()
integration.destination = make_postgres_destination(
    integration.account, password="none", host="127.0.0.1", port={port}, database="postgres", username="postgres"
)
integration.save(update_fields=["destination"])
"""
WAITING = "SELECT count(*) FROM integrations_batchtable WHERE state = 'waiting'"
TIMES = (
    "SELECT b.received_at, t.loaded_at FROM integrations_batchtable t JOIN integrations_batch b ON b.id = t.batch_id "
    "WHERE t.state = 'loaded' ORDER BY t.id"
)


@dataclass(frozen=True, slots=True)
class Loaded:
    """Records from the first request to the last visible row."""

    records: int
    seconds: float
    cpu: dict[str, float]  # seconds, by program
    visible_after: list[float]  # seconds, of each batch
    sent: Sent

    @property
    def per_second(self) -> float:
        return self.records / self.seconds

    @property
    def per_cpu_second(self) -> float:
        return self.records / sum(self.cpu.values())


class Ours:
    """A running product whose only integration loads into one destination."""

    def __init__(self, product: Product, server: PostgreSQLServer | None) -> None:
        self.product = product
        self.server = server

    def load(self, records: int, *, batch_size: int = BATCH, **how) -> Loaded:
        """Send records over four connections, each once, and wait until all are loaded."""
        sending = Sending(
            self.product.port,
            self.product.access["secret"],
            batch_size=batch_size,
            connections=CONNECTIONS,
            seconds=0,
            records=records,
            **how,
        )
        earlier, before = len(self.times()), self.spent()
        sent = send(sending)
        self.wait()
        after, times = self.spent(), self.times()[earlier:]
        return Loaded(
            records=records,
            seconds=max(loaded for _, loaded in times) - min(received for received, _ in times),
            cpu={name: after[name] - before[name] for name in after},
            visible_after=[loaded - received for received, loaded in times],
            sent=sent,
        )

    def spent(self) -> dict[str, float]:
        """Return the CPU seconds of each program so far, with all its processes."""
        spent = {
            name: cpu_seconds(descendants(process.pid)) for name, process in self.product.processes.items()
        }
        if self.server is not None:
            spent["PostgreSQL"] = self.server.cpu()
        return spent

    def memory(self) -> dict[str, float]:
        """Return the most MiB that the web worker and the loader held so far."""
        [worker] = self.product.workers()
        return {
            "web worker": peak_memory_mib(worker),
            "loader": peak_memory_mib(self.product.processes["loader"].pid),
        }

    def wait(self, seconds: float = 300) -> None:
        """Wait until nothing is left to load."""
        give_up = time.monotonic() + seconds
        while self.queue(WAITING)[0][0]:
            if time.monotonic() > give_up:
                raise TimeoutError((self.product.data_dir / "log").read_text()[-2000:])
            time.sleep(0.1)

    def times(self) -> list[tuple[float, float]]:
        """Return when each batch was received, and when its rows were there."""
        return [(seconds(received), seconds(loaded)) for received, loaded in self.queue(TIMES)]

    def queue(self, query: str) -> list[tuple]:
        """Ask the queue's database, which is the application's own on PostgreSQL."""
        if "DATABASE_URL" in self.product.environment:
            with psycopg.connect(self.product.environment["DATABASE_URL"]) as connection:
                return connection.execute(query).fetchall()
        path = self.product.data_dir / "queue.sqlite3"
        with closing(sqlite3.connect(path, timeout=20)) as connection:
            return connection.execute(query).fetchall()

    def run(self, statement: str) -> None:
        """Carry out a statement in the warehouse, as a user of it would."""
        if self.server is not None:
            with psycopg.connect(self.server.url, autocommit=True) as connection:
                connection.execute(statement)
            return
        path = self.product.data_dir / "warehouse" / f"{self.product.access['client_id']}.duckdb"
        with duckdb.connect(str(path)) as connection:
            connection.execute(statement)


@contextmanager
def running(destination: str) -> Iterator[Ours]:
    """Start one web worker and one loader beside a destination, and warm them up."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="stitchapp-bench-"))
        prepared = stack.enter_context(prepared_product(Path(folder) / "data"))
        server = stack.enter_context(tcp_postgresql()) if destination == "PostgreSQL" else None
        product = Product(prepared.data_dir, prepared.database_url, prepared.access)
        product.environment |= {"WEB_WORKERS": "1", "DEVELOPMENT": "false"}
        stack.callback(product.end)
        if server is not None:
            product.manage("shell", "-v0", "-c", LOAD_INTO_IT.format(port=server.port))
        product.start("web", GUNICORN)
        product.start("loader", LOADER)
        product.wait_until_ready()
        ours = Ours(product, server)
        ours.load(WARM_UP, tables=5)
        yield ours


def seconds(moment) -> float:
    """Return a time as a database gives it, in seconds since the epoch."""
    from datetime import UTC, datetime

    at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def p95(values: list[float]) -> float:
    """Return the 95th percentile, also of a single value."""
    return statistics.quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0]


def scaled(number: int) -> int:
    """Return a number of records or rows, times BENCH_SCALE: 0.01 tries the measurements out."""
    return max(BATCH, int(number * float(os.environ.get("BENCH_SCALE", "1"))) // BATCH * BATCH)
