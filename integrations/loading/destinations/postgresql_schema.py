"""One integration's schema in a PostgreSQL database: what is in it, and how rows reach it."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg import errors

from integrations.loading import naming
from integrations.loading.capabilities import POSTGRESQL, Capabilities, Kind
from integrations.loading.catalogue import Catalogue, read_catalogue
from integrations.loading.collecting import ORDINAL
from integrations.loading.destinations.postgresql_copying import Copying
from integrations.loading.destinations.postgresql_errors import NEW_SCHEMA
from integrations.loading.errors import LoadError, RowsAtFault
from integrations.loading.ledger import SCHEMA, TABLES, KnownTable, Ledger
from integrations.loading.merging import quote
from integrations.loading.shapes import Row
from integrations.loading.stored_schema import counted

# An engine's complaint about what is in a row: a value, or the size of a row or of its key.
ROW_FAULTS = (psycopg.DataError, errors.ProgramLimitExceeded)
COUNTED_BYTES = 16 * 2**20  # a larger table's rows are estimated: counting them takes as long as reading it
MAX_FAULT_CHARACTERS = 500

_REJECTED_COLUMNS = "record text, reason text, table_name text, _sdc_rejected_at timestamp with time zone"


class PostgreSQLSchema:
    """The schema, whether it exists yet or not, on a connection that somebody else opened and will close."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        schema_name: str,
        capabilities: Capabilities = POSTGRESQL,
        *,
        isolates: bool = True,
    ) -> None:
        self.connection = connection
        self.capabilities = capabilities
        self.name = schema_name
        self.isolates = isolates  # whether rows at fault are told apart from the others

    def without_isolation(self) -> PostgreSQLSchema:
        """Return the same schema for a load that is given up as a whole when a row is at fault."""
        return PostgreSQLSchema(self.connection, self.name, self.capabilities, isolates=False)

    def execute(self, statement: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
        cursor = psycopg.RawCursor(self.connection)
        cursor.execute(statement.encode(), parameters or None)
        return cursor.fetchall() if cursor.description else []

    def write(self, statement: str) -> int:
        """Carry out a statement that writes rows, and return how many it wrote."""
        return self.connection.execute(statement.encode()).rowcount

    def merge(self, statements: Callable[[str], list[str]], stage: str) -> int:
        """Carry out the statements that write the rows of a stage; return how many the last of them wrote.

        Raises RowsAtFault when the engine finds fault with single rows.
        """
        if not self.isolates:
            return [self.write(statement) for statement in statements(stage)][-1]
        try:
            with self.connection.transaction():
                return [self.write(statement) for statement in statements(stage)][-1]
        except ROW_FAULTS as error:
            ordinals = [
                row[0] for row in self.execute(f"SELECT DISTINCT {ORDINAL} FROM {stage} ORDER BY 1", [])
            ]
            reasons = self._at_fault(statements, stage, ordinals)
            if not reasons:
                raise
            raise RowsAtFault(reasons) from error

    def stage(self, name: str, kinds: dict[str, Kind], rows: list[Row]) -> str:
        """Make a temporary table of rows and return its full name; what a row does not have is NULL."""
        table = f"pg_temp.stage_{name}"
        columns = ", ".join(f"{code} {POSTGRESQL.type_names[kind]}" for code, kind in kinds.items())
        self.execute(f"CREATE TEMPORARY TABLE stage_{name} ({columns}) ON COMMIT DROP", [])
        copying = Copying(self.connection, table, kinds)
        try:
            with self.connection.transaction():
                copying.copy(rows)
        except ROW_FAULTS as error:
            if ORDINAL not in kinds:
                raise
            reasons: dict[int, str] = {}
            self._find_uncopied(copying, rows, reasons)
            raise RowsAtFault(reasons) from error
        return table

    def stage_query(self, name: str, query: str) -> str:
        """Make a temporary table of a query's rows and return its full name."""
        self.execute(f"CREATE TEMPORARY TABLE stage_{name} ON COMMIT DROP AS {query}", [])
        return f"pg_temp.stage_{name}"

    def ledger(self) -> Ledger:
        """Return the ledger's part for this schema."""
        return Ledger(self.execute, prefix=f"{quote(SCHEMA)}.", schema_name=self.name)

    def has_ledger(self) -> bool:
        """Tell whether the ledger's tables are there."""
        return len(self._tables_of(SCHEMA) & TABLES.keys()) == len(TABLES)

    def prepare(self) -> None:
        """Make the ledger, the schema and its table of rejected records, if they are not there.

        Asked for first: CREATE SCHEMA IF NOT EXISTS wants the right to create also where there is nothing to do.
        Two loaders may come at once, so the making is under a lock.
        """
        if self.has_ledger() and naming.REJECTED_TABLE in self._tables_of(self.name):
            return
        with self.connection.transaction():
            self.lock("structure")
            try:
                for schema in (SCHEMA, self.name):
                    if not self.execute("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1", [schema]):
                        self.execute(f"CREATE SCHEMA {quote(schema)}", [])
            except errors.InsufficientPrivilege as error:
                message = f"{NEW_SCHEMA} ERROR: {error.diag.message_primary}"
                raise LoadError(message, scope="destination") from error
            if not self.has_ledger():
                self.ledger().create_tables()
                held = f"{quote(SCHEMA)}.batches (held_at)"
                self.execute(f"CREATE INDEX IF NOT EXISTS batches_held_at ON {held}", [])
            if naming.REJECTED_TABLE not in self._tables_of(self.name):
                self.execute(
                    f"CREATE TABLE {self.qualified(naming.REJECTED_TABLE)} ({_REJECTED_COLUMNS})", []
                )

    def lock(self, name: str) -> None:
        """Wait until no other loader has this lock, and keep it until the transaction ends."""
        digest = hashlib.sha256(f"stitchapp {self.name} {name}".encode()).digest()
        self.execute("SELECT pg_advisory_xact_lock($1)", [int.from_bytes(digest[:8], signed=True)])

    def qualified(self, table: str | None = None) -> str:
        """Return the full name of a table, or of the schema itself."""
        return quote(self.name) if table is None else f"{quote(self.name)}.{quote(table)}"

    def catalogue(self, root: str, known: dict[str, KnownTable]) -> Catalogue:
        """Read the structure of a root table and of all that could be a sub table of it."""
        prefix = f"{root}{naming.SEPARATOR}"
        where = (
            "n.nspname = $1 AND c.relkind IN ('r', 'p') "
            "AND (c.relname = $2 OR left(c.relname, length(CAST($3 AS text))) = CAST($3 AS text))"
        )
        tables = "pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        attributes = self.execute(
            "SELECT CAST(c.relname AS text), CAST(a.attname AS text), "
            "pg_catalog.format_type(a.atttypid, a.atttypmod), a.attisdropped "
            f"FROM {tables} JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 "
            f"WHERE {where} ORDER BY c.relname, a.attnum",
            [self.name, root, prefix],
        )
        keys = self.execute(
            "SELECT CAST(c.relname AS text), array_agg(CAST(a.attname AS text) ORDER BY k.place) "
            f"FROM {tables} JOIN pg_catalog.pg_constraint p ON p.conrelid = c.oid AND p.contype = 'p' "
            "CROSS JOIN LATERAL unnest(p.conkey) WITH ORDINALITY AS k (number, place) "
            "JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number "
            f"WHERE {where} GROUP BY c.relname",
            [self.name, root, prefix],
        )
        names = [name for name in known if name == root or name.startswith(prefix)]
        managed = self.ledger().managed_columns(names) if names else []
        columns = [(table, column, type_name) for table, column, type_name, gone in attributes if not gone]
        dropped = Counter(table for table, _, _, gone in attributes if gone)
        found: Any = keys
        return read_catalogue(columns, found, managed, POSTGRESQL, dropped)

    def was_changed(self) -> None:
        """Nothing is remembered: other loaders change other tables meanwhile."""

    def has_table(self, folded: str) -> bool:
        """Tell whether a table exists."""
        return folded in self._tables_of(self.name, folded)

    def row_counts(self, tables: list[str]) -> dict[str, int]:
        """Return how many rows each has: counted where that is cheap, else as the engine's planner estimates."""
        if not tables:
            return {}
        sizes = ", ".join(
            f"pg_relation_size(CAST(${number} AS regclass))" for number in range(1, len(tables) + 1)
        )
        [found] = self.execute(f"SELECT {sizes}", [self.qualified(table) for table in tables])
        small = [table for table, size in zip(tables, found, strict=True) if size <= COUNTED_BYTES]
        counts = counted(self, small)
        return {table: counts[table] if table in counts else self._estimated(table) for table in tables}

    def _estimated(self, table: str) -> int:
        ((plan,),) = self.execute(f"EXPLAIN (FORMAT JSON) SELECT FROM {self.qualified(table)}", [])
        parsed = json.loads(plan) if isinstance(plan, str) else plan
        return int(parsed[0]["Plan"]["Plan Rows"])

    def _tables_of(self, schema: str, *names: str) -> set[str]:
        """Return the tables of a schema; of `names` only those that are there, if any are given."""
        rows = self.execute(
            "SELECT CAST(c.relname AS text) FROM pg_catalog.pg_class c "
            "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND c.relname = ANY (CAST($2 AS text[]))",
            [schema, list(names or (*TABLES, naming.REJECTED_TABLE))],
        )
        return {row[0] for row in rows}

    def _at_fault(
        self, statements: Callable[[str], list[str]], stage: str, ordinals: list[int]
    ) -> dict[int, str]:
        """Halve the rows until those that the engine refuses stand alone."""
        self.execute(f"CREATE INDEX ON {stage} ({ORDINAL})", [])
        reasons: dict[int, str] = {}
        waiting = [ordinals]
        while waiting:
            part = waiting.pop()
            some = f"(SELECT * FROM {stage} WHERE {ORDINAL} BETWEEN {part[0]:d} AND {part[-1]:d})"
            try:
                with self.connection.transaction():
                    for statement in statements(some):
                        self.write(statement)
            except ROW_FAULTS as error:
                if len(part) == 1:
                    reasons[part[0]] = _words(error)
                else:
                    half = len(part) // 2
                    waiting += [part[half:], part[:half]]
        return reasons

    def _find_uncopied(self, copying: Copying, rows: list[Row], reasons: dict[int, str]) -> None:
        try:
            with self.connection.transaction():
                copying.copy(rows)
        except ROW_FAULTS as error:
            if len(rows) == 1:
                reasons[rows[0][ORDINAL]] = _words(error)
                return
            half = len(rows) // 2
            self._find_uncopied(copying, rows[:half], reasons)
            self._find_uncopied(copying, rows[half:], reasons)


def _words(error: psycopg.Error) -> str:
    return (error.diag.message_primary or str(error))[:MAX_FAULT_CHARACTERS]
