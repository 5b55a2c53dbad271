"""Loading reports: what each table received, and each attempt to load it (loading.md 8.2)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import Count, Max, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import TruncMinute

from accounts.services.usage import days_of_billing_period
from integrations.loading import naming
from integrations.models import Integration, Load, LoadedTable, LoadStatus
from integrations.services.usage import rows_by_table
from integrations.services.waiting import WaitingTable, waiting_tables
from stitchapp.look_ups import WrittenOnce

NAMES_AT_ONCE = 50  # as many as a page shows


class Range(Enum):
    """The spans of the range switch (app.md 10.4)."""

    DAY = "24-hours", "24 Hours"
    THIS_BILLING = "this-billing", "This Billing"
    PREV_BILLING = "prev-billing", "Prev Billing"

    def __init__(self, slug: str, label: str) -> None:
        self.slug = slug
        self.label = label


@dataclass(frozen=True, slots=True)
class Subtable:
    """A table that was made of an array in the records of another."""

    pk: int
    name: str
    row_count: int


class TableRows(NamedTuple):
    """What one root table loaded in a span, and what of it waits."""

    name: str
    rows: int
    waiting: WaitingTable | None


@dataclass(slots=True)
class TableReport:
    """One root table in a loading report."""

    name: str
    rows: int = 0
    waiting: WaitingTable | None = None
    received_at: datetime | None = None
    bookmarks: list[list[str]] = field(default_factory=list)
    subtables: list[Subtable] = field(default_factory=list)


def table_rows(*, integration: Integration, span: Range, now: datetime) -> list[TableRows]:
    """Return the tables that loaded rows in the span, and all that wait, by name."""
    rows = rows_in_span(integration, span, now)
    waiting = {table.name: table for table in waiting_tables(integration=integration)}
    return [TableRows(name, rows.get(name, 0), waiting.get(name)) for name in sorted({*rows, *waiting})]


def loaded_tables(integration: int, *roots: str) -> QuerySet[LoadedTable, Any]:
    """Return the tables of some roots, each with what its root's newest load tells."""
    loads = Load.objects.filter(integration=integration, status=LoadStatus.SUCCESS)
    newest = loads.filter(table_name=OuterRef("root")).order_by("-finished_at")
    rows: QuerySet[LoadedTable, Any] = (
        LoadedTable.objects.filter(integration=integration, root__in=roots)
        .order_by("name")
        .values_list(
            "pk",
            "name",
            "root",
            "row_count",
            Subquery(newest.values("last_received_at")[:1]),
            Subquery(newest.values("bookmarks")[:1]),
        )
    )
    return rows


loaded_statement = WrittenOnce(LoadedTable, loaded_tables)


def table_reports(*, integration: Integration, tables: Iterable[TableRows]) -> list[TableReport]:
    """Return the reports of the tables that a page shows, with the newest load and the subtables of each."""
    reports = [TableReport(*table) for table in tables]
    by_name = {report.name: report for report in reports}
    names = list(by_name)
    for start in range(0, len(names), NAMES_AT_ONCE):
        some = names[start : start + NAMES_AT_ONCE]
        some += some[-1:] * (NAMES_AT_ONCE - len(some))
        for pk, name, root, row_count, received_at, bookmarks in loaded_statement.rows(integration.pk, *some):
            report = by_name[root]
            if is_subtable(name, root=root):
                report.subtables.append(Subtable(pk, name, row_count))
            else:
                report.received_at, report.bookmarks = received_at, bookmarks or []
    elsewhere = [report.name for report in reports if report.received_at is None]
    if elsewhere:  # loaded into an earlier destination, or nothing but rejected records
        loads = integration.loads.filter(status=LoadStatus.SUCCESS)
        newest_loads = loads.filter(table_name__in=elsewhere).order_by().values("table_name")
        for load in integration.loads.filter(pk__in=newest_loads.annotate(newest=Max("pk")).values("newest")):
            report = by_name[load.table_name]
            report.received_at, report.bookmarks = load.last_received_at, load.bookmarks
    return reports


def is_subtable(name: str, *, root: str) -> bool:
    """Tell a subtable from its root, whose name in the destination may differ from the sender's."""
    return name.casefold() != naming.table_name(root).casefold()


def rows_in_span(integration: Integration, span: Range, now: datetime) -> dict[str, int]:
    """Return the rows of each root table that loaded in the span."""
    if span is Range.DAY:
        recent = integration.loads.filter(
            status=LoadStatus.SUCCESS, finished_at__gt=now - timedelta(days=1), finished_at__lte=now
        )
        return dict(recent.values_list("table_name").annotate(total=Sum("rows")))
    periods_ago = 1 if span is Range.PREV_BILLING else 0
    days = days_of_billing_period(integration.account, now=now, periods_ago=periods_ago)
    return rows_by_table(integration=integration, days=days)


def attempts_on(*, integration: Integration, table_name: str, day: date) -> QuerySet[Load]:
    """Return each attempt to load the table that ended on the UTC day, newest first."""
    start = datetime.combine(day, time.min, UTC)
    return integration.loads.filter(
        table_name=table_name, finished_at__gte=start, finished_at__lt=start + timedelta(days=1)
    ).order_by("-finished_at", "-pk")


def minutes_of(attempts: QuerySet[Load]) -> list[tuple[int, bool]]:
    """Return the minutes of the day in which attempts ended, and whether one of them failed."""
    minutes = (
        attempts.order_by()
        .annotate(minute=TruncMinute("finished_at", tzinfo=UTC))
        .values_list("minute")
        .annotate(failed=Count("pk", filter=Q(status=LoadStatus.ERROR)))
        .order_by("minute")
    )
    return [(minute.hour * 60 + minute.minute, bool(failed)) for minute, failed in minutes]


def kept_since(*, integration: Integration) -> datetime | None:
    """Return when the oldest load ended that is kept, if older ones were let go for there being too many (D32)."""
    newest = integration.loads.order_by("-pk").values_list("finished_at", flat=True)
    oldest: datetime | None = newest[settings.LOADS_KEPT - 1 : settings.LOADS_KEPT].first()
    return oldest


def knows_table(*, integration: Integration, table_name: str) -> bool:
    """Tell whether the integration has loaded, tried to load, or waits to load the table."""
    if "\0" in table_name:  # in an address only: PostgreSQL would not even compare it
        return False
    return (
        integration.loads.filter(table_name=table_name).exists()
        or integration.loaded_tables.filter(root=table_name).exists()
        or integration.daily_rows.filter(table_name=table_name).exists()  # its loads may have been let go
        or any(table.name == table_name for table in waiting_tables(integration=integration))
    )
