"""What was accepted and is not loaded yet, and why it waits (loading.md 7.3–7.5): nothing of it is dropped."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Min, QuerySet, Sum
from django.utils import timezone

from accounts.models import Account
from integrations.models import BatchTable, ErrorScope, Integration, QueuedTable


@dataclass(frozen=True, slots=True)
class WaitingTable:
    """One root table with accepted records that are not in the warehouse yet."""

    pk: int
    name: str
    records: int
    batches: int
    oldest_at: datetime
    newest_at: datetime
    loading: bool
    error: str
    holds_up_everything: bool
    failing_since: datetime | None
    next_try_at: datetime | None


def waiting_tables(*, integration: Integration) -> list[WaitingTable]:
    """Return the tables with waiting records, by name."""
    sums = {
        row["queued_table"]: row
        for row in BatchTable.objects.waiting()
        .filter(integration_id=integration.pk)
        .values("queued_table")
        .annotate(
            records=Sum("records"),
            batches=Count("pk"),
            oldest_at=Min("batch__received_at"),
            newest_at=Max("batch__received_at"),
        )
    }
    if not sums:
        return []
    queued = QueuedTable.objects.filter(integration_id=integration.pk)
    unreadable = unreadable_shares(queued)
    waiting = []
    for table in queued.filter(pk__in=sums).order_by("table_name", "pk"):
        row = sums[table.pk]
        waiting.append(
            WaitingTable(
                pk=table.pk,
                name=table.table_name,
                records=row["records"],
                batches=row["batches"],
                oldest_at=row["oldest_at"],
                newest_at=row["newest_at"],
                loading=table.lease is not None and not table.error,
                error=table.error or unreadable.get(table.pk, ""),
                holds_up_everything=table.error_scope == ErrorScope.DESTINATION,
                failing_since=table.failing_since,
                next_try_at=table.not_before if table.error else None,
            )
        )
    return waiting


def unreadable_shares(tables: QuerySet[QueuedTable]) -> dict[int, str]:
    """Return, for queued tables with a share that was set aside, why it was."""
    shares = BatchTable.objects.waiting().filter(queued_table__in=tables).exclude(error="")
    return dict(shares.values_list("queued_table", "error"))


def waiting_records(*, account: Account) -> int:
    """Return how many accepted records of an account are not loaded yet."""
    waiting = BatchTable.objects.waiting().filter(account_id=account.pk)
    records: int = waiting.aggregate(total=Sum("records"))["total"] or 0
    return records


def try_again_now(integrations: Iterable[Integration]) -> None:
    """Let whatever waits for these integrations be tried at once, pauses over (loading.md 7.5).

    Call it when the reason to wait may be gone: settings changed, another destination, a test that went well. What
    a loader holds at this moment it gives back by itself.
    """
    QueuedTable.objects.filter(
        integration_id__in=[integration.pk for integration in integrations], lease=None
    ).update(not_before=timezone.now(), attempts=0)
