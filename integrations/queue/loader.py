"""One load: a claimed table's bodies, read and merged into its destination, then recorded (loading.md 13)."""

from __future__ import annotations

import logging
from datetime import datetime
from functools import partial
from typing import Any

from django.db import DatabaseError
from django.db.models import QuerySet
from django.utils import timezone

from integrations.loading.batches import TableBatch
from integrations.loading.decoding import MalformedJSON
from integrations.loading.errors import LoadError, NoDestination
from integrations.loading.outcomes import BeforeCommit, TableLoad
from integrations.loading.reading import plain_table_batch, read_table_batches
from integrations.models import Batch, BatchTable, ErrorScope, Integration, Load, QueuedTable
from integrations.queue import claiming, recording, telling
from integrations.queue.accepting import location_of
from integrations.queue.indexing import name_digest
from integrations.queue.rejecting import note_pending
from integrations.queue.room import queue_folder
from integrations.queue.segments import BodyMissing, read_body
from integrations.queue.targets import Target
from integrations.services.destinations import integrations_into
from integrations.services.engines import engine_of

logger = logging.getLogger("integrations.queue")
QUIET_TRANSIENT_TRIES = 3  # a busy warehouse is no news until it stays busy
Parts = dict[int, list[TableBatch]]  # what each share holds for its table, by the share's number


def load_next() -> bool:
    """Load one table's waiting batches; return False when nothing is due."""
    claim = claiming.claim_next(now=timezone.now())
    if claim is None:
        return False
    carry_out(claim)
    return True


def carry_out(claim: claiming.Claim) -> None:
    """Load what a claim holds; whatever goes wrong, keep it and try again later."""
    started_at = timezone.now()
    with claiming.kept_alive(claim):
        try:
            load_claim(claim)
        except claiming.LeaseLost:
            logger.warning("load.lease_lost", extra=facts(claim))
        except LoadError as error:
            put_off(claim, error, started_at=started_at)
        except DatabaseError as error:
            logger.warning("load.database_error", extra=facts(claim) | {"reason": str(error)})
            put_off(
                claim,
                LoadError("The application's database did not answer.", transient=True, fault="own"),
                started_at=started_at,
            )
        except Exception as error:  # one table's surprise must not stop the others (promise I11)
            logger.exception("load.failed_unexpectedly", extra=facts(claim))
            put_off(
                claim,
                LoadError(f"Internal error: {type(error).__name__}", fault="own"),
                started_at=started_at,
            )


def load_claim(claim: claiming.Claim) -> None:
    """Load what the claim holds, record it, and give the table back."""
    target = claim.target
    if target is None:
        raise LoadError("The integration does not exist any more.")
    settled = {pk for load in recording.unsettled_loads(table=claim.table) for pk in mark(claim, load)}
    shares = [share for share in claim.shares if share.pk not in settled]
    parts = readable_parts(target.integration, claim.table, shares)
    shares = [share for share in shares if share.pk in parts]
    if shares:
        load_shares(claim, target, shares, parts)
        if claim.table.error_scope == ErrorScope.DESTINATION and target.destination is not None:
            into = integrations_into(destination=target.destination)
            claiming.release_destination(pks(into), now=timezone.now())
    claiming.release(claim)


def load_shares(claim: claiming.Claim, target: Target, shares: list[BatchTable], parts: Parts) -> None:
    """Load shares together; if they cannot be, those before the one at fault, and then raise its error."""
    started_at = timezone.now()
    try:
        outcome = load_into(
            target,
            [part for share in shares for part in parts[share.pk]],
            batched_at=started_at,
            before_commit=partial(note_pending, shares),
        )
    except LoadError as error:
        if error.transient or error.scope == "destination" or len(shares) == 1:
            raise
        half = len(shares) // 2
        load_shares(claim, target, shares[:half], parts)
        load_shares(claim, target, shares[half:], parts)
        return
    load = recording.record_load(
        integration=target.integration,
        destination=target.destination,
        table=claim.table,
        counts={share.pk: outcome.batches[batch_id(share.batch)] for share in shares},
        received_at=max(share.batch.received_at for share in shares),
        outcome=outcome,
        started_at=started_at,
        finished_at=timezone.now(),
    )
    mark(claim, load)
    logger.info("load.finished", extra=facts(claim) | {"rows": load.rows, "batches": load.batches})


def mark(claim: claiming.Claim, load: Load) -> set[int]:
    """Let the queue mark the shares that a recorded load has counted; return them."""
    counts = recording.counted_shares(load)
    claiming.mark_loaded(claim, counts, started_at=load.started_at, now=timezone.now())
    recording.settle(load)
    return set(counts)


def load_into(
    target: Target, batches: list[TableBatch], *, batched_at: datetime, before_commit: BeforeCommit
) -> TableLoad:
    """Merge one table's batches into its destination."""
    if target.destination is None:
        raise NoDestination
    return engine_of(target.destination).load(
        schema_name=target.integration.schema_name,
        table_name=batches[0].table_name,
        batches=batches,
        batched_at=batched_at,
        before_commit=before_commit,
    )


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


def put_off(claim: claiming.Claim, error: LoadError, *, started_at: datetime) -> None:
    """Keep everything, say why, and try again later."""
    now = timezone.now()
    logger.warning(
        "load.failed",
        extra=facts(claim)
        | {"reason": error.message, "transient": error.transient, "cause": str(error.__cause__ or "")},
    )
    integration = claim.target.integration if claim.target is not None else None
    destination = claim.target.destination if claim.target is not None else None
    others = pks(integrations_into(destination=destination)) if destination is not None else []
    claiming.postpone(claim, error, now=now, others=others)
    loud = not error.transient or claim.table.attempts >= QUIET_TRANSIENT_TRIES
    if integration is not None and loud and claim.shares:
        recording.record_failure(
            integration=integration,
            destination=destination,
            table=claim.table,
            shares=claim.shares,
            error=error,
            started_at=started_at,
            finished_at=now,
        )


def pks(integrations: QuerySet[Integration]) -> list[int]:
    """Return the integrations' numbers, for the queue's database, which cannot join."""
    return list(integrations.values_list("pk", flat=True))


def facts(claim: claiming.Claim) -> dict[str, object]:
    """Return what a log line says about a claim."""
    return {
        "account": claim.table.account_id,
        "integration": claim.table.integration_id,
        "table": claim.table.table_name,
        "attempts": claim.table.attempts,
    }
