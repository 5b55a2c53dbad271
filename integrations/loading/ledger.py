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
    """The ledger's rows for one schema of one destination."""

    def __init__(self, execute: Execute, *, prefix: str, schema_name: str) -> None:
        self.execute = execute
        self.prefix = prefix  # what qualifies the ledger's tables, quoted and with its dot
        self.schema_name = schema_name

    def create(self) -> None:
        self.execute(f"CREATE SCHEMA IF NOT EXISTS {self.prefix.rstrip('.')}", [])
        for name, columns in TABLES.items():
            self.execute(f"CREATE TABLE IF NOT EXISTS {self.prefix}{name} ({columns})", [])

    def held(self, table_name: str, parts: Iterable[Part]) -> dict[Part, Held]:
        """Return those of the batches that this destination holds already, with what became of them."""
        wanted = {(batch_id, _encoded(key_names)): (batch_id, key_names) for batch_id, key_names in parts}
        ids = list(dict.fromkeys(batch_id for batch_id, _ in wanted))
        marks = ", ".join("?" for _ in ids)
        rows = self.execute(
            f"SELECT batch_id, key_names, inserted, updated, superseded, rejected, rows_loaded "
            f"FROM {self.prefix}batches WHERE schema_name = ? AND table_name = ? AND batch_id IN ({marks})",
            [self.schema_name, table_name, *ids],
        )
        return {
            wanted[batch_id, key_names]: Held(BatchCounts(*counts), written)
            for batch_id, key_names, *counts, written in rows
            if (batch_id, key_names) in wanted
        }

    def hold(self, table_name: str, outcomes: dict[Part, Held], *, held_at: datetime) -> None:
        for (batch_id, key_names), outcome in outcomes.items():
            self.execute(
                f"INSERT INTO {self.prefix}batches VALUES (?, ?, ?, ?, CAST(? AS TIMESTAMPTZ), ?, ?, ?, ?, ?)",
                [
                    batch_id,
                    self.schema_name,
                    table_name,
                    _encoded(key_names),
                    held_at.isoformat(),
                    outcome.counts.inserted,
                    outcome.counts.updated,
                    outcome.counts.superseded,
                    outcome.counts.rejected,
                    outcome.rows,
                ],
            )

    def forget_before(self, now: datetime) -> None:
        """Remove what is older than the queue keeps a batch."""
        self.execute(
            f"DELETE FROM {self.prefix}batches WHERE held_at < CAST(? AS TIMESTAMPTZ)",
            [(now - KEPT).isoformat()],
        )

    def tables(self) -> dict[str, KnownTable]:
        """Return the loader's tables of this schema by folded name."""
        rows = self.execute(
            "SELECT table_name, source_name, root_name, parent_name, active_version "
            f"FROM {self.prefix}tables WHERE schema_name = ?",
            [self.schema_name],
        )
        return {row[0]: KnownTable(*row) for row in rows}

    def managed_columns(self, table_names: Iterable[str]) -> list[tuple[str, str]]:
        """Return (table, column), folded, of the columns the loader made or filled."""
        names = list(table_names)
        marks = ", ".join("?" for _ in names)
        return [
            (table, column)
            for table, column in self.execute(
                f"SELECT table_name, column_name FROM {self.prefix}columns "
                f"WHERE schema_name = ? AND table_name IN ({marks})",
                [self.schema_name, *names],
            )
        ]

    def know(self, table: KnownTable) -> None:
        self.execute(
            f"INSERT OR REPLACE INTO {self.prefix}tables VALUES (?, ?, ?, ?, ?, ?)",
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
        gone = sorted(recorded if plan.created else recorded - plan.managed)  # a split renames
        if gone:
            self.execute(
                f"DELETE FROM {self.prefix}columns WHERE schema_name = ? AND table_name = ? "
                "AND column_name IN (SELECT unnest(CAST(? AS VARCHAR[])))",
                [self.schema_name, table_name, gone],
            )
        new = sorted(plan.managed if plan.created else plan.managed - recorded)
        if new:
            self.execute(
                f"INSERT INTO {self.prefix}columns SELECT ?, ?, unnest(CAST(? AS VARCHAR[]))",
                [self.schema_name, table_name, new],
            )


def _encoded(key_names: tuple[str, ...]) -> str:
    return json.dumps(key_names)
