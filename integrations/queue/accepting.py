"""Take a validated request into the queue: durable once `accept_batch` returns (promise I1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from django.conf import settings
from django.db import IntegrityError, OperationalError

from accounts.errors import DomainError
from integrations.models import AccessToken, Batch
from integrations.queue.indexing import index
from integrations.queue.room import Shortage, queue_folder, room
from integrations.queue.segments import Location, NoSpace, SegmentWriter
from stitchapp import request_facts

SEGMENT_BYTES = 64 * 1024**2
SEGMENTS_IN_CAP = 16  # one segment never takes more than this part of the cap
SPARED_PART = 5  # of the caps, for programs that push: an extraction can wait, they cannot


class QueueUnavailable(DomainError):
    """Nothing was stored; the same request will be welcome after `retry_after` seconds (decision D28)."""

    code, status = "queue_unavailable", 503
    message = "Service Unavailable"
    retry_after = 5
    limit: int | None = None
    actual: int | None = None


class QueueFull(QueueUnavailable):
    """The queue is at a cap, or the disk nearly full: which, and by how much."""

    retry_after = 10

    def __init__(self, shortage: Shortage | None = None) -> None:
        super().__init__()
        self.code = shortage.code if shortage is not None else "queue_full"
        self.limit = shortage.limit if shortage is not None else None
        self.actual = shortage.actual if shortage is not None else None


@dataclass(frozen=True, slots=True)
class Replay:
    """Stands for a token where a member sends an integration's rejected records again."""

    account_id: int
    integration_id: int
    pk: int = 0  # of no token


def accept_batch(
    *,
    token: AccessToken | Replay,
    kind: str,
    body: bytes,
    tables: list[tuple[str, int]],
    received_at: datetime,
    plain: bool = False,
    job_id: int | None = None,
    beside: Callable[[Batch], None] | None = None,
) -> Batch:
    """Store a request's body and its index rows; both are on disk when this returns.

    `tables` names each table once, with the number of its records (activations of a table version are not
    records). `plain` says that `read_plain` took the body, `job_id` which extraction brought it. `beside` writes
    what belongs to the batch in the same transaction; when it raises, nothing was stored. Raises QueueFull or
    QueueUnavailable, and then nothing was stored either.
    """
    require_room(len(body), sum(records for _, records in tables))
    try:
        with segment_writer().storing(body) as location:
            batch = Batch(
                account_id=token.account_id,
                integration_id=token.integration_id,
                token_id=token.pk,
                job_id=job_id,
                kind=kind,
                request_id=request_facts.current().request_id,
                received_at=received_at,
                records=sum(records for _, records in tables),
                size=location.size,
                segment=location.segment,
                offset=location.offset,
                checksum=location.checksum,
                plain=plain,
            )
            index(batch, tables, beside=beside)
            return batch
    except NoSpace as error:
        raise QueueFull from error
    except (OperationalError, IntegrityError) as error:
        # Another writer held the index for as long as we were ready to wait; or a table's entry was forgotten
        # (`purge_queued_tables`) in the moment it was used again.
        raise QueueUnavailable from error


def location_of(batch: Batch) -> Location:
    """Return where a batch's body lies."""
    return Location(batch.segment, batch.offset, batch.size, batch.checksum)


@cache
def segment_writer() -> SegmentWriter:
    """Return this process's writer."""
    return SegmentWriter(
        queue_folder(), rotate_at=min(SEGMENT_BYTES, settings.QUEUE_MAX_BYTES // SEGMENTS_IN_CAP)
    )


def require_room(size: int, records: int) -> None:
    """Refuse what would take the queue past its caps, or the disk below its reserve (promise I8)."""
    shortage = room.take(size, records)
    if shortage is not None:
        segment_writer().seal()  # what is loaded of it may then be removed
        raise QueueFull(shortage)


def queue_is_full() -> bool:
    """Tell whether a large request would be refused: `/readyz` and the status page ask (promise O4)."""
    size = min(settings.MAX_BODY_BYTES, settings.QUEUE_MAX_BYTES // SEGMENTS_IN_CAP)
    return room.shortage(size, 1) is not None


def queue_has_spare_room(size: int, records: int) -> bool:
    """Tell whether an extraction may hand over a batch now: the last part of the queue is for what is pushed."""
    return room.has_spare(size, records, part=SPARED_PART)
