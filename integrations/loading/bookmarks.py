"""The least and greatest value of the sender's replication keys among the rows of a load (loading.md 8.2)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from integrations.loading.batches import TableBatch
from integrations.loading.collecting import Collected
from integrations.loading.naming import column_name
from integrations.loading.outcomes import Bookmark


def bookmarks(batches: list[TableBatch], collected: Collected) -> list[Bookmark]:
    """Return a bookmark for each name that was sent and has values of one type."""
    found = []
    for name in dict.fromkeys(name for batch in batches for name in batch.bookmark_names):
        slots = collected.shape.variants(column_name(name, collected.shape.capabilities))
        values = [row[slot.code] for slot in slots for row in collected.rows if slot.code in row]
        if len(slots) == 1 and values and len({value.__class__ for value in values}) == 1:
            found.append(Bookmark(name, bookmark_text(min(values)), bookmark_text(max(values))))
    return found


def bookmark_text(value: Any) -> str:
    """Return a value as the reports show it."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return str(value)
