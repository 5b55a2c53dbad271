"""Reads of the Stitch API beside the bare JSON of the same data: 200 sources, and 320 tables of one of them.

The whole application answers, from the key's check to the last byte, without a network between. A figure of 3.0 times
means: writing the answer's data as JSON took a third of the request.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.bench.measuring import report
from tests.server import environment

SOURCES, TABLES, COLUMNS, ROUNDS = 200, 320, 200, 60
MOST_TIMES = 3.0
INSIDE = "STITCHAPP_BENCH_API"


def main() -> None:
    """Measure in a process of its own, whose data is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="stitchapp-bench-") as folder:
        inside = environment(Path(folder), DEVELOPMENT="false") | {INSIDE: "1"}
        command = [sys.executable, "-m", "tests.bench.api"]
        subprocess.run(command, env=os.environ | inside, check=True)


def measure() -> None:
    """Fill a database with sources and streams, and ask for them."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stitchapp.settings")
    django.setup()
    from django.core.management import call_command
    from django.test import Client

    call_command("migrate", verbosity=0)
    key, database = fill()
    client = Client(headers={"Authorization": f"Bearer {key}", "host": "127.0.0.1"})
    for what, path in (
        (f"GET /v4/sources, {SOURCES} sources", "/v4/sources"),
        (f"GET /v4/sources/<id>/streams, {TABLES} tables", f"/v4/sources/{database}/streams"),
    ):
        answer = client.get(path)
        assert answer.status_code == 200, (path, answer.content)
        data = json.loads(answer.content)
        bare, asked = by_turns(
            lambda data=data: json.dumps(data, separators=(",", ":")),
            lambda path=path: client.get(path).content,
        )
        report(f"{what}: size", len(answer.content) / 1000, "kB")
        report(f"{what}: p50", asked.seconds * 1000, "ms")
        report(f"{what}: bare JSON", bare.seconds * 1000, "ms")
        report(f"{what}: p50 beside bare JSON", asked.seconds / bare.seconds, "times", at_most=MOST_TIMES)
        report(f"{what}: processor time beside bare JSON", asked.cpu / bare.cpu, "times")


class Taken(NamedTuple):
    """The middle of what several rounds took: by the clock, and of the processor."""

    seconds: float
    cpu: float


def by_turns(*actions: Callable[[], object]) -> list[Taken]:
    """Measure actions by turns: what else the machine does meets all alike."""
    rounds: list[list[tuple[float, float]]] = [[] for _ in actions]
    for _ in range(ROUNDS):
        for taken, action in zip(rounds, actions, strict=True):
            began = time.perf_counter(), time.thread_time()
            action()
            taken.append((time.perf_counter() - began[0], time.thread_time() - began[1]))
    return [Taken(*map(statistics.median, zip(*taken, strict=True))) for taken in rounds]


def fill() -> tuple[str, int]:
    """Make an account with its sources; return its key's secret and the source that has the tables."""
    from integrations.models import Stream
    from integrations.services.source_properties import store_properties
    from tests.factories import make_account, make_api_key, make_integration, make_member

    account = make_account(plan="premium")
    make_member(account)
    where = {
        "host": "db.example.com",
        "port": "5432",
        "user": "reader",
        "password": "measured",
        "dbname": "shop",
        "frequency_in_minutes": "60",
    }
    sources = []
    for _ in range(SOURCES):
        source = make_integration(account, type="platform.hp-postgres", step="fully_configured")
        store_properties(integration=source, given=where)
        sources.append(source)
    fields = {
        f"column_{number}": {"inclusion": "available", "sql-datatype": "text"} for number in range(COLUMNS)
    }
    schema = json.dumps(
        {"type": "object", "properties": {name: {"type": ["null", "string"]} for name in fields}}
    )
    Stream.objects.bulk_create(
        Stream(
            integration=sources[0],
            tap_stream_id=f"shop-public-table_{number}",
            id_digest=f"{number:064x}",
            stream_name=f"table_{number}",
            metadata={
                "database-name": "shop",
                "schema-name": "public",
                "is-view": False,
                "row-count": 447,
                "table-key-properties": ["id"],
            },
            schema=schema,
            field_metadata=fields,
            chosen={"[]": {"selected": True, "replication-method": "FULL_TABLE"}},
            is_selected=True,
            field_count=COLUMNS,
            found_at=source.created_at,
        )
        for number in range(TABLES)
    )
    return make_api_key(account)[1], sources[0].pk


if __name__ == "__main__":
    measure() if os.environ.get(INSIDE) else main()
