"""Table versions: which a record belongs to, and which one remains (loading.md 5.6)."""

from __future__ import annotations

from dataclasses import dataclass

from integrations.loading.batches import ACTIVATE_VERSION, Message, TableBatch


@dataclass(frozen=True, slots=True)
class Versions:
    """The active version before a load and after it. No version, null and 0 are the same: unversioned."""

    before: int
    after: int
    activated: bool  # rows of older versions go away


def follow_versions(batches: list[TableBatch], *, active: int | None) -> Versions:
    """Walk the messages in order; the version of a table's first load is active from the start."""
    before = active
    for batch in batches:
        if before is not None:
            break
        if batch.plain is not None:
            before = batch.table_version or 0
            continue
        for message in batch.messages:
            if message.action != ACTIVATE_VERSION and before is None:
                before = sent_version(message, batch) or 0
    after = before or 0
    for batch in batches:
        for message in batch.messages if batch.plain is None else ():
            if message.action == ACTIVATE_VERSION:
                after = max(after, sent_version(message, batch) or 0)
    return Versions(before or 0, after, activated=after > (before or 0))


def sent_version(message: Message, batch: TableBatch) -> int | None:
    """Return the version a message was sent with; None when it has none."""
    return message.table_version or batch.table_version or None
