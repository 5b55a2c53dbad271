"""The embedded DuckDB warehouse: one file, one writer, opened for loads and closed after them (D10, D23)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from integrations.loading import naming
from integrations.loading.batches import TableBatch
from integrations.loading.capabilities import DUCKDB, Capabilities
from integrations.loading.catalogue import ExistingTable
from integrations.loading.collecting import Collected
from integrations.loading.column_loading import ColumnLoader, suits
from integrations.loading.destinations.duckdb_schema import DuckDBSchema
from integrations.loading.destinations.warehouse_file import (
    MEMORY_LIMIT,
    FileHeld,
    explain,
    is_wanted,
    opened,
)
from integrations.loading.errors import Busy, LoadError, UnknownTable
from integrations.loading.ledger import check_schema_name
from integrations.loading.merging import quote
from integrations.loading.outcomes import BeforeCommit, Preview, TableLoad, TableOverview, forget
from integrations.loading.plain_staging import ENGINE_FAULTS
from integrations.loading.plain_tables import Unsuited
from integrations.loading.rehearsing import Rehearsal, Standing, rehearse
from integrations.loading.standing import StoredStanding
from integrations.loading.table_loading import TableLoader
from integrations.loading.versions import Versions

WRITER_WAITS_SECONDS = 5.0
READER_WAITS_SECONDS = 1.0
PREVIEW_ROWS = 50
PREVIEW_CELL_CHARACTERS = 1_000


class DuckDBLoads:
    """Loads that share one opening of the file, each in a transaction of its own.

    Nobody else can write meanwhile, so what was read of the structure stays true until it is changed here.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path, capabilities: Capabilities) -> None:
        self.connection = connection
        self.path = path
        self.capabilities = capabilities
        self.schemas: dict[str, DuckDBSchema] = {}  # those that are prepared, and that is committed

    def load(
        self,
        *,
        schema_name: str,
        table_name: str,
        batches: list[TableBatch],
        batched_at: datetime,
        before_commit: BeforeCommit = forget,
    ) -> TableLoad:
        """Merge batches of one table, in the order given, in one transaction. Raises LoadError, as `load` above."""
        check_schema_name(schema_name)
        facts: dict[str, Any] = {"table_name": table_name, "batches": batches, "batched_at": batched_at}
        try:
            if suits(batches):
                with suppress(_GivenUp):
                    return self._load(ColumnLoader, schema_name, facts, before_commit)
            return self._load(TableLoader, schema_name, facts, before_commit)
        except duckdb.Error as error:
            raise explain(error) from error

    def is_wanted(self) -> bool:
        """Tell whether somebody waits for the file."""
        return is_wanted(self.path)

    def _load(
        self,
        loader: type[TableLoader],
        schema_name: str,
        facts: dict[str, Any],
        before_commit: BeforeCommit,
    ) -> TableLoad:
        """Load in one way. Raises _GivenUp where another way may come to an end."""
        self.connection.begin()
        try:
            schema = self.schemas.get(schema_name)
            if schema is None:
                schema = DuckDBSchema(self.connection, schema_name, self.capabilities)
                schema.prepare()
            try:
                outcome = loader(schema, **facts).run()
            except (Unsuited, LoadError, duckdb.Error) as error:
                if loader is TableLoader or isinstance(error, ENGINE_FAULTS):
                    raise
                raise _GivenUp from error
            before_commit(outcome)
            self.connection.commit()
        except BaseException:
            self.schemas.clear()  # what they remember may have been undone
            with suppress(duckdb.Error):  # a failed commit, or an engine that gave up, has undone it already
                self.connection.rollback()
            raise
        self.schemas[schema_name] = schema
        return outcome


class _GivenUp(Exception):
    """Nothing was written: each record has to be looked at."""


class DuckDBDestination:
    """A warehouse file. Making one of these opens nothing."""

    def __init__(
        self,
        path: Path,
        *,
        wait_seconds: float = WRITER_WAITS_SECONDS,
        memory_limit: str = MEMORY_LIMIT,
        threads: int = 1,
        capabilities: Capabilities = DUCKDB,
    ) -> None:
        self.path = Path(path)
        self.capabilities = capabilities
        self.wait_seconds = wait_seconds
        self.memory_limit = memory_limit
        self.threads = threads

    def load(
        self,
        *,
        schema_name: str,
        table_name: str,
        batches: list[TableBatch],
        batched_at: datetime,
        before_commit: BeforeCommit = forget,
    ) -> TableLoad:
        """Merge batches of one table, in the order given, in one transaction.

        Raises LoadError when nothing was written. If the batches do not agree with each other (two keys, for
        one) the whole load is refused: give them one at a time to keep what comes before the fault.
        """
        with self.loading() as loads:
            return loads.load(
                schema_name=schema_name,
                table_name=table_name,
                batches=batches,
                batched_at=batched_at,
                before_commit=before_commit,
            )

    @contextmanager
    def loading(self) -> Iterator[DuckDBLoads]:
        """Open the file for loads that follow each other; it is closed when the block ends. Raises LoadError."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with opened(
                self.path,
                wait_seconds=self.wait_seconds,
                memory_limit=self.memory_limit,
                threads=self.threads,
            ) as connection:
                yield DuckDBLoads(connection, self.path, self.capabilities)
        except FileHeld as error:
            raise LoadError(
                "The warehouse file is open in another program. Loading waits and tries again: close that program, "
                "or let it open the file only to read and for a short time.",
                transient=True,
                scope="destination",
            ) from error
        except duckdb.Error as error:
            raise explain(error) from error

    def tables(self, schema_name: str) -> list[TableOverview]:
        """Return the tables of an integration's schema by name, its `_sdc_rejected` included."""
        with self._reading() as connection:
            if connection is None:
                return []
            columns: dict[str, list[tuple[str, str]]] = {}
            for table, column, type_name in connection.execute(
                "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE database_name = "
                "current_database() AND lower(schema_name) = lower(?) ORDER BY table_name, column_index",
                [schema_name],
            ).fetchall():
                columns.setdefault(table, []).append((column, type_name))
            catalog = _catalog(connection)
            return [
                TableOverview(
                    name, described, _count(connection, f"{catalog}.{quote(schema_name)}.{quote(name)}")
                )
                for name, described in columns.items()
            ]

    def preview(self, *, schema_name: str, table: str, limit: int = PREVIEW_ROWS) -> Preview:
        """Return a table's newest rows as text. Raises Busy while it is written, or UnknownTable."""
        with self._reading() as connection:
            columns = [] if connection is None else _columns(connection, schema_name, table)
            if connection is None or not columns:
                raise UnknownTable(table)
            shown = ", ".join(
                f"left(CAST({quote(name)} AS VARCHAR), {PREVIEW_CELL_CHARACTERS})" for name, _ in columns
            )
            names = {name.lower() for name, _ in columns}
            order = [
                f"{quote(name)} DESC NULLS LAST"
                for name in (naming.BATCHED_AT, "_sdc_rejected_at", naming.SEQUENCE)
                if name in names
            ]
            ordered = f" ORDER BY {', '.join(order)}" if order else ""
            rows = connection.execute(
                f"SELECT {shown} FROM {_catalog(connection)}.{quote(schema_name)}.{quote(table)}"
                f"{ordered} LIMIT {limit:d}"
            ).fetchall()
            return Preview(columns, [list(row) for row in rows])

    def rehearse(self, *, schema_name: str, table_name: str, batches: list[TableBatch]) -> Rehearsal:
        """Say what loading batches of one table would do now. Raises Busy while the file is written."""
        folded = DUCKDB.fold(naming.table_name(table_name))
        with self._reading() as connection:
            schema = None if connection is None else DuckDBSchema(connection, schema_name)
            there = Standing() if schema is None else StoredStanding(schema).read(folded)

        def outranked(collected: Collected, existing: ExistingTable, versions: Versions) -> set[int]:
            with self._reading() as connection:  # a second time, so that a load need not wait meanwhile
                if connection is None:
                    return set()
                schema = DuckDBSchema(connection, schema_name)
                return StoredStanding(schema).outranked(collected, existing, versions)

        return rehearse(batches, standing=there, capabilities=self.capabilities, outranked=outranked)

    @contextmanager
    def _reading(self) -> Iterator[duckdb.DuckDBPyConnection | None]:
        """Open the file for reading, for as short a time as possible; None when there is no file yet."""
        if not self.path.exists():
            yield None
            return
        try:
            with opened(
                self.path, wait_seconds=READER_WAITS_SECONDS, read_only=True, memory_limit=self.memory_limit
            ) as connection:
                yield connection
        except FileHeld as error:
            raise Busy(str(error)) from error
        except duckdb.Error as error:
            raise explain(error) from error


def _catalog(connection: duckdb.DuckDBPyConnection) -> str:
    row: Any = connection.execute("SELECT current_database()").fetchone()
    return quote(row[0])


def _columns(connection: duckdb.DuckDBPyConnection, schema_name: str, table: str) -> list[tuple[str, str]]:
    return connection.execute(
        "SELECT column_name, data_type FROM duckdb_columns() WHERE database_name = current_database() "
        "AND lower(schema_name) = lower(?) AND lower(table_name) = lower(?) ORDER BY column_index",
        [schema_name, table],
    ).fetchall()


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    row: Any = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    return int(row[0])
