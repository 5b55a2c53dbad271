"""How many rows an account has loaded, by day and by billing period, and which of them are free (app.md 13.1)."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import Sum

from accounts.models import Account
from accounts.models.account import BILLING_PERIOD

PREVIOUS_CYCLES = 12
CREDITS_LISTED = 5


@dataclass(frozen=True, slots=True)
class Cycle:
    """One billing period that is over."""

    first_day: date
    rows: int
    free_rows: int

    @property
    def last_day(self) -> date:
        return self.first_day + BILLING_PERIOD - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Usage:
    """Rows of the running period, day by day until today, and of the periods before it; free ones are among them."""

    first_day: date
    reset_day: date
    days: list[tuple[date, int]]
    free_rows: int
    previous: list[Cycle]

    @property
    def used(self) -> int:
        """All rows that were replicated."""
        return sum(rows for _, rows in self.days)

    @property
    def counted(self) -> int:
        """The rows that count towards the plan's limit."""
        return self.used - self.free_rows


def usage_of(account: Account, *, now: datetime) -> Usage:
    """Return the account's usage, in one query. A day counts in the period that its first moment falls into."""
    first_day, reset_day = account.billing_days(now)
    starts = [first_day - number * BILLING_PERIOD for number in range(PREVIOUS_CYCLES, 0, -1)]
    by_day: dict[date, tuple[int, int]] = {
        day: (rows, free)
        for day, rows, free in account.daily_rows.filter(day__gte=starts[0], day__lt=reset_day)
        .order_by()
        .values_list("day")
        .annotate(Sum("rows"), Sum("free_rows"))
    }

    def sums(first: date, after_last: date) -> tuple[int, int]:
        found = [by_day.get(day, (0, 0)) for day in each_day(first, after_last)]
        return sum(rows for rows, _ in found), sum(free for _, free in found)

    opened = account.created_at.date()
    return Usage(
        first_day=first_day,
        reset_day=reset_day,
        days=[
            (day, by_day.get(day, (0, 0))[0]) for day in each_day(first_day, now.date() + timedelta(days=1))
        ],
        free_rows=sums(first_day, reset_day)[1],
        previous=[
            Cycle(start, *sums(start, start + BILLING_PERIOD))
            for start in starts
            if start + BILLING_PERIOD > opened
        ],
    )


def counted_rows(account: Account, *, now: datetime) -> int:
    """Return the rows of the running period that count towards the plan's limit."""
    first_day, reset_day = account.billing_days(now)
    sums = account.daily_rows.filter(day__gte=first_day, day__lt=reset_day).aggregate(
        rows=Sum("rows"), free_rows=Sum("free_rows")
    )
    return (sums["rows"] or 0) - (sums["free_rows"] or 0)


@dataclass(frozen=True, slots=True)
class Credit:
    """The free rows of one schema name in the running period."""

    schema_name: str
    rows: int
    ends_at: datetime
    is_running: bool


@dataclass(frozen=True, slots=True)
class Credits:
    """The newest credits of the running period, and how many others there are."""

    newest: list[Credit]
    others: int


def credits_of(account: Account, *, now: datetime) -> Credits:
    """Return the free weeks that reach into the running period, the newest first (app.md 13.1)."""
    first_day, reset_day = account.billing_days(now)
    begin = datetime.combine(first_day, time.min, UTC)
    weeks = account.free_weeks.ending_after(begin).order_by("-began_at", "schema_name")
    newest = list(weeks[:CREDITS_LISTED])
    if not newest:
        return Credits([], 0)
    rows = dict(
        account.daily_rows.filter(
            day__gte=first_day,
            day__lt=reset_day,
            integration__schema_name__in=[week.schema_name for week in newest],
        )
        .order_by()
        .values_list("integration__schema_name")
        .annotate(Sum("free_rows"))
    )
    return Credits(
        newest=[
            Credit(week.schema_name, rows.get(week.schema_name, 0), week.ends_at, week.covers(now))
            for week in newest
        ],
        others=weeks.count() - len(newest),
    )


def days_of_billing_period(account: Account, *, now: datetime, periods_ago: int = 0) -> list[date]:
    """Return the UTC days that the running billing period counts, or an earlier one."""
    return each_day(*account.billing_days(now - periods_ago * BILLING_PERIOD))


def each_day(first: date, after_last: date) -> list[date]:
    """Return the days from `first` up to the one before `after_last`."""
    return [first + timedelta(days=number) for number in range((after_last - first).days)]
