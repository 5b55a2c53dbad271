"""Date-times as senders write them (loading.md 3.3)."""

from __future__ import annotations

from datetime import UTC, datetime

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.loading.timestamps import parse_timestamp

LAST_YEAR = 294247


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-04-30T08:00:00+02:00", datetime(2024, 4, 30, 6, tzinfo=UTC)),
        ("2024-04-30T08:00:00+0200", datetime(2024, 4, 30, 6, tzinfo=UTC)),
        ("2024-04-30 08:00:00+02", datetime(2024, 4, 30, 6, tzinfo=UTC)),
        ("2024-04-30t08:00:00z", datetime(2024, 4, 30, 8, tzinfo=UTC)),
        ("2024-04-30 08:00", datetime(2024, 4, 30, 8, tzinfo=UTC)),
        ("2024-04-30", datetime(2024, 4, 30, tzinfo=UTC)),
        ("2024-04-30T08:00:00.5Z", datetime(2024, 4, 30, 8, 0, 0, 500000, tzinfo=UTC)),
        ("2024-04-30T08:00:00.123456789Z", datetime(2024, 4, 30, 8, 0, 0, 123456, tzinfo=UTC)),
        ("+10000-01-01T00:30:00+01:00", datetime(9999, 12, 31, 23, 30, tzinfo=UTC)),
        ("9999-12-31T23:30:00-05:00", "10000-01-01 04:30:00.000000+00"),
        ("0000-06-01", "0001-06-01 (BC) 00:00:00.000000+00"),
        ("0001-01-01T00:00:00+05", "0001-12-31 (BC) 19:00:00.000000+00"),
        ("-4712-01-01T00:00:00Z", "4713-01-01 (BC) 00:00:00.000000+00"),
        ("-4713-12-31T23:59:59Z", None),
        ("294247-01-09T23:59:59.999999Z", "294247-01-09 23:59:59.999999+00"),
        ("294247-01-10", None),
        ("294248-01-01", None),
        ("2024-02-30", None),
        ("2024-13-01", None),
        ("2024-04-30T24:00:00Z", None),
        ("2024-04-30T23:59:60Z", None),
        ("2024-04-30T08:00:00+25:00", None),
        ("20240430", None),
        ("2024-W01-1", None),
        ("yesterday", None),
        ("", None),
        (" 2024-04-30", None),
        ("2024-04-30T08:00:00.Z", None),
        ("\u0662\u0660\u0662\u0664-04-30", None),
    ],
)
def test_timestamps(text: str, expected: datetime | str | None) -> None:
    assert parse_timestamp(text, last_year=LAST_YEAR) == expected


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    st.integers(-4712, 294246),
    st.integers(1, 12),
    st.integers(1, 28),
    st.integers(0, 86399),
    st.integers(-840, 840),
)
def test_the_engine_reads_every_instant_alike(
    year: int, month: int, day: int, second: int, offset: int
) -> None:
    sign = "-" if year < 0 else "+"
    clock = f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
    zone = f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02d}:{abs(offset) % 60:02d}"
    parsed = parse_timestamp(
        f"{sign}{abs(year):04d}-{month:02d}-{day:02d}T{clock}{zone}", last_year=LAST_YEAR
    )
    if parsed is None:
        assert year == -4712  # the offset carried it over the edge
        return
    text = parsed if isinstance(parsed, str) else parsed.isoformat()
    era, shown = (" (BC)", 1 - year) if year <= 0 else ("", year)
    with duckdb.connect() as connection:
        rows = connection.execute(
            "SELECT CAST(? AS TIMESTAMPTZ) = CAST(? AS TIMESTAMPTZ)",
            [text, f"{shown:04d}-{month:02d}-{day:02d}{era} {clock}{zone}"],
        ).fetchall()
    assert rows == [(True,)]
