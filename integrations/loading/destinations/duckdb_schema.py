"""One integration's schema in an open DuckDB file: what is in it, and how its parts are named in SQL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb

from integrations.loading import naming
from integrations.loading.capabilities import DUCKDB, Capabilities, Kind
from integrations.loading.catalogue import Catalogue, read_catalogue
from integrations.loading.ledger import SCHEMA, KnownTable, Ledger
from integrations.loading.merging import quote
from integrations.loading.shapes import Row
from integrations.loading.staging import stage_rows, staged_types
from integrations.loading.stored_schema import counted

# The columns of each table, and the key of each that has one, by folded name.
Structure = tuple[dict[str, list[tuple[str, str, str]]], dict[str, tuple[str, list[str]]]]


class DuckDBSchema:
    """The schema, whether it exists yet or not, on a connection that somebody else opened and will close."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        schema_name: str,
        capabilities: Capabilities = DUCKDB,
    ) -> None:
        self.connection = connection
        self.capabilities = capabilities
        self.name = schema_name
        self.database = str(self.execute("SELECT current_database()", [])[0][0])
        self.own_ledger = Ledger(
            self.execute,
            prefix=f"{quote(self.database)}.{quote(SCHEMA)}.",
            schema_name=DUCKDB.fold(schema_name),
            is_alone=True,
        )
        self.structure: Structure | None = None  # None: not read yet, or changed

    def execute(self, statement: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
        return self.connection.execute(statement, parameters).fetchall()

    def ledger(self) -> Ledger:
        """Return the ledger's part for this schema."""
        return self.own_ledger

    def has_ledger(self) -> bool:
        """Tell whether the ledger's tables are there: not so in a file that the loader has never written."""
        return bool(
            self.execute(
                "SELECT 1 FROM duckdb_tables() WHERE database_name = ? AND schema_name = ? AND table_name = 'tables'",
                [self.database, SCHEMA],
            )
        )

    def qualified(self, table: str | None = None) -> str:
        """Return the full name of a table, or of the schema itself."""
        schema = f"{quote(self.database)}.{quote(self.name)}"
        return schema if table is None else f"{schema}.{quote(table)}"

    def write(self, statement: str) -> int:
        """Carry out a statement that writes rows, and return how many it wrote."""
        return int(self.execute(statement, [])[0][0])

    def merge(self, statements: Callable[[str], list[str]], stage: str) -> int:
        """Carry out the statements that write the rows of a stage; return how many the last of them wrote."""
        return [self.write(statement) for statement in statements(stage)][-1]

    def stage(self, name: str, kinds: dict[str, Kind], rows: list[Row]) -> str:
        """Make a temporary table of rows and return its full name; what a row does not have is NULL."""
        table = f"temp.main.stage_{name}"
        stage_rows(self.execute, table=table, types=staged_types(kinds), rows=rows)
        return table

    def stage_query(self, name: str, query: str) -> str:
        """Make a temporary table of a query's rows and return its full name."""
        table = f"temp.main.stage_{name}"
        self.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {query}", [])
        return table

    def prepare(self) -> None:
        """Make the ledger, the schema and its table of rejected records, if they are not there."""
        self.ledger().create()
        self.execute(f"CREATE SCHEMA IF NOT EXISTS {self.qualified()}", [])
        self.execute(
            f"CREATE TABLE IF NOT EXISTS {self.qualified(naming.REJECTED_TABLE)} "
            "(record VARCHAR, reason VARCHAR, table_name VARCHAR, _sdc_rejected_at TIMESTAMPTZ)",
            [],
        )

    def catalogue(self, root: str, known: dict[str, KnownTable]) -> Catalogue:
        """Read the structure of a root table (its folded name) and of all that could be a sub table of it."""
        if self.structure is None:
            self.structure = self._read_structure()
        columns, keys = self.structure
        prefix = f"{root}{naming.SEPARATOR}"
        wanted = [name for name in columns if name == root or name.startswith(prefix)]
        tables = [name for name in known if name == root or name.startswith(prefix)]
        managed = self.own_ledger.managed_columns(tables) if tables else []
        return read_catalogue(
            [column for name in wanted for column in columns[name]],
            [keys[name] for name in wanted if name in keys],
            managed,
            DUCKDB,
        )

    def was_changed(self) -> None:
        """Read the structure again when it is asked for: a load has changed it."""
        self.structure = None

    def _read_structure(self) -> Structure:
        """Read the columns and keys of all tables: the engine takes as long to list those of one."""
        where = "database_name = ? AND lower(schema_name) = lower(?)"
        columns: dict[str, list[tuple[str, str, str]]] = {}
        for table, column, type_name in self.execute(
            f"SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE {where} "
            "ORDER BY table_name, column_index",
            [self.database, self.name],
        ):
            columns.setdefault(DUCKDB.fold(table), []).append((table, column, type_name))
        keys = self.execute(
            f"SELECT table_name, constraint_column_names FROM duckdb_constraints() WHERE {where} "
            "AND constraint_type = 'PRIMARY KEY'",
            [self.database, self.name],
        )
        return columns, {DUCKDB.fold(table): (table, names) for table, names in keys}

    def has_table(self, folded: str) -> bool:
        """Tell whether a table exists, by its folded name."""
        return bool(
            self.execute(
                "SELECT 1 FROM duckdb_tables() WHERE database_name = ? AND lower(schema_name) = lower(?) "
                "AND lower(table_name) = ?",
                [self.database, self.name, folded],
            )
        )

    def row_counts(self, tables: list[str]) -> dict[str, int]:
        return counted(self, tables)
