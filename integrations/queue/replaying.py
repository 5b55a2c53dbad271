"""Send rejected records again, mended or as they are: as new batches of their integration, each record once.

A record leaves the open ones in the transaction that stores the batch it goes with. Of two replays of one record,
at the same moment or after a crash, one finds it open; the other goes on without it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.audit import Event, record
from accounts.errors import DomainError
from accounts.models import User
from integrations.importapi.batches import parse_batch
from integrations.importapi.refusals import Refusal
from integrations.importapi.setting_aside import fault_of
from integrations.loading.limits import MAX_RECORDS
from integrations.loading.reading import BATCH
from integrations.loading.rejected import record_json
from integrations.loading.remedies import CannotApply, Remedy, key_refusal, mend_record, mend_schema
from integrations.models import Batch, Integration, RejectedFormat, RejectedRecord, RejectedState
from integrations.queue.accepting import Replay, accept_batch
from integrations.services.locking import lock_integration
from integrations.services.rejected_records import content_of, message_of, tell_rejected

MAX_TRIES = 20
CHANGED_AT_ONCE = 500
UNFIT_TOLD = 20


class IntegrationPaused(DomainError):
    """Data is refused while the integration is paused, replayed data too."""

    code, status = "integration_paused", 409
    message = "This integration is paused: it takes no data. Resume it, then replay the records."


class TakenMeanwhile(Exception):
    """Another replay, or somebody's dismissal, took records of this one; nothing was stored."""


@dataclass(slots=True)
class Replayed:
    """What a replay did: the batches it made, the records it could not send and why, and those it left."""

    receipts: list[uuid.UUID] = field(default_factory=list)
    records: int = 0
    unfit: dict[int, str] = field(default_factory=dict)
    left: int = 0  # beyond what one replay takes


@dataclass(frozen=True, slots=True)
class Mended:
    """Records of one format as they would be sent again, each message by its record's number."""

    table_name: str
    key_names: list[str]
    schema: dict[str, Any]
    messages: dict[int, dict[str, Any]]

    def body(self) -> bytes:
        """Return the body of their batch."""
        return record_json(
            {
                "table_name": self.table_name,
                "schema": self.schema,
                "key_names": self.key_names,
                "messages": list(self.messages.values()),
            }
        )


def replay_rejected(
    *, integration: Integration, actor: User, chosen: QuerySet[RejectedRecord], remedy: Remedy
) -> Replayed:
    """Send the chosen records that are open again; those that do not fit stay open, with the reason told.

    One replay takes as many as a request may bring. Raises IntegrationPaused, IntegrationDeleted, QueueFull or
    QueueUnavailable; batches that were made before stay made.
    """
    replayed = Replayed()
    is_open = chosen.filter(state=RejectedState.OPEN)
    pks = list(is_open.order_by("format_id", "pk").values_list("pk", "size")[: MAX_RECORDS + 1])
    taken = within_a_request(pks)
    for _ in range(MAX_TRIES):
        remaining = [pk for pk in taken if pk not in replayed.unfit]
        try:
            for mended in mended_batches(remaining, remedy, replayed.unfit):
                send(integration, actor, mended, remedy, replayed)
            break
        except TakenMeanwhile:
            continue
    replayed.left = is_open.exclude(pk__in=list(replayed.unfit)).count() if len(pks) > len(taken) else 0
    return replayed


def within_a_request(sizes: list[tuple[int, int]]) -> list[int]:
    """Return the first records, as many as one request may bring; at least one."""
    taken: list[int] = []
    total = 0
    for pk, size in sizes[:MAX_RECORDS]:
        total += size
        if taken and total > settings.MAX_BODY_BYTES:
            break
        taken.append(pk)
    return taken


def mended_batches(pks: list[int], remedy: Remedy, unfit: dict[int, str]) -> Iterator[Mended]:
    """Return what is to be sent of the records that are still open, one batch per format.

    What cannot be mended, or would not be taken from a sender either, goes to `unfit` with the reason.
    """
    records = [
        rejected
        for start in range(0, len(pks), CHANGED_AT_ONCE)
        for rejected in RejectedRecord.objects.open()
        .filter(pk__in=pks[start : start + CHANGED_AT_ONCE])
        .select_related("format")
    ]
    records.sort(key=lambda rejected: (rejected.format_id, rejected.pk))
    for _, alike in groupby(records, key=lambda rejected: rejected.format_id):
        some = list(alike)
        mended = mend(some[0].format, some, remedy, unfit)
        if mended.messages:
            yield mended


def mend(
    shared: RejectedFormat, records: list[RejectedRecord], remedy: Remedy, unfit: dict[int, str]
) -> Mended:
    """Apply a remedy to records of one format, and check them as the Import API would."""
    content = content_of(shared)
    key_names, sent_schema = content["key_names"], content["schema"]
    schema = sent_schema if sent_schema is not None else content["types"]
    refusal = key_refusal(remedy, key_names, schema)
    if refusal:
        unfit |= {rejected.pk: refusal for rejected in records}
        return Mended(content["table_name"], key_names, schema, {})
    messages: dict[int, dict[str, Any]] = {}
    for rejected in records:
        message = message_of(rejected)
        try:
            messages[rejected.pk] = message | {"data": mend_record(remedy, message["data"] or {})}
        except CannotApply as error:
            unfit[rejected.pk] = str(error)
    mended = Mended(content["table_name"], key_names, mend_schema(remedy, schema), messages)
    if messages and sent_schema is not None and describes_keys(sent_schema, key_names):
        check(mended, unfit)
    return mended


def describes_keys(schema: dict[str, Any], key_names: list[str]) -> bool:
    """Tell a schema that the Import API took from the few types that a replay of a push gave its records."""
    properties = schema.get("properties")
    return isinstance(properties, dict) and all(name in properties for name in key_names)


def check(mended: Mended, unfit: dict[int, str]) -> None:
    """Take out the records that the Import API would refuse under their mended schema (import-api.md 2.6)."""
    pks = list(mended.messages)
    bare = {pk: without_version(message) for pk, message in mended.messages.items()}
    body = Mended(mended.table_name, mended.key_names, mended.schema, bare).body()
    try:
        faults = {
            pks[index]: fault_of(alone)
            for index, alone in parse_batch(body, sets_aside=True).set_aside.items()
        }
    except Refusal as refusal:  # what is wrong is wrong for all of them
        faults = dict.fromkeys(pks, fault_of(refusal))
    for pk, fault in faults.items():
        unfit[pk] = fault.reason
        del mended.messages[pk]


def without_version(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message as a sender may write it: the version of its table stands beside the messages there."""
    return {name: value for name, value in message.items() if name != "table_version"}


def send(integration: Integration, actor: User, mended: Mended, remedy: Remedy, replayed: Replayed) -> None:
    """Accept one batch of mended records; they are open no more when it is stored, or nothing changed."""
    now = timezone.now()
    pks = list(mended.messages)

    def take(batch: Batch) -> None:
        close(pks, batch, actor, now)
        note(integration, actor, batch, mended, remedy)

    batch = accept_batch(
        token=Replay(integration.account_id, integration.pk),
        kind=BATCH,
        body=mended.body(),
        tables=[(mended.table_name, len(pks))],
        received_at=now,
        beside=take,
    )
    replayed.receipts.append(batch.receipt)
    replayed.records += len(pks)


def close(pks: list[int], batch: Batch, actor: User, now: datetime) -> None:
    """Take records from the open ones; raise TakenMeanwhile unless all of them were."""
    closed = 0
    for start in range(0, len(pks), CHANGED_AT_ONCE):
        some = RejectedRecord.objects.open().filter(pk__in=pks[start : start + CHANGED_AT_ONCE])
        closed += some.update(
            state=RejectedState.REPLAYED,
            replay_receipt=batch.receipt,
            closed_at=now,
            closed_by_id=actor.pk,
        )
    if closed != len(pks):
        raise TakenMeanwhile


@transaction.atomic
def note(integration: Integration, actor: User, batch: Batch, mended: Mended, remedy: Remedy) -> None:
    """Write the audit event, unless the integration takes no data now."""
    current = lock_integration(integration)
    if not current.accepts_data:
        raise IntegrationPaused
    record(
        Event.REJECTED_REPLAYED,
        account=current.account,
        actor=actor,
        target=current,
        target_name=current.display_name,
        table=mended.table_name[:255],
        records=len(mended.messages),
        remedy=remedy.sentence()[:500],
        receipt=str(batch.receipt),
    )
    tell_rejected(integration=current, now=timezone.now())
