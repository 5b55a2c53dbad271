"""What a load did, written to the application database: the figures on the pages and the usage (loading.md 8).

The queue's index may live in another database, so the two cannot change together. A load is recorded first,
with the shares it counted; then the queue marks them loaded; then the note is cleared. A loader that dies in
between leaves the note, and whoever has the table next marks those shares from it without counting them again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Account
from integrations.loading.errors import LoadError
from integrations.loading.outcomes import BatchCounts, TableLoad
from integrations.models import (
    BatchTable,
    DailyRows,
    Destination,
    FreeWeek,
    Integration,
    Load,
    LoadedTable,
    LoadStatus,
    QueuedTable,
)
from integrations.queue import telling
from integrations.services.hook_messages import has_hooks, tell_of_failure, tell_of_load
from integrations.services.rejected_records import tell_rejected
from integrations.services.row_warnings import rows_were_loaded


@dataclass(frozen=True, slots=True)
class LoadedShares:
    """Shares of one table that were committed together, and not recorded yet."""

    table: QueuedTable
    shares: list[BatchTable]
    outcome: TableLoad
    started_at: datetime
    finished_at: datetime

    @property
    def counts(self) -> dict[int, BatchCounts]:
        """Return what became of each share."""
        return {share.pk: self.outcome.batches[str(share.batch.receipt)] for share in self.shares}

    @property
    def rows(self) -> int:
        """Return the rows that nobody has counted yet: a loader may have died after it wrote some of them."""
        return self.outcome.rows_loaded + self.outcome.rows_held

    @property
    def received_at(self) -> datetime:
        """Return when the last of the shares was received."""
        return max(share.batch.received_at for share in self.shares)


@transaction.atomic
def record_loads(
    *, integration: Integration, destination: Destination | None, loaded: list[LoadedShares]
) -> list[Load]:
    """Record good loads of an integration: themselves, tables, the day's rows, the trial's start at the first row."""
    loads = Load.objects.bulk_create(load_of(integration, each) for each in loaded)
    at = max(each.finished_at for each in loaded)
    if loads_there_still(integration):
        record_tables(integration, loaded)
    rows: Counter[str] = Counter()
    for each in loaded:
        rows[each.table.table_name] += each.rows
    if rows.total():
        record_rows(integration, rows, at=at)
    tables = {each.table.pk: each.table for each in loaded}.values()
    telling.tell_success(integration=integration, destination=destination, tables=tables, now=at)
    received_at = max(each.received_at for each in loaded)
    Integration.objects.filter(
        Q(last_received_at=None) | Q(last_received_at__lt=received_at), pk=integration.pk
    ).update(last_received_at=received_at)
    if destination is not None and has_hooks(destination):
        for load, each in zip(loads, loaded, strict=True):
            tell_of_load(load=load, integration=integration, destination=destination, outcome=each.outcome)
    return loads


def load_of(integration: Integration, loaded: LoadedShares) -> Load:
    """Return the row of a good load."""
    counts, outcome = loaded.counts, loaded.outcome
    total = sum(counts.values(), BatchCounts())
    return Load(
        account=integration.account,
        integration=integration,
        table_name=loaded.table.table_name,
        started_at=loaded.started_at,
        finished_at=loaded.finished_at,
        status=LoadStatus.SUCCESS,
        batches=len(counts),
        received=total.accepted,
        rows=loaded.rows,
        new_columns=[
            f"{table.name}.{column}"
            for table in outcome.tables
            if not table.created
            for column in table.new_columns
        ],
        bookmarks=[[bookmark.name, bookmark.greatest] for bookmark in outcome.bookmarks],
        last_received_at=loaded.received_at,
        pending_shares={
            "queued_table": loaded.table.pk,
            "counts": {str(pk): list(asdict(count).values()) for pk, count in counts.items()},
        },
        **asdict(total),
    )


def loads_there_still(integration: Integration) -> bool:
    """Tell whether the integration's destination is the one that was loaded into; the pages show only that one."""
    return Integration.objects.filter(pk=integration.pk, destination=integration.destination_id).exists()


def record_tables(integration: Integration, loaded: list[LoadedShares]) -> None:
    """Note each table of the destination as the last of these loads left it."""
    tables = {
        table.name: LoadedTable(
            account=integration.account,
            integration=integration,
            name=table.name,
            root=each.table.table_name,
            columns=[list(column) for column in table.columns],
            row_count=table.row_count,
            first_loaded_at=each.finished_at,
            last_loaded_at=each.finished_at,
        )
        for each in loaded
        for table in each.outcome.tables
    }
    LoadedTable.objects.bulk_create(
        (tables[name] for name in sorted(tables)),  # in one order, whoever else writes some of them
        update_conflicts=True,
        unique_fields=["integration", "name"],
        update_fields=["root", "columns", "row_count", "last_loaded_at"],
    )


def record_rows(integration: Integration, rows: Mapping[str, int], *, at: datetime) -> None:
    """Add to the day's rows of tables; the first row ever starts the account's trial (D7).

    The first row of a schema name starts its free week: rows loaded in it are kept apart and do not count.
    """
    week, _ = FreeWeek.objects.get_or_create(
        account=integration.account, schema_name=integration.schema_name, defaults={"began_at": at}
    )
    day = at.astimezone(UTC).date()
    days = DailyRows.objects.filter(integration=integration, day=day)
    names = sorted(name for name, count in rows.items() if count)
    there = set(days.filter(table_name__in=names).values_list("table_name", flat=True))
    DailyRows.objects.bulk_create(
        (
            DailyRows(integration=integration, account=integration.account, table_name=name, day=day)
            for name in names
            if name not in there
        ),
        ignore_conflicts=True,
    )
    for name in names:
        free = rows[name] if week.covers(at) else 0
        days.filter(table_name=name).update(rows=F("rows") + rows[name], free_rows=F("free_rows") + free)
    Account.objects.filter(pk=integration.account_id, trial_started_at=None).update(trial_started_at=at)
    rows_were_loaded(integration.account, now=at)


def unsettled_loads(*, tables: Collection[QueuedTable]) -> list[tuple[int, Load]]:
    """Return recorded loads of an integration's tables whose shares the queue may not have marked, by the table."""
    pks = {table.pk for table in tables}
    noted = Load.objects.filter(
        integration_id__in={table.integration_id for table in tables},
        pending_shares__isnull=False,
        pending_shares__queued_table__in=pks,
    )
    return [(load.pending_shares["queued_table"], load) for load in noted if load.pending_shares]


def counted_shares(load: Load) -> dict[int, BatchCounts]:
    """Return the shares that a recorded load has counted."""
    noted = load.pending_shares["counts"] if load.pending_shares else {}
    return {int(pk): BatchCounts(*counts) for pk, counts in noted.items()}


@transaction.atomic
def settle(*loads: Load) -> None:
    """Clear the notes of an integration's loads: the queue has marked their shares, and shows what was refused."""
    Load.objects.filter(pk__in=[load.pk for load in loads]).update(pending_shares=None)
    for load in loads:
        if load.rejected:
            tell_rejected(integration=load.integration, now=timezone.now())
            break


@transaction.atomic
def record_failure(
    *,
    integration: Integration,
    destination: Destination | None,
    table: QueuedTable,
    shares: list[BatchTable],
    error: LoadError,
    started_at: datetime,
    finished_at: datetime,
) -> Load:
    """Record a failed load and tell of it. Tries in a row that fail alike share one row, which counts them."""
    telling.tell_failure(
        integration=integration, destination=destination, table=table, error=error, now=finished_at
    )
    latest = (
        Load.objects.filter(integration=integration, table_name=table.table_name)
        .order_by("-finished_at", "-pk")
        .first()
    )
    facts = {
        "batches": len(shares),
        "received": sum(share.records for share in shares),
        "last_received_at": max(share.batch.received_at for share in shares),
        "finished_at": finished_at,
    }
    if latest is not None and latest.status == LoadStatus.ERROR and latest.error == error.message:
        Load.objects.filter(pk=latest.pk).update(attempts=F("attempts") + 1, **facts)
        return latest
    load = Load.objects.create(
        account=integration.account,
        integration=integration,
        table_name=table.table_name,
        started_at=started_at,
        status=LoadStatus.ERROR,
        error=error.message,
        error_class=error.engine_error,
        sql_state=error.sql_state,
        is_internal=error.fault == "own",
        **facts,
    )
    if destination is not None:
        tell_of_failure(load=load, integration=integration, destination=destination)
    return load
