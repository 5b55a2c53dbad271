"""Quartz cron: the documented forms, their refusals, and a law against walking through time minute by minute."""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.services.quartz import InvalidCron, check_cron, read_cron

NOW = datetime(2024, 3, 5, 20, 41, 10, tzinfo=UTC)  # a Tuesday in a leap year


def after(expression: str, now: datetime = NOW, count: int = 1) -> list[str]:
    moments: list[str] = []
    while len(moments) < count:
        now = read_cron(expression).after(now)
        if now is None:
            break
        moments.append(now.strftime("%Y-%m-%d %H:%M:%S"))
    return moments


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 0 12 ? * MON-FRI *", ["2024-03-06 12:00:00", "2024-03-07 12:00:00", "2024-03-08 12:00:00"]),
        ("0 0 12 * * ?", ["2024-03-06 12:00:00", "2024-03-07 12:00:00"]),
        ("0 0/5 14,18 * * ?", ["2024-03-06 14:00:00", "2024-03-06 14:05:00"]),
        ("15/20 41 20 * * ?", ["2024-03-05 20:41:15", "2024-03-05 20:41:35", "2024-03-05 20:41:55"]),
        ("0 /30 * * * ?", ["2024-03-05 21:00:00", "2024-03-05 21:30:00"]),
        ("0 10,44 14 ? 3 WED", ["2024-03-06 14:10:00", "2024-03-06 14:44:00", "2024-03-13 14:10:00"]),
        ("0 15 10 L * ?", ["2024-03-31 10:15:00", "2024-04-30 10:15:00"]),
        ("0 15 10 L-2 * ?", ["2024-03-29 10:15:00", "2024-04-28 10:15:00"]),
        ("0 15 10 L-1W * ?", ["2024-03-29 10:15:00", "2024-04-29 10:15:00"]),
        ("0 15 10 LW * ?", ["2024-03-29 10:15:00", "2024-04-30 10:15:00"]),
        ("0 0 6 15W * ?", ["2024-03-15 06:00:00", "2024-04-15 06:00:00", "2024-05-15 06:00:00"]),
        ("0 0 6 1W 6,9 ?", ["2024-06-03 06:00:00", "2024-09-02 06:00:00"]),
        ("0 0 6 31W * ?", ["2024-03-29 06:00:00", "2024-05-31 06:00:00"]),
        ("0 0 0 30W 6 ?", ["2024-06-28 00:00:00", "2025-06-30 00:00:00"]),
        ("0 15 10 ? * 6L", ["2024-03-29 10:15:00", "2024-04-26 10:15:00"]),
        ("0 15 10 ? * fril", ["2024-03-29 10:15:00", "2024-04-26 10:15:00"]),
        ("0 15 10 ? * 6#3", ["2024-03-15 10:15:00", "2024-04-19 10:15:00"]),
        ("0 15 10 ? * MON#5", ["2024-04-29 10:15:00", "2024-07-29 10:15:00"]),
        ("0 15 10 ? * L", ["2024-03-09 10:15:00", "2024-03-16 10:15:00"]),
        ("0 0 0 ? * 1", ["2024-03-10 00:00:00"]),
        ("0 0 0 ? * FRI-MON/2", ["2024-03-08 00:00:00", "2024-03-10 00:00:00", "2024-03-15 00:00:00"]),
        ("0 0 22-2/2 * * ?", ["2024-03-05 22:00:00", "2024-03-06 00:00:00", "2024-03-06 02:00:00"]),
        ("0 0 12 1/5 * ?", ["2024-03-06 12:00:00", "2024-03-11 12:00:00"]),
        ("0 11 11 11 11 ?", ["2024-11-11 11:11:00"]),
        ("0 0 0 29 FEB ?", ["2028-02-29 00:00:00", "2032-02-29 00:00:00"]),
        ("0 0 0 ? JAN-MAR MON#1 2025-2026", ["2025-01-06 00:00:00", "2025-02-03 00:00:00"]),
        ("0 0 0 1 1 ? 2024/50", ["2074-01-01 00:00:00"]),
    ],
)
def test_documented_forms_name_their_moments(expression, expected):
    assert after(expression, count=len(expected)) == expected


def test_both_day_fields_get_the_documented_refusal():
    with pytest.raises(InvalidCron) as refused:
        read_cron("* * * * * *")
    assert refused.value.message == (
        'cron_expression "* * * * * *" is invalid: Support for specifying both a day-of-week AND a day-of-month '
        "parameter is not implemented."
    )


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("* * * ? * ?", "'?' can only be specified for Day-of-Month -OR- Day-of-Week."),
        ("", "it has 0 fields; six are needed"),
        ("0 12 * * *", "it has 5 fields; six are needed"),
        ("0 0 12 * * ? 2024 x", "it has 8 fields; six are needed"),
        ("60 0 12 * * ?", "“60” in the second field is none of 0 to 59."),
        ("0 -1 12 * * ?", "“” in the minute field is none of 0 to 59."),
        ("0 0 24 * * ?", "“24” in the hour field is none of 0 to 23."),
        ("0 0 12 0 * ?", "“0” in the day-of-month field is none of 1 to 31."),
        ("0 0 12 32W * ?", "“32” in the day-of-month field is none of 1 to 31."),
        ("0 0 12 L-31 * ?", "“L-31” in the day-of-month field goes back more than 30 days."),
        ("0 0 12 1,15W * ?", "“1,15W” in the day-of-month field mixes L or W with other days"),
        ("0 0 12 L,3 * ?", "“L,3” in the day-of-month field mixes L or W with other days"),
        ("0 0 12 * 13 ?", "“13” in the month field is none of 1 to 12, or JAN to DEC."),
        ("0 0 12 * MÄR ?", "“MÄR” in the month field is none of 1 to 12, or JAN to DEC."),
        ("0 0 12 ? * 0", "“0” in the day-of-week field is none of 1 to 7, or SUN to SAT."),
        ("0 0 12 ? * 8#2", "“8” in the day-of-week field is none of 1 to 7"),
        ("0 0 12 ? * 2#6", "“2#6” in the day-of-week field: a month has the first to the fifth of a day."),
        ("0 0 12 ? * 2#1,3#1", "“2#1,3#1” in the day-of-week field mixes L or # with other days"),
        ("0 0 12 ? * MON,6L", "“MON,6L” in the day-of-week field mixes L or # with other days"),
        ("0 */0 12 * * ?", "the step of “*/0” in the minute field is none of 1 to 59."),
        ("0 0 */24 * * ?", "the step of “*/24” in the hour field is none of 1 to 23."),
        ("0 0 12 * * ? 1969", "“1969” in the year field is none of 1970 to 2099."),
        ("0 0 12 * * ? 2030-2020", "the years of “2030-2020” end before they begin."),
        ("0 0 12 * * ? 2020", "it names no time to come."),
        ("0 0 12 30 FEB ?", "it names no time to come."),
        ("0 ٣ 12 * * ?", "“٣” in the minute field is none of 0 to 59."),
        ("0 0 12 1--3 * ?", "“-3” in the day-of-month field is none of 1 to 31."),
        ("0 0 12 , * ?", "“” in the day-of-month field is none of 1 to 31."),
    ],
)
def test_a_refusal_says_which_field_and_why(expression, reason):
    with pytest.raises(InvalidCron) as refused:
        check_cron(expression, NOW)
    assert refused.value.message.startswith(f'cron_expression "{expression}" is invalid: {reason}')


def test_an_endless_expression_is_refused_by_its_length():
    with pytest.raises(InvalidCron) as refused:
        read_cron("0 0 12 * * ? " + ",".join(["2030"] * 60))
    assert refused.value.reason == "it has 312 characters; 250 are the most."


def test_the_last_moment_is_followed_by_none():
    assert after("0 0 0 1 1 ? 2025", count=2) == ["2025-01-01 00:00:00"]


# The law: an oracle that knows nothing of sets and skips, but looks at every minute.

NUMERIC = {"minute": (0, 59), "hour": (0, 23), "day": (1, 31), "month": (1, 12), "weekday": (1, 7)}


@st.composite
def numeric_fields(draw, name: str, *, star: bool = True) -> str:
    low, high = NUMERIC[name]
    number = st.integers(low, high).map(str)
    ranges = st.tuples(number, number).map("-".join)
    spans = st.one_of(number, ranges, st.just("*"))
    steps = st.tuples(spans, st.integers(1, high).map(str)).map("/".join)
    parts = st.lists(st.one_of(number, number, ranges, steps), min_size=1, max_size=3).map(",".join)
    return draw(st.one_of(st.just("*"), parts) if star else parts)


def numeric_matches(text: str, name: str, value: int) -> bool:
    low, high = NUMERIC[name]
    for part in text.split(","):
        span, _, step = part.partition("/")
        if span == "*":
            first, last = low, high
        elif "-" in span:
            first, last = map(int, span.split("-"))
        else:
            first = int(span)
            last = high if step else first
        walked, at = 0, first
        while True:  # around the clock, one by one
            if at == value and walked % int(step or 1) == 0:
                return True
            if at == last:
                break
            at = low if at == high else at + 1
            walked += 1
    return False


@lru_cache
def day_matches(day_of_month: str, day_of_week: str, day: date) -> bool:
    days = [date(day.year, day.month, number + 1) for number in range(monthrange(day.year, day.month)[1])]
    weekdays = {d: ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"][d.weekday()] for d in days}
    numbers = {"SUN": 1, "MON": 2, "TUE": 3, "WED": 4, "THU": 5, "FRI": 6, "SAT": 7}
    working = [d for d in days if weekdays[d] not in ("SAT", "SUN")]
    if day_of_week == "?":
        if day_of_month == "L":
            return day == days[-1]
        if day_of_month == "LW":
            return day == working[-1]
        if day_of_month.startswith("L-"):
            before = int(day_of_month[2:])
            return before < len(days) and day == days[-1 - before]
        if day_of_month.endswith("W"):
            number = int(day_of_month[:-1])
            return number <= len(days) and day == min(working, key=lambda d: abs(d.day - number))
        return numeric_matches(day_of_month, "day", day.day)
    if day_of_week == "L":
        return weekdays[day] == "SAT"
    if "#" in day_of_week:
        wanted, which = map(int, day_of_week.split("#"))
        same = [d for d in days if numbers[weekdays[d]] == wanted]
        return day in same[which - 1 : which]
    if day_of_week.endswith("L"):
        return day == [d for d in days if numbers[weekdays[d]] == int(day_of_week[:-1])][-1]
    return numeric_matches(day_of_week, "weekday", numbers[weekdays[day]])


MONTH_DAYS = st.one_of(
    numeric_fields("day"),
    st.sampled_from(["L", "LW"]),
    st.integers(0, 30).map("L-{}".format),
    st.integers(1, 31).map("{}W".format),
)
WEEK_DAYS = st.one_of(
    numeric_fields("weekday"),
    st.just("L"),
    st.integers(1, 7).map("{}L".format),
    st.tuples(st.integers(1, 7), st.integers(1, 5)).map(lambda pair: "{}#{}".format(*pair)),
)
DAY_FIELDS = st.one_of(
    MONTH_DAYS.map(lambda text: (text, "?")),
    WEEK_DAYS.map(lambda text: ("?", text)),
)
MOMENTS = st.datetimes(datetime(2023, 1, 1), datetime(2032, 12, 31), timezones=st.just(UTC))


@settings(max_examples=60, deadline=None)
@given(DAY_FIELDS, numeric_fields("month"), st.dates(date(2023, 1, 1), date(2032, 12, 31)))
def test_the_next_day_is_the_one_that_a_walk_through_days_finds(day_fields, month, begin):
    midnight = datetime(begin.year, begin.month, begin.day, tzinfo=UTC)
    expected = None
    for number in range(1, 800):
        day = begin + timedelta(days=number)
        if numeric_matches(month, "month", day.month) and day_matches(*day_fields, day):
            expected = midnight + timedelta(days=number)
            break
    found = read_cron(f"0 0 0 {day_fields[0]} {month} {day_fields[1]}").after(midnight)
    if expected is None:
        assert found is None or found > midnight + timedelta(days=799)
    else:
        assert found == expected


@settings(max_examples=40, deadline=None)
@given(numeric_fields("minute", star=False), numeric_fields("hour"), DAY_FIELDS, MOMENTS)
def test_the_next_moment_is_the_one_that_a_walk_through_minutes_finds(minute, hour, day_fields, begin):
    walked = begin.replace(second=0, microsecond=0)
    expected = None
    for _ in range(3 * 24 * 60):
        walked += timedelta(minutes=1)
        if (
            numeric_matches(minute, "minute", walked.minute)
            and numeric_matches(hour, "hour", walked.hour)
            and day_matches(*day_fields, walked.date())
        ):
            expected = walked
            break
    found = read_cron(f"0 {minute} {hour} {day_fields[0]} * {day_fields[1]}").after(begin)
    if expected is None:
        assert found is None or found > walked
    else:
        assert found == expected
