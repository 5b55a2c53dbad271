"""Where bars stand, and what the scale says."""

from datetime import date, timedelta

import pytest

from stitchapp.charts import axis_count, cumulative_bars, cycle_bars, daily_bars, nice_step, quota

JULY = [(date(2026, 7, 1) + timedelta(days=n), 10 * n) for n in range(30)]


@pytest.mark.parametrize(
    ("largest", "step"),
    [(0, 1), (1, 1), (3, 1), (4, 2), (7, 3), (10, 4), (517, 200), (601, 250), (6_100, 2_500)],
)
def test_three_lines_of_a_round_step_hold_the_largest_bar(largest, step):
    assert nice_step(largest) == step
    assert step * 3 >= largest


def test_thirty_days_have_thirty_bars_and_three_names():
    chart = daily_bars(JULY)
    assert len(chart.bars) == 30
    assert [tick.label for tick in chart.ticks] == ["Jul. 2", "Jul. 16", "Jul. 29"]
    assert [line.label for line in chart.lines] == ["100", "200", "300"]
    assert (chart.bars[-1].name, chart.bars[-1].value) == ("July 30, 2026", "290")
    assert not chart.is_empty


def test_a_bar_at_the_top_line_is_as_high_as_the_plot():
    top = daily_bars([(date(2026, 7, 1), 300)]).bars[0]
    assert (top.y, top.height) == ("8", "210")


def test_no_rows_draw_no_bars_and_say_so():
    chart = daily_bars([(day, 0) for day, _ in JULY])
    assert chart.is_empty
    assert {bar.height for bar in chart.bars} == {"0"}
    assert daily_bars([]).bars == ()


def test_a_running_cycle_leaves_room_for_the_days_to_come():
    chart = cumulative_bars(JULY[:15], cycle_days=30)
    assert chart.bars[-1].value == "1,050"
    assert float(chart.bars[-1].x) < 50
    assert [tick.label for tick in chart.ticks] == ["Jul 1", "Jul 16", "Jul 30"]
    assert cumulative_bars([], cycle_days=30).ticks == ()


def test_earlier_cycles_carry_their_names():
    cycles = [(date(2026, month, 2), date(2026, month, 28), month) for month in range(1, 13)]
    few, many = cycle_bars(cycles[:3]), cycle_bars(cycles)
    assert sorted(tick.label for tick in few.ticks) == ["Feb", "Jan", "Mar"]
    assert few.bars[0].name == "Jan 2, 2026 to Jan 28, 2026"
    assert {tick.label for tick in many.ticks} == {"Dec", "Sept", "Jun", "Mar"}  # the newest always


@pytest.mark.parametrize(
    ("number", "top", "words"),
    [
        (600, 600, "600"),
        (9_000, 9_000, "9,000"),
        (20_000, 60_000, "0.02m"),
        (5_000, 15_000, "0.005m"),
        (2_000_000, 6_000_000, "2m"),
    ],
)
def test_the_scale_counts_in_millions_from_five_digits_on(number, top, words):
    assert axis_count(number, top) == words


@pytest.mark.parametrize(
    ("used", "limit", "level", "percent", "words"),
    [
        (0, 100, "fine", "0", "0 of 100 rows used (0 %)"),
        (1, 5_000_000, "fine", "0.6", "1 of 5,000,000 rows used (under 1 %)"),
        (69, 100, "fine", "69", "69 of 100 rows used (69 %)"),
        (70, 100, "near", "70", "70 of 100 rows used (70 %)"),
        (124, 100, "over", "100", "124 of 100 rows used (124 %)"),
        (7, None, "fine", "0", "No row limit"),
    ],
)
def test_a_limit_says_how_far_it_is_used(used, limit, level, percent, words):
    told = quota(used, limit)
    assert (told.level, told.percent, told.words) == (level, percent, words)
