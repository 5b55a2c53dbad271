"""How dates, times and numbers are written (app.md 3.5). Times are UTC and carry their zone (decision D21)."""

from datetime import UTC, date, datetime, timedelta

SHORT_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sept", "Oct", "Nov", "Dec")
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
ORDINALS = {1: "st", 2: "nd", 3: "rd"}


def key_time(moment: datetime) -> str:
    """Return "Mar 30, 2019 08:18 (UTC)": API access keys, partner keys."""
    at = moment.astimezone(UTC)
    return f"{_short(at)} {at.day}, {at.year} {at:%H:%M} (UTC)"


def second_time(moment: datetime) -> str:
    """Return "Mar 30, 2019 08:18:05 (UTC)": requests, which come many in a minute."""
    at = moment.astimezone(UTC)
    return f"{_short(at)} {at.day}, {at.year} {at:%H:%M:%S} (UTC)"


def token_time(moment: datetime) -> str:
    """Return "February 12th, 2018 7:29pm (UTC)": Import API access tokens."""
    at = moment.astimezone(UTC)
    return f"{_long(at)} {ordinal(at.day)}, {at.year} {_clock(at)}{_half(at)} (UTC)"


def load_time(moment: datetime, now: datetime) -> str:
    """Return "Today at 12:17 pm (UTC)", "Yesterday at …", or "February 3, 2018 at 11:17 pm (UTC)"."""
    at, today = moment.astimezone(UTC), now.astimezone(UTC).date()
    days = (today - at.date()).days
    day = {0: "Today", 1: "Yesterday"}.get(days) or long_day(at)
    return f"{day} at {_clock(at)} {_half(at)} (UTC)"


def started_time(moment: datetime, now: datetime) -> str:
    """Return "Started today at 11:06 am (UTC)": extractions."""
    words = load_time(moment, now)
    at_a_day = words.startswith(("Today", "Yesterday"))
    return f"Started {words[0].lower()}{words[1:]}" if at_a_day else f"Started {words}"


def clock_time(moment: datetime) -> str:
    """Return "12:50 PM (UTC)": the tooltips of graphs."""
    at = moment.astimezone(UTC)
    return f"{_clock(at)} {_half(at).upper()} (UTC)"


def duration(length: timedelta) -> str:
    """Return "6 minutes", "1 hour 20 minutes", or "less than a minute"."""
    minutes = length // timedelta(minutes=1)
    if minutes < 1:
        return "less than a minute"
    parts = [(minutes // 60, "hour"), (minutes % 60, "minute")]
    return " ".join(f"{count} {unit}{'' if count == 1 else 's'}" for count, unit in parts if count)


def relative_time(moment: datetime, now: datetime) -> str:
    """Return "20 minutes ago", "just now", or the day itself beyond a month."""
    gone = now - moment
    if gone < timedelta(minutes=1):
        return "just now"
    if gone >= timedelta(days=31):
        return f"on {reset_day(moment.astimezone(UTC))}"
    for unit, length in (("day", timedelta(days=1)), ("hour", timedelta(hours=1))):
        if gone >= length:
            return _ago(gone // length, unit)
    return _ago(gone // timedelta(minutes=1), "minute")


def note_day(day: date) -> str:
    """Return "Jun 22": notifications, and the axis of the billing chart."""
    return f"{_short(day)} {day.day}"


def axis_day(day: date) -> str:
    """Return "Jul. 2": the axis of the usage charts. May needs no full stop."""
    return f"{_short(day)}{'' if day.month == 5 else '.'} {day.day}"


def reset_day(day: date) -> str:
    """Return "Aug 12, 2019": reset dates."""
    return f"{_short(day)} {day.day}, {day.year}"


def long_day(day: date) -> str:
    """Return "February 3, 2018": day pickers and tables."""
    return f"{_long(day)} {day.day}, {day.year}"


def thousands(number: int) -> str:
    """Return "4,994,670"."""
    return f"{number:,}"


def ordinal(number: int) -> str:
    """Return "1st", "2nd", "11th"."""
    teen = 11 <= number % 100 <= 13
    return f"{number}{'th' if teen else ORDINALS.get(number % 10, 'th')}"


def _ago(count: int, unit: str) -> str:
    return f"{count} {unit}{'' if count == 1 else 's'} ago"


def _short(day: date) -> str:
    return SHORT_MONTHS[day.month - 1]


def _long(day: date) -> str:
    return MONTHS[day.month - 1]


def _clock(at: datetime) -> str:
    return f"{at.hour % 12 or 12}:{at:%M}"


def _half(at: datetime) -> str:
    return "am" if at.hour < 12 else "pm"
