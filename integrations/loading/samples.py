"""Rows as a load would write them, by column name: what can be shown before they are written."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from integrations.loading import naming
from integrations.loading.capabilities import Kind
from integrations.loading.catalogue import Column
from integrations.loading.collecting import ORDINAL, ORIGIN, SEQUENCE, Collected
from integrations.loading.drafting import SubTable
from integrations.loading.planning import TablePlan
from integrations.loading.shapes import Row
from integrations.loading.unnesting import level_code

MAX_SHOWN_TEXT = 1_000  # characters of a value


def sample_of_root(plan: TablePlan, collected: Collected, *, limit: int) -> list[dict[str, Any]]:
    """Return the first root rows. What only the load itself can know is left out: its time, generated keys."""
    return [
        _loader_values(row, collected) | _values(plan.targets.items(), row) for row in collected.rows[:limit]
    ]


def sample_of_sub_table(sub: SubTable, collected: Collected, *, limit: int) -> list[dict[str, Any]]:
    """Return the first rows of a sub table, with their positions and the keys of their root rows."""
    shown = sub.rows[:limit]
    wanted = {row[ORDINAL] for row in shown}
    roots = {row[ORDINAL]: row for row in collected.rows if row[ORDINAL] in wanted}
    levels = [(naming.level_id(level), level_code(level)) for level in range(sub.shape.depth)]
    rows = []
    for row in shown:
        root = roots[row[ORDINAL]]
        sources = [(code, sub.plan.targets[name]) for name, code in sub.source_keys.items()]
        values = {name: row[code] for name, code in levels}
        values |= _values(sources, root) | _loader_values(root, collected)
        rows.append(values | _values(sub.plan.targets.items(), row))
    return rows


def _loader_values(root: Row, collected: Collected) -> dict[str, Any]:
    version = collected.origins[root[ORIGIN]].version
    return {naming.SEQUENCE: root[SEQUENCE], naming.TABLE_VERSION: version}


def _values(targets: Iterable[tuple[str, Column]], row: Row) -> dict[str, Any]:
    return {
        column.name: shown_value(row[code], column.kind)
        for code, column in targets
        if row.get(code) is not None
    }


def shown_value(value: Any, kind: Kind | None) -> Any:
    """Return a staged value as JSON can tell it; decimals and times as text."""
    if kind is Kind.DOUBLE:
        return float(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, str) and len(value) > MAX_SHOWN_TEXT:
        return f"{value[:MAX_SHOWN_TEXT]}…"
    return value
