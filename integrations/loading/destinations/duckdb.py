"""The embedded DuckDB warehouse: one file, one writer, opened for a load and closed after it (D10, D23)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
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
from integrations.loading.destinations.warehouse_file import MEMORY_LIMIT, FileHeld, explain, opened
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
        check_schema_name(schema_name)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with opened(
                self.path,
                wait_seconds=self.wait_seconds,
                memory_limit=self.memory_limit,
                threads=self.threads,
            ) as connection:
                for loader in [ColumnLoader, TableLoader] if suits(batches) else [TableLoader]:
                    connection.begin()
                    schema = DuckDBSchema(connection, schema_name, self.capabilities)
                    schema.prepare()
                    try:
                        outcome = loader(
                            schema, table_name=table_name, batches=batches, batched_at=batched_at
                        ).run()
                    except (Unsuited, LoadError, duckdb.Error) as error:
                        if loader is TableLoader or isinstance(error, ENGINE_FAULTS):
                            raise
                        connection.rollback()
                        continue
                    before_commit(outcome)
                    connection.commit()
                    break
                return outcome
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
