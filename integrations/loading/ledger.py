"""What the product remembers in a destination, in a schema of its own: which batches it holds (D25).

It is written in the transaction of the rows it speaks of, so a load that was committed but not acknowledged
is recognised when it is tried again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from integrations.loading.batches import Part
from integrations.loading.errors import LoadError
from integrations.loading.outcomes import BatchCounts
from integrations.loading.planning import TablePlan

SCHEMA = "_stitchapp"
KEPT = timedelta(days=30)

Execute = Callable[[str, list[Any]], list[tuple[Any, ...]]]

TABLES = {
    "batches": (
        "batch_id VARCHAR NOT NULL, schema_name VARCHAR NOT NULL, table_name VARCHAR NOT NULL, "
        "key_names VARCHAR NOT NULL, held_at TIMESTAMPTZ NOT NULL, inserted BIGINT NOT NULL, updated BIGINT NOT NULL, "
        "superseded BIGINT NOT NULL, rejected BIGINT NOT NULL, "
        "rows_loaded BIGINT NOT NULL, "  # sub tables included
        "PRIMARY KEY (batch_id, schema_name, table_name, key_names)"
    ),
    # source_name is the sender's spelling; root_name and parent_name are this table's own for a root.
    "tables": (
        "schema_name VARCHAR NOT NULL, table_name VARCHAR NOT NULL, source_name VARCHAR NOT NULL, "
        "root_name VARCHAR NOT NULL, parent_name VARCHAR, active_version BIGINT, "
        "PRIMARY KEY (schema_name, table_name)"
    ),
    "columns": (
        "schema_name VARCHAR NOT NULL, table_name VARCHAR NOT NULL, column_name VARCHAR NOT NULL, "
        "PRIMARY KEY (schema_name, table_name, column_name)"
    ),
}


@dataclass(frozen=True, slots=True)
class Held:
    """What became of a batch: its root records, and all rows that were written for them."""

    counts: BatchCounts
    rows: int


@dataclass(frozen=True, slots=True)
class KnownTable:
    """A table of the loader's making, as it was when last loaded."""

    table_name: str  # folded
    source_name: str
    root_name: str  # folded
    parent_name: str | None
    active_version: int | None


class Ledger:
    """The ledger's rows for one schema of one destination.

    Where nobody else can write (`is_alone`), what was read of the tables is remembered. Give up such a ledger when
    what it wrote is undone.
    """

    def __init__(self, execute: Execute, *, prefix: str, schema_name: str, is_alone: bool = False) -> None:
        self.execute = execute
        self.prefix = prefix  # what qualifies the ledger's tables, quoted and with its dot
        self.schema_name = schema_name
        self.is_alone = is_alone
        self.known: dict[str, KnownTable] | None = None  # None: not read yet
        self.managed: dict[str, set[str]] | None = None
        self.has_forgotten = False

    def create(self) -> None:
        self.execute(f"CREATE SCHEMA IF NOT EXISTS {self.prefix.rstrip('.')}", [])
        self.create_tables()

    def create_tables(self) -> None:
        for name, columns in TABLES.items():
            self.execute(f"CREATE TABLE IF NOT EXISTS {self.prefix}{name} ({columns})", [])

    def held(self, table_name: str, parts: Iterable[Part]) -> dict[Part, Held]:
        """Return those of the batches that this destination holds already, with what became of them."""
        wanted = {(batch_id, _encoded(key_names)): (batch_id, key_names) for batch_id, key_names in parts}
        ids = list(dict.fromkeys(batch_id for batch_id, _ in wanted))
        rows = self.execute(
            f"SELECT batch_id, key_names, inserted, updated, superseded, rejected, rows_loaded "
            f"FROM {self.prefix}batches WHERE schema_name = $1 AND table_name = $2 "
            "AND batch_id IN (SELECT unnest(CAST($3 AS VARCHAR[])))",
            [self.schema_name, table_name, ids],
        )
        return {
            wanted[batch_id, key_names]: Held(BatchCounts(*counts), written)
            for batch_id, key_names, *counts, written in rows
            if (batch_id, key_names) in wanted
        }

    def hold(self, table_name: str, outcomes: dict[Part, Held], *, held_at: datetime) -> None:
        counts = [outcome.counts for outcome in outcomes.values()]
        figures = [
            [count.inserted for count in counts],
            [count.updated for count in counts],
            [count.superseded for count in counts],
            [count.rejected for count in counts],
            [outcome.rows for outcome in outcomes.values()],
        ]
        lists = ", ".join(f"unnest(CAST(${number} AS BIGINT[]))" for number in range(6, 11))
        self.execute(
            f"INSERT INTO {self.prefix}batches SELECT unnest(CAST($1 AS VARCHAR[])), $2, $3, "
            f"unnest(CAST($4 AS VARCHAR[])), CAST($5 AS TIMESTAMPTZ), {lists}",
            [
                [batch_id for batch_id, _ in outcomes],
                self.schema_name,
                table_name,
                [_encoded(key_names) for _, key_names in outcomes],
                held_at.isoformat(),
                *figures,
            ],
        )

    def forget_before(self, now: datetime) -> None:
        """Remove what is older than the queue keeps a batch."""
        if self.has_forgotten:
            return
        self.has_forgotten = self.is_alone
        self.execute(
            f"DELETE FROM {self.prefix}batches WHERE held_at < CAST($1 AS TIMESTAMPTZ)",
            [(now - KEPT).isoformat()],
        )

    def tables(self) -> dict[str, KnownTable]:
        """Return the loader's tables of this schema by folded name."""
        if self.known is not None:
            return dict(self.known)
        rows = self.execute(
            "SELECT table_name, source_name, root_name, parent_name, active_version "
            f"FROM {self.prefix}tables WHERE schema_name = $1",
            [self.schema_name],
        )
        known = {row[0]: KnownTable(*row) for row in rows}
        if self.is_alone:
            self.known = dict(known)
        return known

    def managed_columns(self, table_names: Iterable[str]) -> list[tuple[str, str]]:
        """Return (table, column), folded, of the columns the loader made or filled."""
        if self.is_alone:
            if self.managed is None:
                self.managed = self._all_managed()
            return [(table, column) for table in table_names for column in self.managed.get(table, ())]
        return [
            (table, column)
            for table, column in self.execute(
                f"SELECT table_name, column_name FROM {self.prefix}columns "
                "WHERE schema_name = $1 AND table_name IN (SELECT unnest(CAST($2 AS VARCHAR[])))",
                [self.schema_name, list(table_names)],
            )
        ]

    def _all_managed(self) -> dict[str, set[str]]:
        managed: dict[str, set[str]] = {}
        for table, column in self.execute(
            f"SELECT table_name, column_name FROM {self.prefix}columns WHERE schema_name = $1",
            [self.schema_name],
        ):
            managed.setdefault(table, set()).add(column)
        return managed

    def know(self, table: KnownTable) -> None:
        if self.known is not None:
            self.known[table.table_name] = table
        self.execute(
            f"INSERT INTO {self.prefix}tables VALUES ($1, $2, $3, $4, $5, $6) "
            "ON CONFLICT (schema_name, table_name) DO UPDATE SET source_name = excluded.source_name, "
            "root_name = excluded.root_name, parent_name = excluded.parent_name, "
            "active_version = excluded.active_version",
            [
                self.schema_name,
                table.table_name,
                table.source_name,
                table.root_name,
                table.parent_name,
                table.active_version,
            ],
        )

    def manage(self, table_name: str, plan: TablePlan, *, recorded: frozenset[str]) -> None:
        """Note the columns of a table after its plan was carried out."""
        self.managed = None if plan.created or recorded != plan.managed else self.managed
        gone = sorted(recorded if plan.created else recorded - plan.managed)  # a split renames
        if gone:
            self.execute(
                f"DELETE FROM {self.prefix}columns WHERE schema_name = $1 AND table_name = $2 "
                "AND column_name IN (SELECT unnest(CAST($3 AS VARCHAR[])))",
                [self.schema_name, table_name, gone],
            )
        new = sorted(plan.managed if plan.created else plan.managed - recorded)
        if new:
            self.execute(
                f"INSERT INTO {self.prefix}columns SELECT $1, $2, unnest(CAST($3 AS VARCHAR[]))",
                [self.schema_name, table_name, new],
            )


def check_schema_name(name: str) -> None:
    """Raise LoadError for the schema that is the product's own."""
    if name.lower() == SCHEMA:
        raise LoadError(f"The schema {SCHEMA} is the product's own: no integration can load into it.")


def _encoded(key_names: tuple[str, ...]) -> str:
    return json.dumps(key_names)
