"""Rows loaded, as the loader recorded them by day: what dashboards and charts count (loading.md 8.4)."""

from dataclasses import dataclass
from datetime import date

from django.db.models import QuerySet, Sum

from accounts.models import Account
from integrations.models import DailyRows, Integration


@dataclass(frozen=True, slots=True)
class Usage:
    """Rows of a span of days: each day's, and their sum."""

    days: list[tuple[date, int]]
    free_rows: int = 0

    @property
    def total(self) -> int:
        """All rows, those of free weeks too."""
        return sum(rows for _, rows in self.days)

    @property
    def counted(self) -> int:
        """The rows that count towards the plan's limit."""
        return self.total - self.free_rows


def account_usage(*, account: Account, days: list[date]) -> Usage:
    """Return the account's rows by day; those of deleted integrations count too."""
    return usage_by_day(account.daily_rows.all(), days)


def integration_usage(*, integration: Integration, days: list[date]) -> Usage:
    """Return one integration's rows by day."""
    return usage_by_day(integration.daily_rows.all(), days)


def usage_by_day(rows: QuerySet[DailyRows], days: list[date]) -> Usage:
    """Sum the rows by day; a day without rows has none."""
    recorded = rows.filter(day__gte=days[0], day__lte=days[-1])
    sums = {
        day: (total, free)
        for day, total, free in recorded.order_by().values_list("day").annotate(Sum("rows"), Sum("free_rows"))
    }
    return Usage(
        days=[(day, sums.get(day, (0, 0))[0]) for day in days],
        free_rows=sum(free for _, free in sums.values()),
    )


def rows_by_integration(*, account: Account, days: list[date]) -> dict[int, int]:
    """Return the rows of each integration that loaded any on the days."""
    recorded = account.daily_rows.filter(day__gte=days[0], day__lte=days[-1])
    return dict(recorded.values_list("integration").annotate(total=Sum("rows")))


def rows_by_table(*, integration: Integration, days: list[date]) -> dict[str, int]:
    """Return the rows of each root table, subtables included, that loaded any on the days."""
    recorded = integration.daily_rows.filter(day__gte=days[0], day__lte=days[-1])
    return dict(recorded.values_list("table_name").annotate(total=Sum("rows")))
