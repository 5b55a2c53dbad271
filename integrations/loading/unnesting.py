"""From the arrays of root rows to rows of sub tables, at any depth (loading.md 4.2)."""

from __future__ import annotations

from typing import Any

from integrations.loading.collecting import ORDINAL, Collected
from integrations.loading.rejected import Rejected
from integrations.loading.shapes import Field, Found, Row, TableShape
from integrations.loading.values import Refused


class Unnester:
    """Gathers the rows of every sub table. Called once the root's winners are known, and for them alone."""

    def __init__(self, rejected: Rejected) -> None:
        self.rejected = rejected
        self.rows: dict[TableShape, list[Row]] = {}
        self.places: dict[TableShape, set[tuple[int, ...]]] = {}

    def unnest(self, collected: Collected) -> dict[TableShape, list[Row]]:
        """Return the sub rows of all root rows."""
        for ordinal, arrays in collected.arrays.items():
            for field, elements in arrays:
                self._array(field, elements, ordinal, ())
        return self.rows

    def _array(self, field: Field, elements: list[Any], ordinal: int, levels: tuple[int, ...]) -> None:
        if not elements:
            return
        shape = field.elements()
        if shape.refusal is not None:
            for element in elements:
                self.rejected.add(element, shape.refusal, shape.table.name)
            return
        rows = self.rows.setdefault(shape.table, [])
        for position, element in enumerate(elements):
            here = (*levels, position)
            row: Row = {ORDINAL: ordinal}
            for level, index in enumerate(here):
                row[level_code(level)] = index
            found = Found()
            try:
                shape.read(element, row, found)
            except Refused as refusal:
                self.rejected.add(element, refusal.reason, shape.table.name)
                continue
            for reason in found.left_out:
                self.rejected.add(element, reason, shape.table.name, counts=False)
            if self._taken(shape.table, (ordinal, *here)):
                self.rejected.add(element, f"Table name collision on {shape.table.name}", shape.table.name)
                continue
            rows.append(row)
            for inner, inner_elements in found.arrays:
                self._array(inner, inner_elements, ordinal, here)

    def _taken(self, table: TableShape, place: tuple[int, ...]) -> bool:
        """Tell whether another array of the record, under another name, has become the same sub row."""
        if len(table.sources) == 1:
            return False
        places = self.places.get(table)
        if places is None:
            codes = (ORDINAL, *map(level_code, range(table.depth)))
            places = self.places[table] = {tuple(row[code] for code in codes) for row in self.rows[table]}
        if place in places:
            return True
        places.add(place)
        return False


def level_code(level: int) -> str:
    """Return the code of a level id in a staged row."""
    return f"l{level}"
