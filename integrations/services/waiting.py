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


@dataclass(frozen=True, slots=True)
class Problem:
    """A table that cannot be loaded at present; it is tried again by itself."""

    integration: Integration
    table_name: str
    error: str
    since: datetime | None
    holds_up_everything: bool


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


def open_problems(*, account: Account) -> list[Problem]:
    """Return what cannot be loaded now in the account, longest first. Each ends when its cause is gone."""
    queued = QueuedTable.objects.filter(account_id=account.pk)
    unreadable = unreadable_shares(queued)
    tables = {table.pk: table for table in queued.failing().with_waiting_shares()}
    missing = [pk for pk in unreadable if pk not in tables]
    if missing:
        tables |= queued.in_bulk(missing)
    if not tables:
        return []
    integrations = account.integrations.in_bulk({table.integration_id for table in tables.values()})
    problems = [
        Problem(
            integration=integrations[table.integration_id],
            table_name=table.table_name,
            error=table.error or unreadable[table.pk],
            since=table.failing_since,
            holds_up_everything=table.error_scope == ErrorScope.DESTINATION,
        )
        for table in tables.values()
    ]
    return sorted(problems, key=oldest_first)


def count_open_problems(*, account: Account) -> int:
    """Return how many problems there are, by one query: every page asks."""
    tables = QueuedTable.objects.filter(account_id=account.pk)
    waiting = BatchTable.objects.waiting().filter(account_id=account.pk)
    failing = tables.failing().filter(pk__in=waiting.values("queued_table")).values("pk")
    unreadable = waiting.exclude(error="").values("queued_table")
    return failing.union(unreadable).count()


def try_again_now(integrations: Iterable[Integration]) -> None:
    """Let whatever waits for these integrations be tried at once, pauses over (loading.md 7.5).

    Call it when the reason to wait may be gone: settings changed, another destination, a test that went well. What
    a loader holds at this moment it gives back by itself.
    """
    QueuedTable.objects.filter(
        integration_id__in=[integration.pk for integration in integrations], lease=None
    ).update(not_before=timezone.now(), attempts=0)


def oldest_first(problem: Problem) -> tuple[bool, float, str]:
    """Order problems by their beginning; those without one come last."""
    began = problem.since.timestamp() if problem.since is not None else 0.0
    return problem.since is None, began, problem.table_name
