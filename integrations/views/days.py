"""A UTC day of extractions or loads: which one is wanted, and the graph of its 24 hours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from urllib.parse import urlencode

from django.utils.dateparse import parse_date

HOURS_NAMED = ((0, "12:00 am"), (6, "6:00 am"), (12, "12:00 pm"), (18, "6:00 pm"), (24, "12:00 am"))
HOURS = [{"x": f"{100 * hour / 24:g}", "label": label} for hour, label in HOURS_NAMED]
FIRST_DAY = date(2000, 1, 1)


def chosen_day(wanted: str, today: date) -> date:
    """Return the wanted day, if it is one and not ahead; today otherwise."""
    try:
        day = parse_date(wanted)
    except ValueError:
        day = None
    return day if day is not None and FIRST_DAY <= day <= today else today


def day_graph(
    *,
    url: str,
    day: date,
    today: date,
    oldest: date,
    bars: Sequence[Mapping[str, object]],
    words: str,
    kept: Mapping[str, str] | None = None,
) -> dict[str, object]:
    """Return what `_day_graph.html` shows. `words` say what the bars mean; `kept` stays when the day changes."""
    kept = dict(kept or {})

    def leading_to(other: date) -> str:
        return f"?{urlencode(kept | {'day': str(other)})}"

    return {
        "url": url,
        "kept": kept,
        "day": day,
        "today": today,
        "oldest": oldest,
        "earlier_url": leading_to(day - timedelta(days=1)) if day > oldest else "",
        "later_url": leading_to(day + timedelta(days=1)) if day < today else "",
        "bars": bars,
        "hours": HOURS,
        "words": f"Times in UTC. {words}",
    }
