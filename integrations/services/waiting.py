"""What was accepted and is not loaded yet, and why it waits (loading.md 7.3–7.5): nothing of it is dropped."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max, Min, Sum

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
    unreadable = unreadable_shares([integration.pk])
    waiting = []
    for table in QueuedTable.objects.filter(pk__in=sums).order_by("table_name", "pk"):
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


def unreadable_shares(integration_ids: list[int]) -> dict[int, str]:
    """Return, for queued tables with a set-aside share, why it was set aside."""
    shares = BatchTable.objects.waiting().filter(integration_id__in=integration_ids).exclude(error="")
    return dict(shares.values_list("queued_table", "error"))


def open_problems(*, account: Account) -> list[Problem]:
    """Return what cannot be loaded now in the account, longest first. Each ends when its cause is gone."""
    integrations = {integration.pk: integration for integration in account.integrations.all()}
    if not integrations:
        return []
    unreadable = unreadable_shares(list(integrations))
    failing = QueuedTable.objects.filter(account_id=account.pk).failing().with_waiting_shares()
    tables = {table.pk: table for table in failing}
    missing = [pk for pk in unreadable if pk not in tables]
    if missing:
        tables |= QueuedTable.objects.in_bulk(missing)
    problems = [
        Problem(
            integration=integrations[table.integration_id],
            table_name=table.table_name,
            error=table.error or unreadable[table.pk],
            since=table.failing_since,
            holds_up_everything=table.error_scope == ErrorScope.DESTINATION,
        )
        for table in tables.values()
        if table.integration_id in integrations
    ]
    return sorted(problems, key=lambda problem: (problem.since is None, problem.since, problem.table_name))
