"""How many rows an account has loaded, by day and by billing period (app.md 13.1)."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Sum

from accounts.models import Account
from accounts.models.account import BILLING_PERIOD

PREVIOUS_CYCLES = 3


@dataclass(frozen=True, slots=True)
class Usage:
    """Rows of the running period, day by day until today, and of the periods before it."""

    first_day: date
    reset_day: date
    days: list[tuple[date, int]]
    previous: list[tuple[date, int]]  # the first day of an earlier period, and its rows

    @property
    def used(self) -> int:
        return sum(rows for _, rows in self.days)


def usage_of(account: Account, *, now: datetime) -> Usage:
    """Return the account's usage, in one query. A day counts in the period that its first moment falls into."""
    first_day, reset_day = account.billing_days(now)
    starts = [first_day - number * BILLING_PERIOD for number in range(PREVIOUS_CYCLES, 0, -1)]
    by_day: dict[date, int] = dict(
        account.daily_rows.filter(day__gte=starts[0], day__lt=reset_day)
        .values_list("day")
        .annotate(rows=Sum("rows"))
    )
    opened = account.created_at.date()
    return Usage(
        first_day=first_day,
        reset_day=reset_day,
        days=[(day, by_day.get(day, 0)) for day in each_day(first_day, now.date() + timedelta(days=1))],
        previous=[
            (start, sum(by_day.get(day, 0) for day in each_day(start, start + BILLING_PERIOD)))
            for start in starts
            if start + BILLING_PERIOD > opened
        ],
    )


def days_of_billing_period(account: Account, *, now: datetime, periods_ago: int = 0) -> list[date]:
    """Return the UTC days that the running billing period counts, or an earlier one."""
    return each_day(*account.billing_days(now - periods_ago * BILLING_PERIOD))


def each_day(first: date, after_last: date) -> list[date]:
    """Return the days from `first` up to the one before `after_last`."""
    return [first + timedelta(days=number) for number in range((after_last - first).days)]
