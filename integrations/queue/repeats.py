"""A request that is sent again under the key its sender gave it, and still makes one batch (promise I3)."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError

from accounts.errors import DomainError
from integrations.models import AccessToken, Batch, IdempotencyKey
from integrations.queue.accepting import QueueUnavailable, accept_batch

KEPT_FOR = timedelta(hours=24)


class KeyReused(DomainError):
    """The key came with another request before."""

    code, status = "idempotency_key_reused", 409
    message = "This Idempotency-Key was sent with another request in the last 24 hours."


class AcceptedMeanwhile(Exception):
    """Another copy of the request was stored first, and this one was not."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The batch that came of a request, or of an earlier copy of it."""

    receipt: uuid.UUID
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """A request as its sender's key identifies it."""

    integration_id: int
    key_digest: str
    request_digest: str
    at: datetime


def accept_once(
    *,
    key: str,
    token: AccessToken,
    kind: str,
    body: bytes,
    tables: list[tuple[str, int]],
    received_at: datetime,
    plain: bool = False,
) -> Accepted:
    """Accept a request unless it was accepted under `key` within 24 hours.

    Raises KeyReused when another request was, and what `accept_batch` raises.
    """
    keyed = KeyedRequest(
        token.integration_id,
        hashlib.sha256(key.encode()).hexdigest(),
        hashlib.sha256(kind.encode() + b"\0" + body).hexdigest(),
        received_at,
    )
    receipt = earlier_receipt(keyed)
    if receipt is not None:
        return Accepted(receipt, repeated=True)
    try:
        batch = accept_batch(
            token=token,
            kind=kind,
            body=body,
            tables=tables,
            received_at=received_at,
            plain=plain,
            beside=lambda batch: remember(keyed, batch),
        )
    except AcceptedMeanwhile as error:
        receipt = earlier_receipt(keyed)
        if receipt is None:
            raise QueueUnavailable from error
        return Accepted(receipt, repeated=True)
    return Accepted(batch.receipt)


def earlier_receipt(keyed: KeyedRequest) -> uuid.UUID | None:
    """Return the receipt of the same request under the same key; raise KeyReused for another request."""
    earlier = IdempotencyKey.objects.filter(
        integration_id=keyed.integration_id,
        key_digest=keyed.key_digest,
        created_at__gt=keyed.at - KEPT_FOR,
    ).first()
    if earlier is None:
        return None
    if earlier.request_digest != keyed.request_digest:
        raise KeyReused
    receipt: uuid.UUID = earlier.receipt
    return receipt


def remember(keyed: KeyedRequest, batch: Batch) -> None:
    """Write the key down, in the transaction that stores the batch. Raises AcceptedMeanwhile."""
    IdempotencyKey.objects.filter(
        integration_id=keyed.integration_id,
        key_digest=keyed.key_digest,
        created_at__lte=keyed.at - KEPT_FOR,
    ).delete()
    try:
        IdempotencyKey.objects.create(
            integration_id=keyed.integration_id,
            key_digest=keyed.key_digest,
            request_digest=keyed.request_digest,
            receipt=batch.receipt,
            created_at=keyed.at,
        )
    except IntegrityError as error:
        raise AcceptedMeanwhile from error


def forget_old_keys(*, now: datetime) -> None:
    """Delete the keys whose day is over."""
    IdempotencyKey.objects.filter(created_at__lte=now - KEPT_FOR).delete()
