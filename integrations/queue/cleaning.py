"""What the queue leaves behind: loaded segments, orphans of dead processes, old receipts and old loads."""

from __future__ import annotations

import logging
import os
import time
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connections
from django.db.models import Count, ProtectedError, Q, QuerySet, Sum

from accounts.models.account import BILLING_PERIOD
from accounts.services.usage import PREVIOUS_CYCLES
from integrations.models import (
    Batch,
    BatchTable,
    DailyRows,
    Integration,
    Load,
    Notification,
    QueuedTable,
    ReceivedRequest,
    RejectedCut,
    RejectedFormat,
    RejectedRecord,
    RequestDay,
)
from integrations.queue.accepting import location_of, segment_writer
from integrations.queue.room import queue_folder
from integrations.queue.segments import (
    StoredSegment,
    draft_segments,
    has_living_writer,
    read_body,
    stored_segments,
)
from integrations.services import request_log

logger = logging.getLogger("integrations.queue")
SETTLING_SECONDS = 60  # what a dead process had sent to the database is committed or gone by then
SPARSE = 4  # a segment is gathered up when less than this part of it still waits
LOADS_KEPT_FOR = timedelta(days=60)  # loading.md 8.2
REJECTED_KEPT_FOR = timedelta(days=60)  # the most that a plan shows (app.md 13.2)
NOTIFICATIONS_KEPT_FOR, NOTIFICATIONS_KEPT = timedelta(days=60), 1_000  # of an account, once they are over
TABLES_KEPT_FOR = timedelta(days=1)
DELETED_AT_ONCE = 500
CHECKPOINT_BYTES, CUT_BYTES = 1024**2, 64 * 1024**2


def remove_loaded_segments() -> int:
    """Delete the segments nothing waits in; return how many. A living process's own is never touched."""
    removed = 0
    for segment in ended_segments():
        if not waiting_batches(segment.stem).exists():
            segment.path.unlink(missing_ok=True)
            removed += 1
    for draft in draft_segments(queue_folder()):
        if is_settled(draft.stat().st_mtime) and not has_living_writer(draft):
            draft.unlink(missing_ok=True)
    return removed


def ended_segments() -> list[StoredSegment]:
    """Return the segments that no process will write to again."""
    return [
        segment
        for segment in stored_segments(queue_folder())
        if segment.is_sealed or (is_left_alone(segment) and not has_living_writer(segment.path))
    ]


def is_left_alone(segment: StoredSegment) -> bool:
    """Tell whether a segment has not been written to for a while. One of a later clock is left alone from now on."""
    if segment.changed_at > time.time() + SETTLING_SECONDS:  # the clock went back
        with suppress(FileNotFoundError):
            os.utime(segment.path)
    return is_settled(segment.changed_at)


def is_settled(changed_at: float) -> bool:
    """Tell whether a file has been left alone for long enough."""
    return time.time() - changed_at > SETTLING_SECONDS


def waiting_batches(segment: str) -> QuerySet[Batch]:
    """Return the segment's batches of which something waits."""
    waiting = BatchTable.objects.waiting().values("batch_id")
    return Batch.objects.filter(segment=segment, pk__in=waiting)


def gather_sparse_segments() -> int:
    """Copy the few bodies that still wait in large, mostly loaded segments; return how many moved.

    Without this a table that cannot be loaded would keep whole segments of other people's data on disk, and
    fill the queue for everybody (promise I11). It runs when the queue is half full.
    """
    segments = ended_segments()
    if sum(segment.size for segment in segments) * 2 < settings.QUEUE_MAX_BYTES:
        return 0
    moved = 0
    for segment in segments:
        waiting = waiting_batches(segment.stem)
        size = waiting.aggregate(total=Sum("size"))["total"] or 0
        if 0 < size * SPARSE < segment.size:
            moved += sum(move(batch) for batch in waiting)
    return moved


def move(batch: Batch) -> int:
    """Store a batch's body anew, in this process's segment."""
    body = read_body(queue_folder(), location_of(batch))
    with segment_writer().storing(body) as location:
        return Batch.objects.filter(pk=batch.pk, segment=batch.segment).update(
            segment=location.segment, offset=location.offset
        )


def purge_history(*, now: datetime) -> None:
    """Delete receipts and loads beyond what each integration keeps (decision D32)."""
    for integration_id in Batch.objects.order_by().values_list("integration_id", flat=True).distinct():
        purge_receipts(integration_id)
    lost = reports_lost_before()
    for integration_id in Load.objects.order_by().values_list("integration_id", flat=True).distinct():
        purge_loads(integration_id, now=now, lost_before=lost.get(integration_id))
    for integration_id in RequestDay.objects.order_by().values_list("integration_id", flat=True).distinct():
        purge_requests(integration_id, now=now, lost_before=lost.get(integration_id))
    purge_daily_rows(now=now)
    purge_rejected(now=now)
    purge_notifications(now=now)
    purge_queued_tables(now=now)


def purge_receipts(integration_id: int) -> None:
    """Keep an integration's newest receipts, and all that still waits."""
    receipts = Batch.objects.filter(integration_id=integration_id).order_by("-pk")
    oldest_kept = receipts.values_list("pk", flat=True)[
        settings.RECEIPTS_KEPT - 1 : settings.RECEIPTS_KEPT
    ].first()
    if oldest_kept is None:
        return
    waiting = BatchTable.objects.waiting().filter(integration_id=integration_id).values("batch_id")
    old = receipts.filter(pk__lt=oldest_kept).exclude(pk__in=waiting)
    delete_in_pieces(old)


def reports_lost_before() -> dict[int, datetime]:
    """Return, for the integrations of accounts that lost reports in a downgrade, up to when (app.md 13.2)."""
    cut = Integration.objects.filter(account__reports_begin_at__isnull=False)
    return dict(cut.values_list("pk", "account__reports_begin_at"))


def purge_daily_rows(*, now: datetime) -> None:
    """Forget rows of billing periods that no page shows any more."""
    oldest = now - (PREVIOUS_CYCLES + 1) * BILLING_PERIOD
    delete_in_pieces(DailyRows.objects.filter(day__lt=oldest.date()))


def purge_loads(integration_id: int, *, now: datetime, lost_before: datetime | None = None) -> None:
    """Keep an integration's newest loads, none older than 60 days or lost in a downgrade."""
    loads = Load.objects.filter(integration_id=integration_id, pending_shares__isnull=True).order_by("-pk")
    delete_in_pieces(loads.filter(finished_at__lt=later_of(now - LOADS_KEPT_FOR, lost_before)))
    oldest_kept = loads.values_list("pk", flat=True)[settings.LOADS_KEPT - 1 : settings.LOADS_KEPT].first()
    if oldest_kept is not None:
        delete_in_pieces(loads.filter(pk__lt=oldest_kept))


def later_of(oldest: datetime, lost_before: datetime | None) -> datetime:
    """Return up to when rows go: for their age, or lost in a downgrade."""
    return oldest if lost_before is None else max(oldest, lost_before)


def purge_requests(integration_id: int, *, now: datetime, lost_before: datetime | None = None) -> None:
    """Forget an integration's requests of long ago and all but the newest; and sums of long ago."""
    oldest = later_of(now - request_log.KEPT_FOR, lost_before)
    requests = ReceivedRequest.objects.filter(integration_id=integration_id)
    delete_in_pieces(requests.filter(at__lt=oldest))
    days = RequestDay.objects.filter(integration_id=integration_id)
    delete_in_pieces(days.filter(day__lt=oldest.date()))
    request_log.cut(integration_id)


def purge_rejected(*, now: datetime) -> None:
    """Delete rejected records that no plan shows any more, and what only they shared."""
    delete_in_pieces(RejectedRecord.objects.filter(rejected_at__lt=now - REJECTED_KEPT_FOR))
    delete_in_pieces(RejectedFormat.objects.filter(records=None))
    RejectedCut.objects.filter(cut_at__lt=now - REJECTED_KEPT_FOR).delete()


def purge_notifications(*, now: datetime) -> None:
    """Forget what was over, or dismissed and not seen since, long ago; and all but the newest of what is over."""
    long_ago = now - NOTIFICATIONS_KEPT_FOR
    past = Notification.objects.past()
    delete_in_pieces(past.filter(Q(cleared_at__lt=long_ago) | Q(cleared_at=None, latest_at__lt=long_ago)))
    full = (
        Notification.objects.exclude(cleared_at=None)
        .order_by()
        .values("account")
        .annotate(number=Count("pk"))
        .filter(number__gt=NOTIFICATIONS_KEPT)
    )
    for account_id in full.values_list("account", flat=True):
        over = (
            Notification.objects.filter(account=account_id)
            .exclude(cleared_at=None)
            .order_by("-cleared_at", "-pk")
        )
        delete_in_pieces(over.filter(pk__in=list(over.values_list("pk", flat=True)[NOTIFICATIONS_KEPT:])))


def purge_queued_tables(*, now: datetime) -> None:
    """Forget tables that no receipt names any more; one that is sent again gets a new entry."""
    unused = QueuedTable.objects.filter(shares=None, lease=None, not_before__lt=now - TABLES_KEPT_FOR).filter(
        Q(claimed_at=None) | Q(claimed_at__lt=now - TABLES_KEPT_FOR)
    )
    with suppress(ProtectedError, IntegrityError):  # one is in use again: the rest can wait for the next time
        delete_in_pieces(unused)


def delete_in_pieces(rows: QuerySet[Any]) -> None:
    """Delete rows a few at a time: no transaction is long."""
    while pks := list(rows.values_list("pk", flat=True)[:DELETED_AT_ONCE]):
        rows.model._base_manager.filter(pk__in=pks).delete()


def checkpoint() -> None:
    """Move what SQLite's write-ahead logs hold into the databases: one process does it (decision D26).

    The ordinary way waits for nobody. A log that grew long under steady writing is cut, which makes writers
    wait for a moment.
    """
    for connection in connections.all(initialized_only=True):
        if connection.vendor == "sqlite":
            log = Path(f"{connection.settings_dict['NAME']}-wal")
            size = log.stat().st_size if log.exists() else 0
            if size > CHECKPOINT_BYTES:
                with connection.cursor() as cursor:
                    cursor.execute(f"PRAGMA wal_checkpoint({'TRUNCATE' if size > CUT_BYTES else 'PASSIVE'})")
