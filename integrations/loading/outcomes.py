"""What a load did: the record the queue keeps and the pages show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from integrations.loading.batches import Message, TableBatch


@dataclass(frozen=True, slots=True)
class BatchCounts:
    """What became of one batch's root records; the four add up to the records accepted.

    `superseded` counts every record that was right but is not needed: an older sequence, a table version
    that is no longer active, or nothing but nulls for a table that does not exist.
    """

    inserted: int = 0
    updated: int = 0
    superseded: int = 0
    rejected: int = 0

    @property
    def accepted(self) -> int:
        return self.inserted + self.updated + self.superseded + self.rejected

    def __add__(self, other: BatchCounts) -> BatchCounts:
        return BatchCounts(
            self.inserted + other.inserted,
            self.updated + other.updated,
            self.superseded + other.superseded,
            self.rejected + other.rejected,
        )


@dataclass(frozen=True, slots=True)
class Matched:
    """The staged rows whose key is stored, as a query names them, and whether stored rows outrank some."""

    table: str
    has_lost: bool


@dataclass(frozen=True, slots=True)
class LoadedTable:
    """One destination table after a load: the root, or one of its sub tables."""

    name: str
    parent: str | None
    columns: list[tuple[str, str]]
    row_count: int
    rows_loaded: int = 0
    rows_rejected: int = 0
    new_columns: list[str] = field(default_factory=list)
    created: bool = False


@dataclass(frozen=True, slots=True)
class Rejection:
    """How often one reason was written to `_sdc_rejected` for one table in this load."""

    reason: str
    table_name: str
    count: int


@dataclass(frozen=True, slots=True)
class RefusedRecord:
    """A root record that was refused, where its sender put it, and the field at fault where there is one."""

    batch: TableBatch
    message: Message
    reason: str
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bookmark:
    """The least and greatest value of one of the sender's replication keys in this load, as text."""

    name: str
    least: str
    greatest: str


@dataclass(frozen=True, slots=True)
class TableLoad:
    """One finished load of one root table: everything it wrote is committed.

    `tables` has the root first, and is empty when no table exists yet (all records rejected, or only nulls).
    `batches` has an entry for every batch given, those that the destination already held included.
    """

    table_name: str
    batched_at: datetime
    tables: list[LoadedTable]
    batches: dict[str, BatchCounts]
    rejections: list[Rejection]
    refused: list[RefusedRecord] = field(default_factory=list)  # of the batches not held before
    max_received_at: datetime | None = None
    max_time_extracted: str | None = None
    table_version: int = 0
    new_version: bool = False  # a table version was activated: older rows are gone
    bookmarks: list[Bookmark] = field(default_factory=list)
    already_held: list[str] = field(default_factory=list)  # batch ids that an earlier load had committed
    rows_held: int = 0  # what that load wrote for them; nobody has counted it yet

    @property
    def counts(self) -> BatchCounts:
        return sum(self.batches.values(), BatchCounts())

    @property
    def rows_loaded(self) -> int:
        """Return the rows of root and sub tables that this load wrote (loading.md 8.4)."""
        return sum(table.rows_loaded for table in self.tables)


@dataclass(frozen=True, slots=True)
class TableOverview:
    """A table of an integration's schema as it stands in the destination."""

    name: str
    columns: list[tuple[str, str]]
    row_count: int


@dataclass(frozen=True, slots=True)
class Preview:
    """A table's newest rows, as text; None is NULL."""

    columns: list[tuple[str, str]]
    rows: list[list[str | None]]


BeforeCommit = Callable[[TableLoad], None]  # what has to be known before the load is final


def forget(_outcome: TableLoad) -> None:
    """Note nothing."""
