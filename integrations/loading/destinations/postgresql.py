"""A PostgreSQL database as a destination: one connection for loads, and one transaction for each.

Structure changes in the transaction of the rows, so that a load that fails leaves neither. `loading.md` 5.4 keeps
the two apart to hold a table's lock for a shorter time; here everything is staged before the first change, so the
lock lasts no longer than the merge, and only where structure changes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Any

import duckdb
import psycopg
from psycopg import errors

from integrations.loading import naming
from integrations.loading.batches import Part, SetAside, TableBatch
from integrations.loading.capabilities import POSTGRESQL, Capabilities
from integrations.loading.catalogue import ExistingTable
from integrations.loading.collecting import Collected
from integrations.loading.destinations.postgresql_columns import PostgreSQLColumnLoader, Reader, suits_copying
from integrations.loading.destinations.postgresql_connection import PostgreSQLSettings, connected
from integrations.loading.destinations.postgresql_errors import explain
from integrations.loading.destinations.postgresql_preview import newest_rows
from integrations.loading.destinations.postgresql_schema import ROW_FAULTS, PostgreSQLSchema
from integrations.loading.errors import Busy, LoadError, RowsAtFault
from integrations.loading.ledger import check_schema_name
from integrations.loading.outcomes import BeforeCommit, Preview, TableLoad, forget
from integrations.loading.plain_staging import ENGINE_FAULTS
from integrations.loading.plain_tables import Unsuited
from integrations.loading.rehearsing import Rehearsal, rehearse
from integrations.loading.standing import StoredStanding
from integrations.loading.table_loading import TableLoader
from integrations.loading.versions import Versions

PREVIEW_ROWS = 50
LOAD_SECONDS = 600  # of one statement
READ_SECONDS = 5
LOCK_SECONDS = 10  # while a change of structure waits for its lock, nobody else gets the table either
IDLE_SECONDS = 300  # the server gives up a load whose process is gone without a word
MAX_ROUNDS = 10  # each finds all rows that one statement refuses

# What a load must be able to rely on, whatever the database or the user is set to.
SESSION = f"""
SET lock_timeout = '{LOCK_SECONDS}s';
SET idle_in_transaction_session_timeout = '{IDLE_SECONDS}s';
SET client_min_messages = error;
SET default_transaction_isolation = 'read committed';
SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';
SELECT set_config('jit', 'off', false) WHERE current_setting('jit', true) IS NOT NULL;
"""


class PostgreSQLLoads:
    """Loads that share one connection, each in a transaction of its own."""

    def __init__(
        self, connection: psycopg.Connection[Any], reader: Reader, capabilities: Capabilities
    ) -> None:
        self.connection = connection
        self.reader = reader
        self.capabilities = capabilities
        self.prepared: set[str] = set()  # names of schemas

    def load(
        self,
        *,
        schema_name: str,
        table_name: str,
        batches: list[TableBatch],
        batched_at: datetime,
        before_commit: BeforeCommit = forget,
    ) -> TableLoad:
        """Merge batches of one table, in the order given, in one transaction. Raises LoadError, as `load` below."""
        check_schema_name(schema_name)
        schema = PostgreSQLSchema(self.connection, schema_name, self.capabilities)
        try:
            if schema_name not in self.prepared:
                schema.prepare()
                self.prepared.add(schema_name)
            with self.connection.transaction():
                schema.lock(f"table {naming.table_name(table_name)}")
                outcome = self._merge(schema, table_name, batches, batched_at)
                before_commit(outcome)
            return outcome
        except psycopg.Error as error:
            raise explain(error) from error

    def is_wanted(self) -> bool:
        """Tell whether somebody waits: nobody has to, a server has room for all."""
        return False

    def _merge(
        self, schema: PostgreSQLSchema, table_name: str, batches: list[TableBatch], batched_at: datetime
    ) -> TableLoad:
        """Load all but the records that the engine refuses; those are rejected with its words (loading.md 7.1)."""
        by_columns = self._merge_columns(schema, table_name, batches, batched_at)
        if by_columns is not None:
            return by_columns
        for _ in range(MAX_ROUNDS):
            loader = TableLoader(schema, table_name=table_name, batches=batches, batched_at=batched_at)
            try:
                with schema.connection.transaction():
                    return loader.run()
            except RowsAtFault as fault:
                places = loader.sent_by(fault.reasons)
                reasons = dict(zip(places, fault.reasons.values(), strict=True))
                batches = [_set_aside(batch, reasons) for batch in batches]
                cause = fault.__cause__
        raise LoadError(f"ERROR: {cause}. The rows at fault could not be told apart.", fault="data")

    def _merge_columns(
        self, schema: PostgreSQLSchema, table_name: str, batches: list[TableBatch], batched_at: datetime
    ) -> TableLoad | None:
        """Load by columns; None when nothing was written because each record has to be looked at."""
        if not suits_copying(batches):
            return None
        whole = schema.without_isolation()
        facts: dict[str, Any] = {"table_name": table_name, "batches": batches, "batched_at": batched_at}
        try:
            with schema.connection.transaction():
                return PostgreSQLColumnLoader(whole, engine=self.reader.execute, **facts).run()
        except (Unsuited, LoadError, *ROW_FAULTS, errors.IntegrityError):
            return None
        except duckdb.Error as error:
            if isinstance(error, ENGINE_FAULTS):
                self.reader.close()
                raise LoadError(f"The records could not be prepared: {error}") from error
            return None


class PostgreSQLDestination:
    """A database. Making one of these connects to nothing."""

    def __init__(self, settings: PostgreSQLSettings, *, capabilities: Capabilities = POSTGRESQL) -> None:
        self.settings = settings
        self.capabilities = capabilities

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

        Raises LoadError when nothing was written, or when the connection broke at the commit: the ledger then tells
        at the next try whether it was.
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
    def loading(self) -> Iterator[PostgreSQLLoads]:
        """Connect for loads that follow each other. Raises LoadError."""
        with self._connected(LOAD_SECONDS) as connection, closing(Reader()) as reader:
            connection.execute(SESSION)
            yield PostgreSQLLoads(connection, reader, self.capabilities)

    def preview(self, *, schema_name: str, table: str, limit: int = PREVIEW_ROWS) -> Preview:
        """Return a table's newest rows as text. Raises UnknownTable, or Busy when the server takes too long."""
        with self._reading(schema_name) as schema:
            return newest_rows(schema, table, limit=limit)

    def rehearse(self, *, schema_name: str, table_name: str, batches: list[TableBatch]) -> Rehearsal:
        """Say what loading batches of one table would do now. Raises Busy when the server takes too long."""
        with self._reading(schema_name) as schema:
            standing = StoredStanding(schema)

            def outranked(collected: Collected, existing: ExistingTable, versions: Versions) -> set[int]:
                with schema.connection.transaction(force_rollback=True):
                    return standing.outranked(collected, existing, versions)

            there = standing.read(POSTGRESQL.fold(naming.table_name(table_name)))
            return rehearse(batches, standing=there, capabilities=self.capabilities, outranked=outranked)

    @contextmanager
    def _reading(self, schema_name: str) -> Iterator[PostgreSQLSchema]:
        """Connect for a moment. Raises Busy when the server has no answer by then."""
        try:
            with self._connected(READ_SECONDS) as connection:
                yield PostgreSQLSchema(connection, schema_name)
        except LoadError as error:
            if isinstance(error.__cause__, errors.QueryCanceled | errors.LockNotAvailable):
                raise Busy(error.message) from error
            raise

    @contextmanager
    def _connected(self, statement_seconds: float) -> Iterator[psycopg.Connection[Any]]:
        try:
            with connected(self.settings, statement_seconds=statement_seconds) as connection:
                yield connection
        except psycopg.Error as error:
            raise explain(error) from error


def _set_aside(batch: TableBatch, reasons: dict[tuple[Part, int], str]) -> TableBatch:
    """Return a batch whose records at fault are refused."""
    messages = [
        dataclasses.replace(message, set_aside=SetAside(reason))
        if (reason := reasons.get((batch.part, message.index))) is not None
        else message
        for message in batch.messages
    ]
    return dataclasses.replace(batch, messages=messages)
