"""Dates, times and numbers as app.md 3.5 writes them."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from stitchapp import formats
from stitchapp.templatetags.stitch_format import moment

NOW = datetime(2026, 11, 22, 13, 0, tzinfo=UTC)


def test_K11_an_api_access_key_carries_its_time():
    assert formats.key_time(datetime(2019, 3, 30, 8, 18, tzinfo=UTC)) == "Mar 30, 2019 08:18 (UTC)"
    assert formats.key_time(datetime(2017, 9, 18, 6, 18, tzinfo=UTC)) == "Sept 18, 2017 06:18 (UTC)"


def test_a_request_carries_its_second():
    assert formats.second_time(datetime(2019, 3, 30, 8, 18, 5, tzinfo=UTC)) == "Mar 30, 2019 08:18:05 (UTC)"


def test_T30_a_token_carries_its_time():
    assert formats.token_time(datetime(2018, 2, 12, 19, 29, tzinfo=UTC)) == "February 12th, 2018 7:29pm (UTC)"
    assert formats.token_time(datetime(2019, 2, 4, 21, 38, tzinfo=UTC)) == "February 4th, 2019 9:38pm (UTC)"
    assert formats.token_time(datetime(2019, 2, 1, 0, 5, tzinfo=UTC)) == "February 1st, 2019 12:05am (UTC)"


def test_D21_a_time_of_another_zone_is_told_in_utc():
    there = timezone(timedelta(hours=5, minutes=30))
    assert formats.key_time(datetime(2026, 1, 1, 2, 0, tzinfo=there)) == "Dec 31, 2025 20:30 (UTC)"


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (datetime(2026, 11, 22, 12, 17, tzinfo=UTC), "Today at 12:17 pm (UTC)"),
        (datetime(2026, 11, 21, 2, 48, tzinfo=UTC), "Yesterday at 2:48 am (UTC)"),
        (datetime(2018, 2, 3, 23, 17, tzinfo=UTC), "February 3, 2018 at 11:17 pm (UTC)"),
    ],
)
def test_a_load_says_its_day(at, words):
    assert formats.load_time(at, NOW) == words


@pytest.mark.parametrize(
    ("gone", "words"),
    [
        (timedelta(seconds=59), "just now"),
        (timedelta(seconds=60), "1 minute ago"),
        (timedelta(minutes=20), "20 minutes ago"),
        (timedelta(minutes=60), "1 hour ago"),
        (timedelta(hours=23, minutes=59), "23 hours ago"),
        (timedelta(hours=24), "1 day ago"),
        (timedelta(days=30), "30 days ago"),
        (timedelta(days=31), "on Oct 22, 2026"),
        (timedelta(seconds=-5), "just now"),
    ],
)
def test_how_long_ago(gone, words):
    assert formats.relative_time(NOW - gone, NOW) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (1, "1st"),
        (2, "2nd"),
        (3, "3rd"),
        (4, "4th"),
        (11, "11th"),
        (12, "12th"),
        (13, "13th"),
        (21, "21st"),
        (22, "22nd"),
        (23, "23rd"),
        (31, "31st"),
    ],
)
def test_ordinals(number, words):
    assert formats.ordinal(number) == words


def test_days_and_counts():
    day = date(2026, 7, 2)
    assert formats.axis_day(day) == "Jul. 2"
    assert formats.note_day(day) == "Jul 2"
    assert formats.reset_day(date(2019, 8, 12)) == "Aug 12, 2019"
    assert formats.long_day(date(2019, 5, 7)) == "May 7, 2019"
    assert formats.thousands(4_994_670) == "4,994,670"


def test_a_time_in_a_page_is_a_time_element():
    at = datetime(2019, 3, 30, 8, 18, tzinfo=UTC)
    assert moment(at, "key") == '<time datetime="2019-03-30T08:18:00+00:00">Mar 30, 2019 08:18 (UTC)</time>'
    assert 'title="Mar 30, 2019 08:18 (UTC)"' in moment(at, "ago")
    assert moment(None) == ""
