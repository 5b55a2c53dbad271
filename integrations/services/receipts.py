"""What became of an accepted batch: its receipt, and the list of an integration's newest ones."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db.models import Count, F, Min, Q, QuerySet, Sum

from integrations.models import Batch, BatchTable, BatchTableState, Integration


class Progress(StrEnum):
    """How far a batch, or one table's share of it, has come."""

    ACCEPTED = "accepted"
    LOADING = "loading"
    LOADED = "loaded"


@dataclass(frozen=True, slots=True)
class TableReceipt:
    """One table's share of a batch. The four counts are known once it is loaded, and add up to `accepted`."""

    table_name: str
    state: Progress
    accepted: int
    inserted: int | None
    updated: int | None
    superseded: int | None
    rejected: int | None
    loading_since: datetime | None
    loaded_at: datetime | None
    error: str  # why it waits; blank when it only waits its turn
    next_try_at: datetime | None

    @property
    def is_failing(self) -> bool:
        """Whether it waits because a try failed."""
        return bool(self.error) and self.state is Progress.ACCEPTED


@dataclass(frozen=True, slots=True)
class Receipt:
    """An accepted batch and what became of it."""

    batch: Batch
    state: Progress
    loading_since: datetime | None  # since its first table's load, which may be over
    loaded_at: datetime | None
    tables: list[TableReceipt]


@dataclass(frozen=True, slots=True)
class BatchSummary:
    """One batch in a list."""

    batch: Batch
    state: Progress
    tables: int
    table_name: str  # the first one's
    rejected: int
    failing: bool


def batches_of(*, integration: Integration) -> QuerySet[Batch]:
    """Return the integration's batches whose receipts are kept, newest first."""
    return Batch.objects.filter(integration_id=integration.pk).order_by("-received_at", "-pk")


def find_batch(*, integration: Integration, receipt: str) -> Batch | None:
    """Return the integration's batch with this receipt; None for another integration's, or for none at all."""
    try:
        wanted = uuid.UUID(receipt)
    except ValueError:
        return None
    found: Batch | None = batches_of(integration=integration).filter(receipt=wanted).first()
    return found


def is_loaded(*, batch: Batch) -> bool:
    """Tell whether nothing of the batch waits any more."""
    return not BatchTable.objects.waiting().filter(batch=batch).exists()


def receipt_of(*, batch: Batch) -> Receipt:
    """Return the batch's receipt as it stands now."""
    shares = BatchTable.objects.filter(batch=batch).select_related("queued_table").order_by("pk")
    tables = [table_receipt(batch, share) for share in shares]
    state = progress(
        total=len(tables),
        loaded=sum(table.state is Progress.LOADED for table in tables),
        loading=sum(table.state is Progress.LOADING for table in tables),
    )
    begun = [table.loading_since for table in tables if table.loading_since is not None]
    times = [table.loaded_at for table in tables if table.loaded_at is not None]
    return Receipt(
        batch,
        state,
        loading_since=min(begun, default=None),
        loaded_at=max(times, default=None) if state is Progress.LOADED else None,
        tables=tables,
    )


def table_receipt(batch: Batch, share: BatchTable) -> TableReceipt:
    """Return what became of one table's share."""
    queue = share.queued_table
    if share.state == BatchTableState.LOADED:
        return TableReceipt(
            table_name=share.table_name,
            state=Progress.LOADED,
            accepted=share.records,
            inserted=share.inserted,
            updated=share.updated,
            superseded=share.superseded,
            rejected=share.rejected,
            loading_since=share.loading_at,
            loaded_at=share.loaded_at,
            error="",
            next_try_at=None,
        )
    # What came after the loader took the table is not in its hands.
    is_loading = (
        queue.lease is not None and queue.claimed_at is not None and queue.claimed_at >= batch.received_at
    )
    error = share.error or queue.error
    next_try_at = (
        (share.not_before if share.error else queue.not_before) if error and not is_loading else None
    )
    return TableReceipt(
        table_name=share.table_name,
        state=Progress.LOADING if is_loading else Progress.ACCEPTED,
        accepted=share.records,
        inserted=None,
        updated=None,
        superseded=None,
        rejected=None,
        loading_since=queue.claimed_at if is_loading else None,
        loaded_at=None,
        error=error,
        next_try_at=next_try_at,
    )


def progress(*, total: int, loaded: int, loading: int) -> Progress:
    """Return how far a batch has come: it is loading from its first table's load to its last's."""
    if loaded == total:
        return Progress.LOADED
    return Progress.LOADING if loaded or loading else Progress.ACCEPTED


def summaries(*, batches: list[Batch]) -> list[BatchSummary]:
    """Return a list's rows, in its order, with one query for all of them."""
    waiting = Q(state=BatchTableState.WAITING)
    in_hand = Q(queued_table__lease__isnull=False, queued_table__claimed_at__gte=F("batch__received_at"))
    rows = {
        row["batch"]: row
        for row in BatchTable.objects.filter(batch__in=[batch.pk for batch in batches])
        .values("batch")
        .annotate(
            total=Count("pk"),
            loaded=Count("pk", filter=Q(state=BatchTableState.LOADED)),
            loading=Count("pk", filter=waiting & in_hand),
            failing=Count("pk", filter=waiting & ~in_hand & (~Q(error="") | ~Q(queued_table__error=""))),
            first=Min("table_name"),
            rejected=Sum("rejected"),
        )
        .order_by()
    }
    return [
        BatchSummary(
            batch=batch,
            state=progress(total=row["total"], loaded=row["loaded"], loading=row["loading"]),
            tables=row["total"],
            table_name=row["first"],
            rejected=row["rejected"],
            failing=bool(row["failing"]),
        )
        for batch in batches
        if (row := rows.get(batch.pk)) is not None
    ]


def states_of(*, receipts: set[uuid.UUID]) -> dict[uuid.UUID, BatchSummary]:
    """Return how far the batches with these receipts have come; those whose receipt is kept."""
    if not receipts:
        return {}
    found = summaries(batches=list(Batch.objects.filter(receipt__in=receipts)))
    return {summary.batch.receipt: summary for summary in found}
