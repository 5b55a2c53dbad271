"""Rows into a PostgreSQL table by COPY, each value in the type of its column."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import psycopg

from integrations.loading.capabilities import Kind
from integrations.loading.shapes import Row

BEFORE_CHRIST = " (BC) "  # as distant timestamps are written in a staged row


class Copying:
    """Copies rows, by the codes of their values, into a table that has one column for each code."""

    def __init__(self, connection: psycopg.Connection[Any], table: str, kinds: dict[str, Kind]) -> None:
        self.connection = connection
        self.codes = list(kinds)
        self.statement = f"COPY {table} ({', '.join(self.codes)}) FROM STDIN"
        self.changes: list[tuple[int, Callable[[Any], Any]]] = [
            (place, CHANGES[kind]) for place, kind in enumerate(kinds.values()) if kind in CHANGES
        ]

    def copy(self, rows: list[Row]) -> None:
        """Write the rows. Raises psycopg.DataError, or ProgramLimitExceeded, for one that no table can hold."""
        codes, changes = self.codes, self.changes
        with self.connection.cursor() as cursor, cursor.copy(self.statement.encode()) as copy:
            for row in rows:
                values = [row.get(code) for code in codes]
                for place, change in changes:
                    value = values[place]
                    if value is not None:
                        values[place] = change(value)
                copy.write_row(values)


def timestamp(value: datetime | str) -> datetime | str:
    """Return an instant as PostgreSQL reads it: its mark of the era stands last."""
    if isinstance(value, str) and BEFORE_CHRIST in value:
        return value.replace(BEFORE_CHRIST, " ") + " BC"
    return value


# A double is sent as such: PostgreSQL refuses the digits of one that is too small, where it should be zero.
CHANGES: dict[Kind, Callable[[Any], Any]] = {Kind.DOUBLE: float, Kind.TIMESTAMP: timestamp}
