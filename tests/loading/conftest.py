"""A warehouse file of its own for each test, and the least batches that say what a test means."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from integrations.loading.batches import ACTIVATE_VERSION, UPSERT, Message, TableBatch
from integrations.loading.destinations.duckdb import DuckDBDestination
from integrations.loading.outcomes import TableLoad

MORNING = datetime(2024, 5, 1, 10, 0, 0, tzinfo=UTC)


def batch(
    *records: tuple[int, dict[str, Any]],
    table: str = "bikes",
    key: tuple[str, ...] = (),
    types: dict[str, Any] | None = None,
    batch_id: str,
    received_at: datetime = MORNING,
    version: int | None = None,
    activates: int | None = None,
    extracted: str | None = None,
    **more: Any,
) -> TableBatch:
    """Make a batch of (sequence, data); `types` are the schema's properties, None for a push."""
    messages = [
        Message(index, UPSERT, sequence, data, extracted) for index, (sequence, data) in enumerate(records)
    ]
    if activates is not None:
        messages.append(Message(len(messages), ACTIVATE_VERSION, 0, None, table_version=activates))
    schema = None if types is None else {"properties": types}
    return TableBatch(batch_id, table, received_at, key, schema, messages, version, **more)


class Warehouse:
    """A DuckDB file under test; each load is a minute after the one before."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.destination = DuckDBDestination(path, wait_seconds=0.2)
        self.minutes = itertools.count()
        self.ids = itertools.count(1)
        self.reader: duckdb.DuckDBPyConnection | None = None

    def load(
        self,
        *batches: TableBatch,
        at: datetime | None = None,
        schema: str = "bike_fleet",
    ) -> TableLoad:
        self.close()
        return self.destination.load(
            schema_name=schema,
            table_name=batches[0].table_name,
            batches=list(batches),
            batched_at=at or MORNING + timedelta(minutes=next(self.minutes)),
        )

    def send(
        self, *records: tuple[int, dict[str, Any]], at: datetime | None = None, **batch_facts: Any
    ) -> TableLoad:
        """Load one new batch."""
        facts = {"batch_id": f"batch-{next(self.ids)}", **batch_facts}
        return self.load(batch(*records, **facts), at=at)

    def send_under(self, schema: dict[str, Any] | None, *records: tuple[int, dict[str, Any]]) -> TableLoad:
        """Load one new batch under a whole schema document."""
        sent = batch(*records, batch_id=f"batch-{next(self.ids)}")
        return self.load(dataclasses.replace(sent, schema=schema))

    def load_into(self, schema: str, *records: tuple[int, dict[str, Any]], **batch_facts: Any) -> TableLoad:
        """Load one new batch into another integration's schema."""
        return self.load(batch(*records, batch_id=f"batch-{next(self.ids)}", **batch_facts), schema=schema)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        if self.reader is None:
            self.reader = duckdb.connect(str(self.path), read_only=True)
            self.reader.execute("SET TimeZone = 'UTC'")
        return self.reader.execute(sql).fetchall()

    def close(self) -> None:
        """Let go of the file: a load needs it alone."""
        if self.reader is not None:
            self.reader.close()
            self.reader = None

    def run(self, sql: str) -> None:
        """Do what a user of the warehouse does by themselves."""
        self.close()
        with duckdb.connect(str(self.path)) as connection:
            connection.execute(sql)

    def rows(self, table: str, *columns: str, schema: str = "bike_fleet") -> list[tuple[Any, ...]]:
        """Return columns as text, in the order of the rows' own text."""
        wanted = ", ".join(f'CAST("{column}" AS VARCHAR)' for column in columns)
        return self.query(f'SELECT {wanted} FROM "{schema}"."{table}" ORDER BY ALL')

    def columns(self, table: str, schema: str = "bike_fleet") -> dict[str, str]:
        return dict(
            self.query(
                "SELECT column_name, data_type FROM duckdb_columns() "
                f"WHERE schema_name = '{schema}' AND table_name = '{table}' ORDER BY column_index"
            )
        )

    def primary_key(self, table: str) -> list[str] | None:
        found = self.query(
            "SELECT constraint_column_names FROM duckdb_constraints() "
            f"WHERE table_name = '{table}' AND constraint_type = 'PRIMARY KEY'"
        )
        return found[0][0] if found else None

    def tables(self, schema: str = "bike_fleet") -> list[str]:
        return [
            row[0]
            for row in self.query(
                f"SELECT table_name FROM duckdb_tables() WHERE schema_name = '{schema}' ORDER BY ALL"
            )
        ]

    def rejected(self, schema: str = "bike_fleet") -> list[tuple[Any, ...]]:
        return self.query(f"SELECT table_name, reason, record FROM {schema}._sdc_rejected ORDER BY ALL")


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Warehouse]:
    warehouse = Warehouse(tmp_path / "warehouse.duckdb")
    yield warehouse
    warehouse.close()
