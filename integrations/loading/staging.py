"""How rows reach the engine: JSON text in a parameter, read by the engine's own parser.

Measured on 50,000 rows of 14 columns: 220 ms, where binding lists costs 350 ms and executemany minutes. It
leaves no file behind when the process is killed, and no text of a sender's becomes part of a statement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from integrations.loading.capabilities import Kind
from integrations.loading.shapes import Row

ROWS_PER_PARAMETER = 5_000
WIDE_COLUMNS = 200
VALUES_PER_STATEMENT = 500_000

_encoder = msgspec.json.Encoder(decimal_format="number")

# Timestamps and decimals are staged as text and cast on their way into the table.
STAGED_TYPES = {Kind.BIGINT: "BIGINT", Kind.DOUBLE: "DOUBLE", Kind.BOOLEAN: "BOOLEAN"}


def staged_types(kinds: dict[str, Kind]) -> dict[str, str]:
    """Return the types of staging columns by their codes."""
    return {code: STAGED_TYPES.get(kind, "VARCHAR") for code, kind in kinds.items()}


def stage_rows(
    execute: Callable[[str, list[Any]], Any], *, table: str, types: dict[str, str], rows: list[Row]
) -> None:
    """Make a temporary table of rows; what a row does not have is NULL."""
    columns = ", ".join(f"{code} {type_name}" for code, type_name in types.items())
    execute(f"CREATE OR REPLACE TEMP TABLE {table} ({columns})", [])
    if len(types) > WIDE_COLUMNS:
        _bind_columns(execute, table, types, rows)
        return
    structure = ",".join(f'"{code}":"{type_name}"' for code, type_name in types.items())
    statement = f"INSERT INTO {table} SELECT unnest(from_json(?, '[{{{structure}}}]'), max_depth := 2)"
    for part in _parts(rows, ROWS_PER_PARAMETER):
        execute(statement, [_encoder.encode(part).decode()])


def _bind_columns(
    execute: Callable[[str, list[Any]], Any], table: str, types: dict[str, str], rows: list[Row]
) -> None:
    """Stage wide rows a column at a time: the engine's reading of JSON takes the square of their width."""
    lists = ", ".join(f"unnest(CAST(? AS {type_name}[]))" for type_name in types.values())
    for part in _parts(rows, max(1, VALUES_PER_STATEMENT // len(types))):
        columns = [[_bound(row.get(code)) for row in part] for code in types]
        execute(f"INSERT INTO {table} SELECT {lists}", columns)


def _bound(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)  # what is staged as a Decimal goes to a double column
    return value.isoformat() if isinstance(value, datetime) else value


def _parts(rows: list[Row], size: int) -> Iterator[list[Row]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
