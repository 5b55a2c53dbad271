"""A warehouse of its own for each test, and the least batches that say what a test means.

Every case runs on both engines. Where they differ, a test asks the warehouse: for its name in a reason, its limits,
its way to write a type; or it is marked `only_duckdb` or `only_postgresql` and says why.
"""

from __future__ import annotations

import dataclasses
import itertools
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from integrations.loading.batches import ACTIVATE_VERSION, UPSERT, Message, TableBatch
from integrations.loading.capabilities import DUCKDB, POSTGRESQL, Capabilities
from integrations.loading.destinations.duckdb import DuckDBDestination
from integrations.loading.destinations.postgresql import PostgreSQLDestination
from integrations.loading.destinations.postgresql_connection import PostgreSQLSettings
from integrations.loading.outcomes import TableLoad

ENGINES = ("duckdb", "postgresql")
only_duckdb = pytest.mark.parametrize("warehouse", ["duckdb"], indirect=True)
only_postgresql = pytest.mark.parametrize("warehouse", ["postgresql"], indirect=True)

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


class Warehouse(ABC):
    """A destination under test; each load is a minute after the one before."""

    capabilities: Capabilities
    destination: DuckDBDestination | PostgreSQLDestination

    def __init__(self) -> None:
        self.minutes = itertools.count()
        self.ids = itertools.count(1)

    @property
    def engine(self) -> str:
        """What the destination is called in a reason."""
        return self.capabilities.display_name

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

    @abstractmethod
    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Return a query's rows; it may end in ORDER BY ALL."""

    @abstractmethod
    def run(self, sql: str) -> None:
        """Do what a user of the warehouse does by themselves."""

    @abstractmethod
    def rows(self, table: str, *columns: str, schema: str = "bike_fleet") -> list[tuple[Any, ...]]:
        """Return columns as text, in the order of the rows' own text."""

    @abstractmethod
    def columns(self, table: str, schema: str = "bike_fleet") -> dict[str, str]:
        """Return the columns and their types, as DuckDB calls them."""

    @abstractmethod
    def primary_key(self, table: str) -> list[str] | None: ...

    @abstractmethod
    def relations(self) -> list[tuple[str, str]]:
        """Return (schema, table) of every table that is not the engine's own."""

    def tables(self, schema: str = "bike_fleet") -> list[str]:
        return [table for owner, table in self.relations() if owner == schema]

    def rejected(self, schema: str = "bike_fleet") -> list[tuple[Any, ...]]:
        return self.query(f"SELECT table_name, reason, record FROM {schema}._sdc_rejected ORDER BY ALL")

    @abstractmethod
    def decimal(self, shown: str, column: str) -> tuple[str, str]:
        """Return a decimal and the type of its column, given as DuckDB has them."""

    @abstractmethod
    def close(self) -> None:
        """Let go of what a load needs alone."""


class DuckDBWarehouse(Warehouse):
    """A file."""

    capabilities = DUCKDB

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.destination = DuckDBDestination(path, wait_seconds=0.2)
        self.reader: duckdb.DuckDBPyConnection | None = None

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        if self.reader is None:
            self.reader = duckdb.connect(str(self.path), read_only=True)
            self.reader.execute("SET TimeZone = 'UTC'")
        return self.reader.execute(sql).fetchall()

    def close(self) -> None:
        if self.reader is not None:
            self.reader.close()
            self.reader = None

    def decimal(self, shown: str, column: str) -> tuple[str, str]:
        return shown, column

    def run(self, sql: str) -> None:
        self.close()
        with duckdb.connect(str(self.path)) as connection:
            connection.execute(sql)

    def rows(self, table: str, *columns: str, schema: str = "bike_fleet") -> list[tuple[Any, ...]]:
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

    def relations(self) -> list[tuple[str, str]]:
        return [
            (schema, table)
            for schema, table in self.query(
                "SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT temporary ORDER BY ALL"
            )
        ]


class PostgreSQLWarehouse(Warehouse):
    """A database of a server that runs for all tests; it is emptied for each."""

    capabilities = POSTGRESQL
    type_names = {
        "bigint": "BIGINT",
        "boolean": "BOOLEAN",
        "double precision": "DOUBLE",
        "numeric": "DECIMAL",
        "text": "VARCHAR",
        "timestamp with time zone": "TIMESTAMP WITH TIME ZONE",
    }

    def __init__(self, settings: PostgreSQLSettings) -> None:
        super().__init__()
        self.settings = settings
        self.destination = PostgreSQLDestination(settings)
        self.connection = psycopg.connect(**settings.parameters(), options="-c timezone=UTC", autocommit=True)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        unordered = sql.removesuffix("ORDER BY ALL")
        rows = self.connection.execute(unordered.encode()).fetchall()
        return rows if unordered == sql else sorted(rows, key=_nulls_last)

    def run(self, sql: str) -> None:
        self.connection.execute(sql.encode())

    def rows(self, table: str, *columns: str, schema: str = "bike_fleet") -> list[tuple[Any, ...]]:
        types = self.columns(table, schema)
        wanted = ", ".join(
            f'"{column}"' if types.get(column) == "DOUBLE" else f'CAST("{column}" AS text)'
            for column in columns
        )
        rows = self.query(f'SELECT {wanted} FROM "{schema}"."{table}"')
        shown = [tuple(repr(cell) if isinstance(cell, float) else cell for cell in row) for row in rows]
        return sorted(shown, key=_nulls_last)

    def columns(self, table: str, schema: str = "bike_fleet") -> dict[str, str]:
        found = self.query(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attnum > 0 "
            f'AND NOT attisdropped AND attrelid = to_regclass(\'"{schema}"."{table}"\') ORDER BY attnum'
        )
        return {name: self.type_names.get(type_name, type_name) for name, type_name in found}

    def primary_key(self, table: str) -> list[str] | None:
        found = self.query(
            "SELECT array_agg(CAST(a.attname AS text) ORDER BY k.place) FROM pg_constraint p "
            "CROSS JOIN LATERAL unnest(p.conkey) WITH ORDINALITY AS k (number, place) "
            "JOIN pg_attribute a ON a.attrelid = p.conrelid AND a.attnum = k.number "
            f"WHERE p.contype = 'p' AND p.conrelid = to_regclass('bike_fleet.\"{table}\"')"
        )
        return found[0][0]

    def relations(self) -> list[tuple[str, str]]:
        return [
            (schema, table)
            for schema, table in self.query(
                "SELECT CAST(schemaname AS text), CAST(tablename AS text) FROM pg_tables "
                "WHERE schemaname <> 'information_schema' AND schemaname NOT LIKE 'pg\\_%' ORDER BY ALL"
            )
        ]

    def decimal(self, shown: str, column: str) -> tuple[str, str]:
        """Decimals have no bounds, and no more digits than they need."""
        return (shown.rstrip("0").rstrip(".") if "." in shown else shown), column.partition("(")[0]

    def close(self) -> None:
        """Nothing: a server serves many at once."""

    def empty(self) -> None:
        """Remove every schema, as no load ever would."""
        for (schema,) in self.query(
            "SELECT CAST(nspname AS text) FROM pg_namespace WHERE nspname NOT IN ('information_schema', 'public') "
            "AND nspname NOT LIKE 'pg\\_%'"
        ):
            self.run(f'DROP SCHEMA "{schema}" CASCADE')

    def close_for_good(self) -> None:
        self.connection.close()


def _nulls_last(row: tuple[Any, ...]) -> list[tuple[bool, Any]]:
    return [(cell is None, "" if cell is None else cell) for cell in row]


Make = Callable[[], AbstractContextManager[Warehouse]]


@contextmanager
def _fresh_file() -> Iterator[Warehouse]:
    with tempfile.TemporaryDirectory() as folder, closing(DuckDBWarehouse(Path(folder) / "w.duckdb")) as made:
        yield made


@pytest.fixture(scope="session")
def postgresql_warehouses(warehouse_server: Any) -> Iterator[Make]:
    """Give empty databases; one that was given back is emptied and given again."""
    free: list[PostgreSQLWarehouse] = []
    every: list[PostgreSQLWarehouse] = []

    @contextmanager
    def fresh() -> Iterator[Warehouse]:
        if not free:
            made = warehouse_server.make_database()
            free.append(
                PostgreSQLWarehouse(
                    PostgreSQLSettings(
                        host=str(Path(warehouse_server.socket_path).parent),
                        port=int(warehouse_server.socket_path.rpartition(".")[2]),
                        database=made["database"],
                        user=made["username"],
                        password=made["password"],
                        ssl_mode="disable",
                    )
                )
            )
            every.append(free[-1])
        warehouse = free.pop()
        warehouse.minutes, warehouse.ids = itertools.count(), itertools.count(1)
        warehouse.destination.capabilities = warehouse.capabilities
        try:
            yield warehouse
        finally:
            warehouse.empty()
            free.append(warehouse)

    yield fresh
    for warehouse in every:
        warehouse.close_for_good()


@pytest.fixture(scope="session", params=ENGINES)
def fresh(request: pytest.FixtureRequest) -> Make:
    """Return what makes an empty warehouse of one engine: for tests that need one for each example."""
    make: Make = (
        _fresh_file if request.param == "duckdb" else request.getfixturevalue("postgresql_warehouses")
    )
    return make


@pytest.fixture(scope="session")
def fresh_file() -> Make:
    """Return what makes an empty warehouse file."""
    return _fresh_file


@pytest.fixture
def duckdb_warehouse(tmp_path: Path) -> Iterator[DuckDBWarehouse]:
    with closing(DuckDBWarehouse(tmp_path / "warehouse.duckdb")) as warehouse:
        yield warehouse


@pytest.fixture
def postgresql_warehouse(postgresql_warehouses: Make) -> Iterator[Warehouse]:
    with postgresql_warehouses() as warehouse:
        yield warehouse


@pytest.fixture(params=ENGINES)
def warehouse(request: pytest.FixtureRequest) -> Warehouse:
    """An empty warehouse: once of each engine."""
    made: Warehouse = request.getfixturevalue(f"{request.param}_warehouse")
    return made
