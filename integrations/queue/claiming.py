"""Who loads which table now, and when a table that failed is tried again.

A loader leases a table, not its batches: one conditional update decides between loaders, and everything that
waits for the table is then the winner's. Whatever it writes afterwards names the lease, so a loader that was
away for longer than its lease can no longer change anything.
"""

from __future__ import annotations

import logging
import random
import threading
import uuid
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, IntegrityError, connections, transaction
from django.db.models import F, Max, QuerySet
from django.utils import timezone

from accounts.models import Account
from integrations.loading.errors import LoadError
from integrations.loading.outcomes import BatchCounts
from integrations.models import BatchTable, BatchTableState, ErrorScope, QueuedTable
from integrations.models.batch import LONGEST_PAUSE
from integrations.queue.presence import is_gone
from integrations.queue.rejecting import open_pending
from integrations.queue.targets import Target, targets_of

logger = logging.getLogger("integrations.queue")
LEASE = timedelta(seconds=20)
RENEWAL_SECONDS = 5.0
FIRST_PAUSE = timedelta(seconds=1)
MAX_CANDIDATES = 20
MAX_SHARES, MAX_RECORDS, MAX_BYTES = 2_000, 100_000, 48 * 1024**2
MARKED_AT_ONCE, LOOKED_UP_AT_ONCE = 500, 50
BOLD_TRIES = 3


class LeaseLost(Exception):
    """The lease ran out and another loader has the table; what this one did is settled by that one."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A leased table, where it goes, and the shares to load, oldest first."""

    table: QueuedTable
    lease: uuid.UUID
    shares: list[BatchTable]
    target: Target | None  # None: the integration is gone


def claim_next(*, now: datetime, loader: str = "", avoiding: Collection[int] = ()) -> Claim | None:
    """Lease a due table for a loader; None when there is nothing to do.

    Accounts take turns, in each its integrations, and in these their tables: a sender who keeps naming new
    tables waits for them alone (promise I11). Tables of the accounts in `avoiding` are left alone, of those on hold,
    and those
    whose destination admits one writer and has it.
    """
    taken = {table.one_writer for table in reclaim_left_behind(now=now)} - {""}
    held = Account.objects.on_hold().values_list(
        "pk", flat=True
    )  # by number: the queue has a database of its own
    due = QueuedTable.objects.due(now).exclude(account_id__in={*avoiding, *held})
    tried = 0
    for integrations in batched(in_turn(due, now=now), LOOKED_UP_AT_ONCE):
        targets = targets_of(integrations)
        for integration_id in integrations:
            target = targets.get(integration_id)
            one_writer = target.one_writer if target is not None else ""
            if one_writer in taken:
                continue
            tables = due.filter(integration_id=integration_id)
            for table in tables.order_by(F("claimed_at").asc(nulls_first=True), "pk")[:MAX_CANDIDATES]:
                lease = uuid.uuid4()
                if lease_table(table, lease=lease, loader=loader, one_writer=one_writer, now=now):
                    table.refresh_from_db()
                    return Claim(table, lease, oldest_shares(table, now=now), target)
                tried += 1
            if tried >= MAX_CANDIDATES:
                return None
    return None


def lease_table(table: QueuedTable, *, lease: uuid.UUID, loader: str, one_writer: str, now: datetime) -> bool:
    """Lease a table as it was found; False when another loader won it, or its destination, meanwhile."""
    free = QueuedTable.objects.filter(pk=table.pk, lease=None, claimed_at=table.claimed_at)
    try:
        with transaction.atomic(using=settings.QUEUE_DATABASE):
            return bool(
                free.update(
                    lease=lease,
                    leased_until=now + LEASE,
                    leased_by=loader,
                    one_writer=one_writer,
                    claimed_at=now,
                    attempts=F("attempts") + 1,
                )
            )
    except IntegrityError:  # queued_table_one_writer
        return False


def in_turn(due: QuerySet[QueuedTable], *, now: datetime) -> list[int]:
    """Return the integrations of due tables: that of the account served longest ago first."""
    pairs = set(due.order_by().values_list("account_id", "integration_id").distinct())
    if len(pairs) < 2:
        return [integration_id for _, integration_id in pairs]
    served: dict[int, float] = {}
    accounts: dict[int, float] = {}
    claims = QueuedTable.objects.filter(account_id__in={account_id for account_id, _ in pairs})
    for account_id, integration_id, last in (
        claims.order_by().values_list("account_id", "integration_id").annotate(last=Max("claimed_at"))
    ):
        # Served in the future: the clock went back, and nobody shall wait until it has come that far again.
        served[integration_id] = last.timestamp() if last and last <= now else 0.0
        accounts[account_id] = max(accounts.get(account_id, 0.0), served[integration_id])
    return [
        integration_id
        for _, _, integration_id in sorted(
            (accounts.get(account_id, 0.0), served.get(integration_id, 0.0), integration_id)
            for account_id, integration_id in pairs
        )
    ]


def claim_beside(claim: Claim, *, most: int, beside: Collection[BatchTable], now: datetime) -> list[Claim]:
    """Lease up to so many more due tables of a claim's integration, as far as one load takes what waits for them.

    They share its lease, and one opening of the destination; `beside` are the shares that it has taken already. A
    table that was tried in vain is loaded by itself, so that it holds up no other.
    """
    room = MAX_SHARES - len(beside)
    if claim.table.attempts > 1 or claim.table.error or claim.target is None or room <= 0:
        return []
    free = QueuedTable.objects.due(now).filter(
        integration_id=claim.table.integration_id, attempts=0, error=""
    )
    if not free.exists():
        return []
    with transaction.atomic(using=settings.QUEUE_DATABASE):
        oldest_first = free.order_by(F("claimed_at").asc(nulls_first=True), "pk")
        found = oldest_first.select_for_update(skip_locked=True, of=("self",))[:most]
        tables = {table.pk: table for table in found}
        shares: dict[int, list[BatchTable]] = {}
        waiting = BatchTable.objects.ready(now).filter(queued_table__in=tables).select_related("batch")
        for share in as_one_load_takes(waiting.order_by("queued_table", "pk")[:room], beside=beside):
            share.queued_table = tables[share.queued_table_id]
            shares.setdefault(share.queued_table_id, []).append(share)
        QueuedTable.objects.filter(pk__in=shares).update(
            lease=claim.lease,
            leased_until=now + LEASE,
            leased_by=claim.table.leased_by,
            one_writer="",  # of an earlier load: this one's stands with the claim itself
            claimed_at=now,
            attempts=1,
        )
    for pk in shares:
        tables[pk].attempts = 1  # and `claimed_at` as it was found, for `give_back`
    return [Claim(tables[pk], claim.lease, some, claim.target) for pk, some in shares.items()]


def give_back(claims: Iterable[Claim]) -> None:
    """Give back tables that were leased beside another and not loaded, with their turn."""
    with transaction.atomic(using=settings.QUEUE_DATABASE):
        for claim in claims:
            QueuedTable.objects.filter(pk=claim.table.pk, lease=claim.lease).update(
                lease=None, leased_until=None, attempts=0, claimed_at=claim.table.claimed_at
            )


def oldest_shares(table: QueuedTable, *, now: datetime) -> list[BatchTable]:
    """Return what waits for the table, oldest first, as much as one load takes; at least one.

    After an error that was the table's own, only the oldest: what comes before a fault is not held up by it. The
    same when the table was tried several times in vain: one of its batches may be what ends its loaders.
    """
    cautious = table.error_scope == ErrorScope.TABLE or table.attempts > BOLD_TRIES
    most = 1 if cautious else MAX_SHARES
    return as_one_load_takes(table.shares.ready(now).select_related("batch").order_by("pk")[:most])


def as_one_load_takes(
    waiting: Iterable[BatchTable], *, beside: Collection[BatchTable] = ()
) -> list[BatchTable]:
    """Return the first of the shares, as many as fit into a load beside others; if there are none, at least one."""
    shares: list[BatchTable] = []
    records = sum(share.records for share in beside)
    size = sum(share.batch.size for share in beside)
    for share in waiting:
        records += share.records
        size += share.batch.size
        if (shares or beside) and (records > MAX_RECORDS or size > MAX_BYTES):
            break
        shares.append(share)
    return shares


def reclaim_left_behind(*, now: datetime) -> list[QueuedTable]:
    """Free tables whose loader is gone, or silent for a lease; return those that are still held.

    One that outlives no loader pauses longer each time.
    """
    held = []
    for table in QueuedTable.objects.held():
        as_found = QueuedTable.objects.filter(pk=table.pk, lease=table.lease, leased_until=table.leased_until)
        if table.leased_until <= now or is_gone(table.leased_by):
            pause = timedelta(0) if table.attempts <= 1 else pause_after(table.attempts)
            as_found.update(lease=None, leased_until=None, not_before=now + pause)
            continue
        if table.leased_until > now + LEASE:  # the clock went back: a living loader renews it by the new one
            as_found.update(leased_until=now + LEASE)
        held.append(table)
    return held


@contextmanager
def kept_alive(claim: Claim) -> Iterator[None]:
    """Renew the lease, of all tables that share it, for as long as the block runs."""
    done = threading.Event()
    renewing = threading.Thread(target=renew_until, args=(claim, done), name="lease", daemon=True)
    renewing.start()
    try:
        yield
    finally:
        done.set()
        renewing.join()


def renew_until(claim: Claim, done: threading.Event) -> None:
    """Renew now and then until done, on a database connection of this thread's own."""
    try:
        while not done.wait(RENEWAL_SECONDS):
            try:
                QueuedTable.objects.filter(lease=claim.lease).update(leased_until=timezone.now() + LEASE)
            except DatabaseError as error:  # there is time for another try
                logger.warning("lease.not_renewed", extra={"reason": str(error)})
                connections[settings.QUEUE_DATABASE].close()
    finally:
        connections[settings.QUEUE_DATABASE].close()


@dataclass(frozen=True, slots=True)
class Mark:
    """Shares of a claim that a load has counted, and when it began."""

    claim: Claim
    counts: dict[int, BatchCounts]
    started_at: datetime


def mark_loaded(*marks: Mark, now: datetime) -> None:
    """Mark shares loaded, with what became of their records: all of them, or none. Raises LeaseLost."""
    with transaction.atomic(using=settings.QUEUE_DATABASE):
        require_leases([mark.claim for mark in marks])
        for mark in marks:
            mark_shares(mark, now=now)


def mark_shares(mark: Mark, *, now: datetime) -> None:
    """Mark the shares of one table."""
    alike: dict[BatchCounts, list[int]] = {}
    for pk, outcome in mark.counts.items():
        alike.setdefault(outcome, []).append(pk)
    for outcome, pks in alike.items():
        for chunk in batched(pks, MARKED_AT_ONCE):
            mark.claim.table.shares.waiting().filter(pk__in=chunk).update(
                state=BatchTableState.LOADED,
                loading_at=mark.started_at,
                loaded_at=now,
                not_before=None,
                error="",
                **asdict(outcome),
            )
        if outcome.rejected:
            open_pending(pks)


def batched(pks: list[int], size: int) -> Iterator[list[int]]:
    """Cut a list into pieces that a statement can carry."""
    for start in range(0, len(pks), size):
        yield pks[start : start + size]


def release(*claims: Claim) -> None:
    """Give tables of one lease back after good loads; what their failures held up is due at once."""
    for lease, pks in by_lease(claims).items():
        QueuedTable.objects.filter(pk__in=pks, lease=lease).update(
            lease=None, leased_until=None, attempts=0, error="", error_scope="", failing_since=None
        )


def release_destination(integration_ids: Iterable[int], *, now: datetime) -> None:
    """Let every table try at once that waited for its destination: it answers again."""
    QueuedTable.objects.filter(
        integration_id__in=list(integration_ids), error_scope=ErrorScope.DESTINATION, lease=None
    ).update(not_before=now, attempts=0, error="", error_scope="", failing_since=None)


def postpone(claim: Claim, error: LoadError, *, now: datetime, others: Iterable[int] = ()) -> None:
    """Give the table back after a failure, to be tried again later and later.

    `others` are the integrations whose tables wait too when the destination is at fault.
    """
    waits = {
        "not_before": now + pause_after(claim.table.attempts),
        "error": error.message,
        "error_scope": ErrorScope(error.scope),
    }
    with transaction.atomic(using=settings.QUEUE_DATABASE):
        QueuedTable.objects.filter(pk=claim.table.pk, lease=claim.lease).update(
            lease=None, leased_until=None, failing_since=claim.table.failing_since or now, **waits
        )
        if error.scope == ErrorScope.DESTINATION.value:
            others_here = QueuedTable.objects.filter(integration_id__in=list(others), lease=None).exclude(
                error_scope=ErrorScope.TABLE
            )
            waiting = others_here.exclude(pk=claim.table.pk).with_waiting_shares()
            waiting.filter(failing_since=None).update(failing_since=now)
            waiting.update(attempts=claim.table.attempts, **waits)


def set_aside(share: BatchTable, reason: str, *, now: datetime) -> None:
    """Keep a share whose body cannot be read out of its table's way; it is looked at again later."""
    BatchTable.objects.filter(pk=share.pk).update(not_before=now + LONGEST_PAUSE, error=reason)


def require_leases(claims: Iterable[Claim]) -> None:
    """Lock the queue entries; raise when one is no longer its claim's."""
    for lease, pks in by_lease(claims).items():
        held = QueuedTable.objects.filter(pk__in=pks, lease=lease)
        if held.update(leased_until=timezone.now() + LEASE) < len(pks):
            raise LeaseLost


def by_lease(claims: Iterable[Claim]) -> dict[uuid.UUID, set[int]]:
    """Return the tables of each lease."""
    tables: dict[uuid.UUID, set[int]] = {}
    for claim in claims:
        tables.setdefault(claim.lease, set()).add(claim.table.pk)
    return tables


def pause_after(attempts: int) -> timedelta:
    """Return the pause after so many failures in a row: 1 s, doubling to 5 min, spread by a quarter."""
    doubled: timedelta = FIRST_PAUSE * (1 << min(attempts - 1, 12))
    spread = min(doubled, LONGEST_PAUSE) * random.uniform(0.75, 1.25)  # noqa: S311 - no secret
    return max(FIRST_PAUSE, min(spread, LONGEST_PAUSE))
