"""Cron expressions as Quartz writes them: which moments, to the second and in UTC, they name (connect-api.md 3.11).

    second minute hour day-of-month month day-of-week [year]

Our own, because the Python libraries for cron read other dialects: none knows `W`, `LW` and a year together with
seconds in front and days of the week counted from Sunday, 1.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from accounts.errors import DomainError

MOST_CHARACTERS = 250
FIRST_YEAR, LAST_YEAR = 1970, 2099
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")  # 1 to 7
BOTH_DAYS = "Support for specifying both a day-of-week AND a day-of-month parameter is not implemented."
NEITHER_DAY = "'?' can only be specified for Day-of-Month -OR- Day-of-Week."

Names = Callable[[date], bool]  # whether a field about days names this one


class InvalidCron(DomainError):
    """The expression is not one that Quartz would accept, or names no moment to come."""

    code, status = "invalid_cron", 400

    def __init__(self, expression: str, reason: str) -> None:
        self.expression, self.reason = expression, reason
        super().__init__(f'cron_expression "{expression}" is invalid: {reason}')


class Unreadable(Exception):
    """A field cannot be read; the text says why."""


@dataclass(frozen=True, slots=True)
class Field:
    """What one of the numeric fields may hold."""

    label: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    def number(self, text: str) -> int:
        """Read one value, a number or a name."""
        if text.upper() in self.names:
            return self.low + self.names.index(text.upper())
        number = int(text) if re.fullmatch(r"[0-9]{1,4}", text) else -1
        if not self.low <= number <= self.high:
            named = f", or {self.names[0]} to {self.names[-1]}" if self.names else ""
            raise Unreadable(
                f"“{text}” in the {self.label} field is none of {self.low} to {self.high}{named}."
            )
        return number

    def values(self, text: str) -> frozenset[int]:
        """Read a list of values, ranges and steps."""
        return frozenset(value for part in text.split(",") for value in self.part(part))

    def part(self, text: str) -> Iterator[int]:
        """Read one value, range or step; a range that ends before it begins goes on from the start."""
        span, slash, step_text = text.partition("/")
        step = 1
        if slash:
            step = int(step_text) if re.fullmatch(r"[0-9]{1,4}", step_text) else 0
            if not 1 <= step <= self.high:
                raise Unreadable(
                    f"the step of “{text}” in the {self.label} field is none of 1 to {self.high}."
                )
        if span == "*" or (slash and not span):
            first, last = self.low, self.high
        elif "-" in span:
            first, last = (self.number(end) for end in span.split("-", 1))
        else:
            first = self.number(span)
            last = self.high if slash else first
        if last < first:
            if self.label == YEAR.label:
                raise Unreadable(f"the years of “{text}” end before they begin.")
            last += self.high - self.low + 1
        for value in range(first, last + 1, step):
            yield self.low + (value - self.low) % (self.high - self.low + 1)


SECOND = Field("second", 0, 59)
MINUTE = Field("minute", 0, 59)
HOUR = Field("hour", 0, 23)
DAY_OF_MONTH = Field("day-of-month", 1, 31)
MONTH = Field("month", 1, 12, MONTHS)
DAY_OF_WEEK = Field("day-of-week", 1, 7, WEEKDAYS)
YEAR = Field("year", FIRST_YEAR, LAST_YEAR)


@dataclass(frozen=True, slots=True)
class Cron:
    """An expression that was read. Build it with `read_cron`."""

    expression: str
    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    months: tuple[int, ...]
    years: tuple[int, ...]
    names_day: Names

    def after(self, moment: datetime) -> datetime | None:
        """Return the first moment later than this one that the expression names; None when there is none."""
        begin = moment.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=1)
        for day in self.days(begin.date()):
            at = self.time_from(begin.time() if day == begin.date() else time())
            if at is not None:
                return datetime.combine(day, at, tzinfo=UTC)
        return None

    def days(self, begin: date) -> Iterator[date]:
        """Yield the days from this one on that the expression names."""
        for year in self.years:
            for month in self.months:
                if (year, month) < (begin.year, begin.month):
                    continue
                for number in range(1, monthrange(year, month)[1] + 1):
                    day = date(year, month, number)
                    if day >= begin and self.names_day(day):
                        yield day

    def time_from(self, begin: time) -> time | None:
        """Return the first time of a day, this one or a later one, that the expression names."""
        for hour in self.hours:
            if hour < begin.hour:
                continue
            same_hour = hour == begin.hour
            for minute in self.minutes:
                if same_hour and minute < begin.minute:
                    continue
                from_second = begin.second if same_hour and minute == begin.minute else 0
                for second in self.seconds:
                    if second >= from_second:
                        return time(hour, minute, second)
        return None


@lru_cache(maxsize=256)
def read_cron(expression: str) -> Cron:
    """Read an expression of six or seven fields. Raises InvalidCron."""
    if len(expression) > MOST_CHARACTERS:
        reason = f"it has {len(expression)} characters; {MOST_CHARACTERS} are the most."
        raise InvalidCron(f"{expression[:40]}…", reason)
    fields = expression.split()
    if len(fields) not in (6, 7):
        reason = (
            f"it has {len(fields)} fields; six are needed (second minute hour day-of-month month day-of-week), and a "
            "year may follow."
        )
        raise InvalidCron(expression, reason)
    second, minute, hour, day_of_month, month, day_of_week = fields[:6]
    try:
        return Cron(
            expression,
            tuple(sorted(SECOND.values(second))),
            tuple(sorted(MINUTE.values(minute))),
            tuple(sorted(HOUR.values(hour))),
            tuple(sorted(MONTH.values(month))),
            tuple(sorted(YEAR.values(fields[6] if len(fields) == 7 else "*"))),
            one_day_field(day_of_month.upper(), day_of_week.upper()),
        )
    except Unreadable as error:
        raise InvalidCron(expression, str(error)) from None


def check_cron(expression: str, now: datetime) -> Cron:
    """Read an expression that has to name a moment to come. Raises InvalidCron."""
    cron = read_cron(expression)
    if cron.after(now) is None:
        raise InvalidCron(expression, "it names no time to come.")
    return cron


def one_day_field(day_of_month: str, day_of_week: str) -> Names:
    """Read the two fields about days, of which exactly one says nothing."""
    if day_of_month == "?" and day_of_week == "?":
        raise Unreadable(NEITHER_DAY)
    if day_of_month != "?" and day_of_week != "?":
        raise Unreadable(BOTH_DAYS)
    return days_of_month(day_of_month) if day_of_week == "?" else days_of_week(day_of_week)


def days_of_month(text: str) -> Names:
    """Read the day-of-month field."""
    if text == "L":
        return lambda day: day.day == last_day(day)
    if text == "LW":
        return lambda day: day.day == nearest_weekday(day, last_day(day))
    if matched := re.fullmatch(r"L-([0-9]{1,2})(W?)", text):
        before = int(matched[1])
        if before > 30:
            raise Unreadable(f"“{text}” in the day-of-month field goes back more than 30 days.")
        if matched[2]:
            return lambda day: (
                last_day(day) > before and day.day == nearest_weekday(day, last_day(day) - before)
            )
        return lambda day: day.day == last_day(day) - before
    if matched := re.fullmatch(r"([0-9]{1,2})W", text):
        number = DAY_OF_MONTH.number(matched[1])
        return lambda day: number <= last_day(day) and day.day == nearest_weekday(day, number)
    if re.search("[LW]", text):
        raise Unreadable(
            f"“{text}” in the day-of-month field mixes L or W with other days, which is not possible."
        )
    numbers = DAY_OF_MONTH.values(text)
    return lambda day: day.day in numbers


def days_of_week(text: str) -> Names:
    """Read the day-of-week field."""
    if text == "L":  # the last day of a week
        return lambda day: weekday(day) == 7
    if matched := re.fullmatch(r"([0-9A-Z]{1,3})#([0-9])", text):
        wanted, which = DAY_OF_WEEK.number(matched[1]), int(matched[2])
        if not 1 <= which <= 5:
            raise Unreadable(
                f"“{text}” in the day-of-week field: a month has the first to the fifth of a day."
            )
        return lambda day: weekday(day) == wanted and (day.day + 6) // 7 == which
    if matched := re.fullmatch(r"([1-7]|[A-Z]{3})L", text):
        wanted = DAY_OF_WEEK.number(matched[1])
        return lambda day: weekday(day) == wanted and day.day > last_day(day) - 7
    if re.search(r"#|L(,|$)", text):
        raise Unreadable(
            f"“{text}” in the day-of-week field mixes L or # with other days, which is not possible."
        )
    numbers = DAY_OF_WEEK.values(text)
    return lambda day: weekday(day) in numbers


def weekday(day: date) -> int:
    """Return 1 for Sunday to 7 for Saturday."""
    return day.isoweekday() % 7 + 1


def last_day(day: date) -> int:
    """Return the number of the last day in this day's month."""
    return monthrange(day.year, day.month)[1]


def nearest_weekday(day: date, number: int) -> int:
    """Return the working day, Monday to Friday, of the day's month that is nearest to one of its numbers."""
    wanted = day.replace(day=number).isoweekday()
    if wanted == 6:  # Saturday: the day before, in the same month
        return number - 1 if number > 1 else number + 2
    if wanted == 7:
        return number + 1 if number < last_day(day) else number - 2
    return number
