"""Where the time goes, step by step, from a body to rows: CPU of the calling thread and time that passed.

The steps run in this process, one after the other, so that each can be told apart; a server's share is what passes
while its CPU is none of ours. A step's figure leaves out the steps within it.
BENCH_TABLES=100 spreads the records over as many tables.
"""

from __future__ import annotations

import functools
import logging
import os
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.bench.destinations import tcp_postgresql
from tests.bench.ours import BATCH, DESTINATIONS, scaled
from tests.bench.records import batch_bodies
from tests.server import environment

RECORDS = 60_000
TABLES = int(os.environ.get("BENCH_TABLES", "1"))
WARM_UP = 5


class Steps:
    """The time spent in functions that are wrapped, each without the others within it."""

    def __init__(self) -> None:
        self.spent: dict[str, list[float]] = {}
        self.within: list[list[float]] = []

    def wrap(self, owner: Any, name: str, label: str) -> None:
        """Count the time in a function or method under a label."""
        function = getattr(owner, name)

        @functools.wraps(function)
        def counted(*args: Any, **kwargs: Any) -> Any:
            inner = [0.0, 0.0]
            self.within.append(inner)
            begun = time.thread_time(), time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                used = [time.thread_time() - begun[0], time.perf_counter() - begun[1]]
                self.within.pop()
                if self.within:
                    self.within[-1][0] += used[0]
                    self.within[-1][1] += used[1]
                total = self.spent.setdefault(label, [0.0, 0.0])
                total[0] += used[0] - inner[0]
                total[1] += used[1] - inner[1]

        setattr(owner, name, counted)

    def tell(self, title: str, records: int) -> None:
        """Print every step, the longest first."""
        ranked = sorted(self.spent.items(), key=lambda step: -step[1][1])
        for label, (cpu, passed) in ranked:
            cpu, passed = cpu / records * 1e6, passed / records * 1e6
            print(
                f"{f'{title}: {label}, for a record':66} {cpu:8.2f} µs CPU {passed:8.2f} µs passed",
                flush=True,
            )
        whole = sum(passed for _, passed in self.spent.values())
        print(
            f"{title}: the next bottleneck is «{ranked[0][0]}», {ranked[0][1][1] / whole:.0%} of the time that passed"
        )
        self.spent.clear()


def main() -> None:
    """Take one body after the other through the gateway's steps, then load all of them, for each destination."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="stitchapp-bench-")))
        (folder / "data").mkdir()
        os.environ.update(environment(folder / "data", DEVELOPMENT="false"))
        prepare()
        gateway, loading = Steps(), Steps()
        watch(gateway, loading)
        for destination in DESTINATIONS:
            server = stack.enter_context(tcp_postgresql()) if destination == "PostgreSQL" else None
            token = make_token(server.port if server is not None else None)
            take_in(token, WARM_UP, table="warm_up")
            if TABLES > 1:
                take_in(token, TABLES, tables=TABLES)
            load()
            gateway.spent.clear()
            loading.spent.clear()
            records = scaled(RECORDS)
            take_in(token, records // BATCH, tables=TABLES)
            load()
            gateway.tell("gateway", records)
            loading.tell(destination, records)


def prepare() -> None:
    """Make the application's databases."""
    import django

    django.setup()
    logging.disable(logging.WARNING)
    from django.core.management import call_command
    from django.db import connections

    for alias in connections:
        call_command("migrate", database=alias, verbosity=0)


def make_token(port: int | None) -> Any:
    """Return a token of a new account that loads into the embedded warehouse, or into a server."""
    from tests.factories import (
        make_access_token,
        make_account,
        make_integration,
        make_member,
        make_postgres_destination,
    )

    account = make_account()
    make_member(account)
    integration = make_integration(account)
    if port is not None:
        where = {"host": "127.0.0.1", "port": port, "database": "postgres", "username": "postgres"}
        integration.destination = make_postgres_destination(account, password="none", **where)
        integration.save(update_fields=["destination"])
    return make_access_token(integration)[0]


def take_in(token: Any, count: int, *, table: str = "orders", tables: int = 1) -> None:
    """Check and store bodies as the gateway does."""
    from django.utils import timezone

    from integrations.importapi import batches
    from integrations.queue import accepting

    for body in batch_bodies(count, BATCH, table=table, tables=tables):
        parsed = batches.parse_batch(body)
        accepting.accept_batch(
            token=token,
            kind=parsed.kind,
            body=body,
            tables=parsed.tables,
            received_at=timezone.now(),
            plain=parsed.is_plain,
        )


def load() -> None:
    """Load all that waits."""
    from integrations.queue import loader

    while loader.load_next():
        pass


def watch(gateway: Steps, loading: Steps) -> None:
    """Wrap the steps worth telling apart."""
    from integrations.importapi import batches
    from integrations.loading.column_loading import ColumnLoader
    from integrations.loading.destinations.duckdb import DuckDBLoads
    from integrations.loading.destinations.postgresql import PostgreSQLLoads
    from integrations.loading.destinations.postgresql_columns import PostgreSQLColumnLoader
    from integrations.loading.plain_staging import PlainStage
    from integrations.loading.table_loading import TableLoader
    from integrations.queue import accepting, claiming, loader, recording

    gateway.wrap(batches, "parse_batch", "parsing and checking")
    gateway.wrap(accepting, "accept_batch", "the body to the disk")
    gateway.wrap(accepting, "index", "its index rows, and their commit")
    steps: list[tuple[Any, str, str]] = [
        (claiming, "claim_next", "claiming"),
        (claiming, "claim_beside", "claiming more"),
        (loader.Visit, "carry_out", "the lease, and what is left"),
        (loader, "readable_parts", "reading the stored bodies"),
        (loader.Visit, "load", "opening and closing the destination"),
        (DuckDBLoads, "load", "preparing and committing"),
        (PostgreSQLLoads, "load", "preparing and committing"),
        (TableLoader, "run", "planning"),
        (PlainStage, "read", "reading JSON into columns"),
        (PlainStage, "keep_greatest", "one row per key"),
        (PlainStage, "unnest", "rows of sub tables"),
        (PlainStage, "filled", "counting what is filled"),
        (ColumnLoader, "_settle_staged", "comparing with stored rows"),
        (PostgreSQLColumnLoader, "_hand_over", "handing over to the server"),
        (TableLoader, "_change", "structure"),
        (TableLoader, "_merge_root", "merging root rows"),
        (TableLoader, "_merge_staged_sub", "merging sub rows"),
        (TableLoader, "_finish", "the destination's ledger"),
        (loader, "note_pending", "noting what was refused"),
        (recording, "record_loads", "recording the load"),
        (loader, "mark", "marking the batches loaded"),
    ]
    for owner, name, label in steps:
        loading.wrap(owner, name, label)


if __name__ == "__main__":
    main()
