"""How rows reach the engine: JSON text in a parameter, read by the engine's own parser.

Measured on 50,000 rows of 14 columns: 220 ms, where binding lists costs 350 ms and executemany minutes. It
leaves no file behind when the process is killed, and no text of a sender's becomes part of a statement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from integrations.loading.capabilities import Kind
from integrations.loading.shapes import Row, Slot

ROWS_PER_PARAMETER = 5_000

_encoder = msgspec.json.Encoder(decimal_format="number")

# Timestamps and decimals are staged as text and cast on their way into the table.
STAGED_TYPES = {Kind.BIGINT: "BIGINT", Kind.DOUBLE: "DOUBLE", Kind.BOOLEAN: "BOOLEAN"}


def staged_types(slots: Iterable[Slot]) -> dict[str, str]:
    """Return the staging columns of slots by their codes."""
    return {slot.code: STAGED_TYPES.get(slot.kind, "VARCHAR") for slot in slots}


def stage_rows(
    execute: Callable[[str, list[Any]], Any], *, table: str, types: dict[str, str], rows: list[Row]
) -> None:
    """Make a temporary table of rows; what a row does not have is NULL."""
    columns = ", ".join(f"{code} {type_name}" for code, type_name in types.items())
    structure = ",".join(f'"{code}":"{type_name}"' for code, type_name in types.items())
    execute(f"CREATE OR REPLACE TEMP TABLE {table} ({columns})", [])
    statement = f"INSERT INTO {table} SELECT unnest(from_json(?, '[{{{structure}}}]'), max_depth := 2)"
    for part in _parts(rows):
        execute(statement, [_encoder.encode(part).decode()])


def _parts(rows: list[Row]) -> Iterator[list[Row]]:
    for start in range(0, len(rows), ROWS_PER_PARAMETER):
        yield rows[start : start + ROWS_PER_PARAMETER]
