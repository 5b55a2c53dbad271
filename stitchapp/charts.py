"""Where the bars of a chart stand: pure arithmetic, drawn by components/bar_chart.html.

Across, places are in per cent of the plot, so that a chart fits any width without scripts; down, in pixels,
so that words keep their size.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from math import ceil

from stitchapp.formats import SHORT_MONTHS, axis_day, long_day, note_day, reset_day, thousands

PLOT_TOP = 8
PLOT_HEIGHT = 210
LINES = 3
MOST_CYCLES_NAMED = 4
BAR_SHARE = 17 / 23  # 17 px bars at a pitch of 23 (app.md 3.3)
TICK = 9
LEAST_DRAWN = 0.6  # per cent of the bar: the first row already shows
NEAR, FULL = 70, 100  # per cent of the limit: the first warning, and the end (app.md 13.1)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar with what it stands for."""

    name: str
    value: str
    x: str
    y: str
    width: str
    height: str


@dataclass(frozen=True, slots=True)
class Line:
    """A dotted line across the plot with its number."""

    label: str
    y: str
    label_y: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark under the axis with its word."""

    label: str
    x: str


@dataclass(frozen=True, slots=True)
class Chart:
    """All that components/bar_chart.html needs; coordinates are text, ready for SVG."""

    name_column: str
    value_column: str
    bars: tuple[Bar, ...]
    lines: tuple[Line, ...]
    ticks: tuple[Tick, ...]
    is_empty: bool
    base: int = PLOT_TOP + PLOT_HEIGHT
    tick_end: int = PLOT_TOP + PLOT_HEIGHT + TICK
    label_y: int = PLOT_TOP + PLOT_HEIGHT + TICK + 19
    height: int = PLOT_TOP + PLOT_HEIGHT + TICK + 26


def daily_bars(days: Sequence[tuple[date, int]]) -> Chart:
    """Return the chart of one bar per day, three of the days named ("Jul. 2", "Jul. 16", "Jul. 29")."""
    names = [long_day(day) for day, _ in days]
    ticks = {index: axis_day(days[index][0]) for index in _named_days(len(days))}
    return _chart("Day", names, [rows for _, rows in days], ticks)


def cumulative_bars(days: Sequence[tuple[date, int]], *, cycle_days: int) -> Chart:
    """Return the chart of the running total of a cycle of which only the first days have passed."""
    names = [long_day(day) for day, _ in days]
    totals = list(accumulate(rows for _, rows in days))
    slots = max(cycle_days, len(days))
    marks = (0, slots // 2, slots - 1) if days else ()
    ticks = {mark: note_day(days[0][0] + timedelta(days=mark)) for mark in marks}
    return _chart("Day", names, totals, ticks, slots=slots, share=1.0)


def cycle_bars(cycles: Sequence[tuple[date, date, int]]) -> Chart:
    """Return the chart of one bar per earlier cycle, from its first and last day; months stand under some."""
    names = [f"{reset_day(first)} to {reset_day(last)}" for first, last, _ in cycles]
    apart = ceil(len(cycles) / MOST_CYCLES_NAMED) or 1
    ticks = {index: SHORT_MONTHS[cycles[index][0].month - 1] for index in range(len(cycles) - 1, -1, -apart)}
    return _chart("Cycle", names, [rows for _, _, rows in cycles], ticks, share=0.4)


def _named_days(count: int) -> list[int]:
    """Pick three of the bars: the second, the middle one, the last but one."""
    return sorted({1, count // 2, count - 2}) if count > 4 else list(range(count))


def _chart(
    name_column: str,
    names: Sequence[str],
    values: Sequence[int],
    ticks: dict[int, str],
    *,
    slots: int | None = None,
    share: float = BAR_SHARE,
) -> Chart:
    step = nice_step(max(values, default=0))
    top = step * LINES
    pitch = 100 / max(slots or len(values), 1)
    bars = []
    for index, (name, value) in enumerate(zip(names, values, strict=True)):
        height = PLOT_HEIGHT * value / top
        x = pitch * (index + (1 - share) / 2)
        bars.append(
            Bar(
                name=name,
                value=thousands(value),
                x=_number(x),
                y=_number(PLOT_TOP + PLOT_HEIGHT - height),
                width=_number(pitch * share),
                height=_number(height),
            )
        )
    lines = []
    for number in range(1, LINES + 1):
        y = PLOT_TOP + PLOT_HEIGHT * (1 - number / LINES)
        lines.append(Line(label=axis_count(step * number, top), y=_number(y), label_y=_number(y + 5)))
    return Chart(
        name_column=name_column,
        value_column="Rows",
        bars=tuple(bars),
        lines=tuple(lines),
        is_empty=not any(values),
        ticks=tuple(Tick(label=label, x=_number(pitch * (at + 0.5))) for at, label in ticks.items()),
    )


def nice_step(largest: int) -> int:
    """Return the round number that three lines of a scale count in, so that the largest bar fits under them."""
    least = max(ceil(largest / LINES), 1)
    power = 1
    while True:
        for factor in (10, 20, 25, 30, 40, 50):
            if factor * power >= least * 10 and factor * power % 10 == 0:
                return factor * power // 10
        power *= 10


def axis_count(number: int, top: int) -> str:
    """Return a number as the scale writes it: "600", or in millions, "0.02m", where its top needs five digits."""
    return thousands(number) if top < 10_000 else f"{number / 1_000_000:.3f}".rstrip("0").rstrip(".") + "m"


@dataclass(frozen=True, slots=True)
class Quota:
    """A limit, what is used of it, and the sentence that says so."""

    percent: str
    level: str  # "fine", "near" or "over"
    limit: int | None
    words: str


def quota(used: int, limit: int | None) -> Quota:
    """Return how far a limit is used up; without a limit there is nothing to draw."""
    if not limit:
        return Quota(percent="0", level="fine", limit=None, words="No row limit")
    share = 100 * used / limit
    level = "over" if share >= FULL else "near" if share >= NEAR else "fine"
    told = "under 1" if 0 < share < 1 else str(int(share))
    words = f"{thousands(used)} of {thousands(limit)} rows used ({told} %)"
    drawn = max(min(share, 100), LEAST_DRAWN if used else 0)
    return Quota(percent=_number(drawn), level=level, limit=limit, words=words)


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
