"""The stored bodies of what waits, read for a load."""

from __future__ import annotations

import logging
from typing import Any

from django.utils import timezone

from integrations.loading.batches import TableBatch
from integrations.loading.decoding import MalformedJSON
from integrations.loading.reading import plain_table_batch, read_table_batches
from integrations.models import Batch, BatchTable, Integration, QueuedTable
from integrations.queue import claiming, telling
from integrations.queue.accepting import location_of
from integrations.queue.indexing import name_digest
from integrations.queue.room import queue_folder
from integrations.queue.segments import BodyMissing, read_body

logger = logging.getLogger("integrations.queue")
Parts = dict[int, list[TableBatch]]  # what each share holds for its table, by the share's number


def readable_parts(integration: Integration, table: QueuedTable, shares: list[BatchTable]) -> Parts:
    """Read the shares' bodies; one that cannot be read is set aside with its reason, and kept."""
    parts: Parts = {}
    for share in shares:
        try:
            parts[share.pk] = table_batches(share)
        except (BodyMissing, MalformedJSON, OSError) as error:
            logger.error("share.unreadable", extra={"share": share.pk, "reason": str(error)})
            reason, now = f"The stored data cannot be read: {error}", timezone.now()
            claiming.set_aside(share, reason, now=now)
            telling.tell_unreadable(integration=integration, table=table, reason=reason, now=now)
    return parts


def table_batches(share: BatchTable) -> list[TableBatch]:
    """Return what an accepted request holds for the share's table."""
    batch = share.batch
    body = body_of(batch)
    facts: dict[str, Any] = {"batch_id": batch_id(batch), "received_at": batch.received_at}
    if batch.plain:
        plain = plain_table_batch(body=body, records=share.records, **facts)
        if plain is not None:
            return [plain]
    held = read_table_batches(kind=batch.kind, body=body, **facts)
    return [part for part in held if name_digest(part.table_name) == share.queued_table.name_digest]


def body_of(batch: Batch) -> bytes:
    """Return a batch's stored body; if it was moved since the claim, from its new place."""
    try:
        return read_body(queue_folder(), location_of(batch))
    except BodyMissing:
        batch.refresh_from_db(fields=["segment", "offset"])
        return read_body(queue_folder(), location_of(batch))


def batch_id(batch: Batch) -> str:
    """Name a batch as its sender and the destination's ledger know it."""
    return str(batch.receipt)
