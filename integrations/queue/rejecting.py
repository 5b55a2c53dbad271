"""Keep the records that loads refuse, whole, in the application (decision D32: no more than it may hold).

A load tells what it refuses just before it is final, and the rows written then are pending: no page shows them.
The transaction that marks the batch's share loaded opens them. Whatever dies in between, a share that is
loaded has exactly the rows of the load that counted.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, Sum

from integrations.loading.fields_at_fault import reason_template
from integrations.loading.outcomes import RefusedRecord, TableLoad
from integrations.loading.resending import format_json, message_json
from integrations.models import BatchTable, RejectedCut, RejectedFormat, RejectedRecord, RejectedState
from integrations.models.rejected_record import LONGEST_FIELD, LONGEST_REASON
from integrations.queue.indexing import shown_name

AT_ONCE = 500
FASTEST = 1  # a level of compression


def note_pending(shares: list[BatchTable], outcome: TableLoad) -> None:
    """Write down what the load of these shares refuses, instead of what an earlier try of it refused."""
    held = set(outcome.already_held)
    fresh = {str(share.batch.receipt): share for share in shares if str(share.batch.receipt) not in held}
    pks = [share.pk for share in fresh.values()]
    earlier = any(RejectedRecord.objects.pending().filter(share_id__in=some).exists() for some in pieces(pks))
    refused = [record for record in outcome.refused if record.batch.batch_id in fresh]
    if not refused and not earlier:
        return
    kept = refused[-settings.REJECTED_KEPT :]
    with transaction.atomic(using=settings.QUEUE_DATABASE):
        for some in pieces(pks):
            RejectedRecord.objects.pending().filter(share_id__in=some).delete()
        formats: dict[bytes, RejectedFormat] = {}
        RejectedRecord.objects.bulk_create(
            (row(record, fresh[record.batch.batch_id], formats, at=outcome.batched_at) for record in kept),
            batch_size=AT_ONCE,
        )
        if refused:
            let_go(shares[0].integration_id, already=len(refused) - len(kept), now=outcome.batched_at)


def open_pending(share_pks: list[int]) -> None:
    """Show what was refused of shares that are loaded now; called in the transaction that marks them."""
    for some in pieces(share_pks):
        RejectedRecord.objects.pending().filter(share_id__in=some).update(state=RejectedState.OPEN)


def row(
    record: RefusedRecord, share: BatchTable, formats: dict[bytes, RejectedFormat], *, at: datetime
) -> RejectedRecord:
    """Return the row for a refused record."""
    message = message_json(record)
    reason = shown_text(record.reason, LONGEST_REASON)
    reason_group = shown_text(reason_template(record.reason), LONGEST_REASON)
    field = shown_text(".".join(record.path), LONGEST_FIELD)
    return RejectedRecord(
        account_id=share.account_id,
        integration_id=share.integration_id,
        share_id=share.pk,
        receipt=share.batch.receipt,
        index=record.message.index,
        format=format_of(record, share.integration_id, formats),
        table_name=shown_name(record.batch.table_name),
        sequence=record.message.sequence,
        reason=reason,
        reason_group=reason_group,
        field=field,
        path=storable_path(record.path),
        group=group_of(record.batch.table_name, reason_group, field),
        received_at=share.batch.received_at,
        rejected_at=at,
        size=len(message),
        message=zlib.compress(message, FASTEST),
    )


def format_of(
    record: RefusedRecord, integration_id: int, formats: dict[bytes, RejectedFormat]
) -> RejectedFormat:
    """Return the row that the record shares with others of its sender."""
    content = format_json(record)
    known = formats.get(content)
    if known is None:
        known, _ = RejectedFormat.objects.get_or_create(
            integration_id=integration_id,
            digest=hashlib.sha256(content).hexdigest(),
            defaults={"content": zlib.compress(content)},
        )
        formats[content] = known
    return known


def group_of(table_name: str, reason_group: str, field: str) -> str:
    """Name what records that were refused for the same thing have in common."""
    parts = "\0".join((table_name, reason_group, field))
    return hashlib.sha256(parts.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def shown_text(text: str, longest: int) -> str:
    """Return a text as a database column can hold it."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")[:longest]


def storable_path(path: tuple[str, ...]) -> list[str]:
    """Return the steps to a field; none when a database could not hold them as they are."""
    return list(path) if all(shown_text(step, LONGEST_FIELD) == step for step in path) else []


def let_go(integration_id: int, *, already: int, now: datetime) -> None:
    """Delete an integration's oldest records beyond what it may keep, and count them."""
    records = RejectedRecord.objects.filter(integration_id=integration_id).order_by("-pk")
    let_go = already
    held = records.order_by().aggregate(records=Count("pk"), size=Sum("size"))
    if held["records"] > settings.REJECTED_KEPT or (held["size"] or 0) > settings.REJECTED_KEPT_BYTES:
        doomed = beyond(records.values_list("pk", "size").iterator())
        let_go += len(doomed)
        for some in pieces(doomed):
            RejectedRecord.objects.filter(pk__in=some).delete()
    if let_go:
        cut, _ = RejectedCut.objects.get_or_create(integration_id=integration_id, defaults={"cut_at": now})
        RejectedCut.objects.filter(pk=cut.pk).update(records=F("records") + let_go, cut_at=now)


def beyond(newest_first: Iterable[tuple[int, int]]) -> list[int]:
    """Return the records that do not fit any more; the newest always does."""
    doomed: list[int] = []
    size = 0
    for number, (pk, its_size) in enumerate(newest_first):
        size += its_size
        if number and (doomed or number >= settings.REJECTED_KEPT or size > settings.REJECTED_KEPT_BYTES):
            doomed.append(pk)
    return doomed


def pieces(pks: list[int]) -> Iterable[list[int]]:
    """Cut a list into pieces that a statement can carry."""
    return (pks[start : start + AT_ONCE] for start in range(0, len(pks), AT_ONCE))
