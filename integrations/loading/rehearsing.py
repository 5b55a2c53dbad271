"""What a load of some batches would do, told and not done: the loader's own decisions, with nothing written.

Only what an engine finds out while it writes is missing: a full disk, a missing right, a user's constraint.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from integrations.loading import naming
from integrations.loading.batches import UPSERT, TableBatch
from integrations.loading.capabilities import Capabilities
from integrations.loading.catalogue import Catalogue, ExistingTable
from integrations.loading.collecting import Collected, Collector
from integrations.loading.drafting import Draft, Known, check_name, draft_tables, reject_all
from integrations.loading.errors import LoadError, TooManyColumns
from integrations.loading.keys import incoming_key
from integrations.loading.outcomes import Rejection
from integrations.loading.planning import (
    AddColumn,
    ChangeType,
    CreateTable,
    RenameColumn,
    TablePlan,
    check_width,
)
from integrations.loading.rejected import Rejected, RejectedRow
from integrations.loading.samples import sample_of_root, sample_of_sub_table
from integrations.loading.shapes import TableShape
from integrations.loading.versions import Versions, follow_versions

ColumnState = Literal["existing", "new", "renamed", "widened"]
SHOWN_ROWS = 10
SHOWN_REJECTED = 50

# Which of a load's root rows lose against the rows that are stored, by their ordinals.
Outranked = Callable[[Collected, ExistingTable, Versions], set[int]]


@dataclass(frozen=True, slots=True)
class Standing:
    """What a destination has of one root table and its sub tables; nothing, to begin with."""

    catalogue: Catalogue = field(default_factory=lambda: Catalogue({}))
    known: Known = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RehearsedColumn:
    """A column as it would be; `before` is its former name or type where that changes."""

    name: str
    type_name: str
    state: ColumnState
    before: str = ""

    @property
    def by_loader(self) -> bool:
        """Tell whether the loader fills it by itself."""
        return self.name.startswith("_sdc_") or self.name == naming.PRIMARY_KEY


@dataclass(frozen=True, slots=True)
class RehearsedTable:
    """A root or sub table as it would be, how many rows it would get, and the first of them."""

    name: str
    parent: str | None
    created: bool
    key: tuple[str, ...]
    columns: list[RehearsedColumn]
    row_count: int
    rows: list[dict[str, Any]]


@dataclass(slots=True)
class Rehearsal:
    """What a load of one table would do. `error` says why it would not happen: then its batches wait."""

    table_name: str
    records: int
    written: int = 0
    superseded: int = 0
    rejected: int = 0
    error: str = ""
    tables: list[RehearsedTable] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    rejected_rows: list[RejectedRow] = field(default_factory=list)
    activated_version: int | None = None  # rows of older versions would be removed


def rehearse(
    batches: list[TableBatch],
    *,
    standing: Standing,
    capabilities: Capabilities,
    outranked: Outranked | None = None,
) -> Rehearsal:
    """Say what a load of batches of one table would do. Without `outranked`, every stored row is older.

    Raises LoadError when the destination could not be looked into; what would stop the table is told instead.
    """
    source_name = batches[0].table_name
    name = naming.table_name(source_name)
    records = sum(message.action == UPSERT for batch in batches for message in batch.messages)
    rehearsal = Rehearsal(name or source_name, records)
    refusal = naming.table_refusal(name, source_name, capabilities)
    try:
        if refusal is not None:
            rejected = Rejected()
            reject_all(batches, reason=refusal, name=name, rejected=rejected)
            rehearsal.rejected = records
        else:
            rejected = _rehearse_table(rehearsal, batches, name, standing, capabilities, outranked)
    except TooManyColumns as error:
        rejected = Rejected()
        reject_all(batches, reason=error.message, name=name, rejected=rejected)
        rehearsal.rejected = records
    except LoadError as error:
        if error.scope == "destination":  # it could not be looked into
            raise
        return Rehearsal(rehearsal.table_name, records, error=error.message)
    rehearsal.rejections = rejected.summary()
    rehearsal.rejected_rows = rejected.rows[:SHOWN_REJECTED]
    return rehearsal


def _rehearse_table(
    rehearsal: Rehearsal,
    batches: list[TableBatch],
    name: str,
    standing: Standing,
    capabilities: Capabilities,
    outranked: Outranked | None,
) -> Rejected:
    existing = standing.catalogue.find(name, capabilities)
    own = standing.known.get(capabilities.fold(name))
    check_name(existing, source_name=batches[0].table_name, known=standing.known, capabilities=capabilities)
    versions = follow_versions(batches, active=own.active_version if own is not None else None)
    shape = TableShape(name, capabilities=capabilities, catalogue=standing.catalogue)
    key = incoming_key(batches, existing, capabilities)
    collected = Collector(shape, key=key, versions=versions).collect(batches)
    check_width(len(shape.slots), capabilities)
    if outranked is not None and existing is not None and existing.key and collected.rows:
        collected.supersede(outranked(collected, existing, versions))
    draft = draft_tables(collected, key=key, known=standing.known, rejected=collected.rejected)
    rehearsal.written = len(collected.rows)
    rehearsal.superseded = sum(collected.superseded_by_part.values())
    rehearsal.rejected = sum(collected.rejected_by_part.values())
    rehearsal.activated_version = versions.after if versions.activated else None
    if draft is not None:
        rehearsal.tables = _tables(draft, collected)
    return collected.rejected


def _tables(draft: Draft, collected: Collected) -> list[RehearsedTable]:
    shape = collected.shape
    rows = sample_of_root(draft.root, collected, limit=SHOWN_ROWS)
    tables = [_table(draft.root, shape, len(collected.rows), rows)]
    for sub in draft.subs:
        rows = sample_of_sub_table(sub, collected, limit=SHOWN_ROWS)
        tables.append(_table(sub.plan, sub.shape, len(sub.rows), rows))
    return tables


def _table(plan: TablePlan, shape: TableShape, row_count: int, rows: list[dict[str, Any]]) -> RehearsedTable:
    return RehearsedTable(
        plan.name, shape.parent, plan.created, plan.key, _columns(plan, shape.existing), row_count, rows
    )


def _columns(plan: TablePlan, existing: ExistingTable | None) -> list[RehearsedColumn]:
    """Carry out a plan's changes on the columns that there are, as the destination would."""
    standing = existing.columns.values() if existing is not None else ()
    columns = {column.name: RehearsedColumn(column.name, column.type_name, "existing") for column in standing}
    for change in plan.changes:
        match change:
            case CreateTable():
                for name, type_name in change.columns:
                    columns[name] = RehearsedColumn(name, type_name, "new")
            case AddColumn():
                columns[change.name] = RehearsedColumn(change.name, change.type_name, "new")
            case RenameColumn():
                columns = {  # in its place
                    (change.new if name == change.old else name): (
                        RehearsedColumn(change.new, column.type_name, "renamed", change.old)
                        if name == change.old
                        else column
                    )
                    for name, column in columns.items()
                }
            case ChangeType():
                before = columns[change.name].type_name
                columns[change.name] = RehearsedColumn(change.name, change.type_name, "widened", before)
    return list(columns.values())
