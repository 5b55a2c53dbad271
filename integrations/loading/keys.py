"""By which key a table is merged, and when senders and destination disagree about it (loading.md 5.5)."""

from __future__ import annotations

from integrations.loading import naming
from integrations.loading.batches import TableBatch
from integrations.loading.capabilities import Capabilities
from integrations.loading.catalogue import Column, ExistingTable
from integrations.loading.errors import LoadError
from integrations.loading.planning import KEY_MISMATCH, KEY_TYPE_MISMATCH
from integrations.loading.shapes import Slot


def incoming_key(
    batches: list[TableBatch], existing: ExistingTable | None, capabilities: Capabilities
) -> tuple[str, ...]:
    """Return the canonical key to merge by, empty for append; stop when the keys do not agree."""
    keys: dict[frozenset[str], tuple[str, ...]] = {}
    for batch in batches:
        if batch.has_records:
            names = tuple(dict.fromkeys(naming.column_name(name, capabilities) for name in batch.key_names))
            keys.setdefault(frozenset(capabilities.fold(name) for name in names), names)
    if existing is not None and not existing.key:
        return ()
    if len(keys) > 1:
        raise LoadError(KEY_MISMATCH)
    if not keys:
        return existing.key if existing is not None else ()
    folded, names = next(iter(keys.items()))
    if existing is not None and {capabilities.fold(name) for name in existing.key} != folded:
        raise LoadError(KEY_MISMATCH)
    return names


def stored_key(
    slots: list[Slot], existing: ExistingTable, capabilities: Capabilities
) -> list[tuple[str, Column]]:
    """Return the key's slots by code, each with the column it is compared with.

    Raises LoadError when one has another type than its column.
    """
    pairs = [(slot, existing.columns[capabilities.fold(slot.name)]) for slot in slots]
    if any(column.kind is not slot.kind for slot, column in pairs):
        raise LoadError(KEY_TYPE_MISMATCH)
    return [(slot.code, column) for slot, column in pairs]


def sorted_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return names in byte order, as keys are made."""
    return tuple(sorted(names, key=str.encode))
