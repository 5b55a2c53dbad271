"""Date-times as senders write them, turned to UTC (loading.md 3.3)."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_usual = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
).fullmatch
_distant = re.compile(
    r"([+-]?)([0-9]{4,6})-([0-9]{2})-([0-9]{2})"
    r"(?:[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,9}))?)?"
    r"(?:[Zz]|([+-])([0-9]{2})(?::?([0-9]{2}))?)?)?"
).fullmatch

DAY = 86_400
FIRST_YEAR = -4712  # 4713 BC; the year 0 is 1 BC
DUCKDB_LAST_YEAR, DUCKDB_LAST_DAY = 294_247, (1, 9)  # microseconds since 1970 end there in 64 bits
CYCLE_YEARS = 400  # after which the calendar repeats


def parse_timestamp(text: str, *, last_year: int) -> datetime | str | None:
    """Return the instant in UTC, or its text for SQL when it lies outside `datetime`; None if it is none."""
    if _usual(text):
        try:
            parsed = datetime.fromisoformat(text.upper())
            if parsed.tzinfo is None:
                return parsed.replace(tzinfo=UTC)
            return parsed if parsed.tzinfo is UTC else parsed.astimezone(UTC)
        except (ValueError, OverflowError):
            pass  # year 0, the edges of datetime, or no such day
    return _parse_distant(text, last_year)


def _parse_distant(text: str, last_year: int) -> datetime | str | None:
    """Compute with a year of the same calendar cycle that `datetime` knows, then move it back."""
    found = _distant(text)
    if found is None:
        return None
    sign, digits, month, day, hour, minute, second, fraction, side, ahead, ahead_minutes = found.groups()
    year = -int(digits) if sign == "-" else int(digits)
    cycles = (year - 2000) // CYCLE_YEARS
    near = year - cycles * CYCLE_YEARS
    microsecond = int((fraction or "0").ljust(6, "0")[:6])
    try:
        local = datetime(
            near, int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), microsecond, UTC
        )
    except ValueError:
        return None
    offset = int(ahead or 0) * 3600 + int(ahead_minutes or 0) * 60
    if offset >= DAY:
        return None
    moment = datetime.fromtimestamp(local.timestamp() // 1 + (offset if side == "-" else -offset), UTC)
    moment = moment.replace(microsecond=microsecond)
    shifted = moment.year + cycles * CYCLE_YEARS
    if datetime.min.year <= shifted <= datetime.max.year:
        return moment.replace(year=shifted)
    if not FIRST_YEAR <= shifted <= last_year:
        return None
    if shifted == DUCKDB_LAST_YEAR and (moment.month, moment.day) > DUCKDB_LAST_DAY:
        return None
    era, shown = (" (BC)", 1 - shifted) if shifted <= 0 else ("", shifted)
    clock = f"{moment:%H:%M:%S}.{moment.microsecond:06d}"
    return f"{shown:04d}-{moment:%m-%d}{era} {clock}+00"
