"""What a load did, written to the application database: the figures on the pages and the usage (loading.md 8).

The queue's index may live in another database, so the two cannot change together. A load is recorded first,
with the shares it counted; then the queue marks them loaded; then the note is cleared. A loader that dies in
between leaves the note, and whoever has the table next marks those shares from it without counting them again.
"""

from __future__ import annotations

from dataclasses import asdict
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
from integrations.services.hook_messages import tell_of_failure, tell_of_load
from integrations.services.rejected_records import tell_rejected
from integrations.services.row_warnings import rows_were_loaded


@transaction.atomic
def record_load(
    *,
    integration: Integration,
    destination: Destination | None,
    table: QueuedTable,
    counts: dict[int, BatchCounts],
    received_at: datetime,
    outcome: TableLoad,
    started_at: datetime,
    finished_at: datetime,
) -> Load:
    """Record a good load: its row, its tables, the day's rows, and the trial's start at the first row."""
    total = sum(counts.values(), BatchCounts())
    rows = outcome.rows_loaded + outcome.rows_held  # held, yet not counted here: its loader died in between
    load = Load.objects.create(
        account=integration.account,
        integration=integration,
        table_name=table.table_name,
        started_at=started_at,
        finished_at=finished_at,
        status=LoadStatus.SUCCESS,
        batches=len(counts),
        received=total.accepted,
        rows=rows,
        new_columns=[
            f"{loaded.name}.{column}"
            for loaded in outcome.tables
            if not loaded.created
            for column in loaded.new_columns
        ],
        bookmarks=[[bookmark.name, bookmark.greatest] for bookmark in outcome.bookmarks],
        last_received_at=received_at,
        pending_shares={
            "queued_table": table.pk,
            "counts": {str(pk): list(asdict(count).values()) for pk, count in counts.items()},
        },
        **asdict(total),
    )
    if loads_there_still(integration):
        record_tables(integration, table.table_name, outcome, at=finished_at)
    if rows:
        record_rows(integration, table.table_name, rows, at=finished_at)
    telling.tell_success(integration=integration, destination=destination, table=table, now=finished_at)
    Integration.objects.filter(
        Q(last_received_at=None) | Q(last_received_at__lt=received_at), pk=integration.pk
    ).update(last_received_at=received_at)
    if destination is not None:
        tell_of_load(load=load, integration=integration, destination=destination, outcome=outcome)
    return load


def loads_there_still(integration: Integration) -> bool:
    """Tell whether the integration's destination is the one that was loaded into; the pages show only that one."""
    return Integration.objects.filter(pk=integration.pk, destination=integration.destination_id).exists()


def record_tables(integration: Integration, root: str, outcome: TableLoad, *, at: datetime) -> None:
    """Note each table of the destination as this load left it."""
    for table in outcome.tables:
        facts = {
            "root": root,
            "columns": [list(column) for column in table.columns],
            "row_count": table.row_count,
            "last_loaded_at": at,
        }
        LoadedTable.objects.update_or_create(
            integration=integration,
            name=table.name,
            defaults=facts,
            create_defaults=facts | {"account": integration.account, "first_loaded_at": at},
        )


def record_rows(integration: Integration, table_name: str, rows: int, *, at: datetime) -> None:
    """Add to the day's rows; the first row ever starts the account's trial (D7).

    The first row of a schema name starts its free week: rows loaded in it are kept apart and do not count.
    """
    week, _ = FreeWeek.objects.get_or_create(
        account=integration.account, schema_name=integration.schema_name, defaults={"began_at": at}
    )
    day, _ = DailyRows.objects.get_or_create(
        integration=integration,
        table_name=table_name,
        day=at.astimezone(UTC).date(),
        defaults={"account": integration.account},
    )
    free = rows if week.covers(at) else 0
    DailyRows.objects.filter(pk=day.pk).update(rows=F("rows") + rows, free_rows=F("free_rows") + free)
    Account.objects.filter(pk=integration.account_id, trial_started_at=None).update(trial_started_at=at)
    rows_were_loaded(integration.account, now=at)


def unsettled_loads(*, table: QueuedTable) -> list[Load]:
    """Return the table's recorded loads whose shares the queue may not have marked."""
    return list(
        Load.objects.filter(
            integration_id=table.integration_id,
            pending_shares__isnull=False,
            pending_shares__queued_table=table.pk,
        )
    )


def counted_shares(load: Load) -> dict[int, BatchCounts]:
    """Return the shares that a recorded load has counted."""
    noted = load.pending_shares["counts"] if load.pending_shares else {}
    return {int(pk): BatchCounts(*counts) for pk, counts in noted.items()}


@transaction.atomic
def settle(load: Load) -> None:
    """Clear a load's note: the queue has marked its shares, and shows what was refused of them."""
    Load.objects.filter(pk=load.pk).update(pending_shares=None)
    if load.rejected:
        tell_rejected(integration=load.integration, now=timezone.now())


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
