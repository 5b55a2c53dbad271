"""What a sender reads about a batch, and how long it may wait for the news (RFC 7240, `Prefer: wait`)."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime

from django.conf import settings

from integrations.models import Batch
from integrations.services.receipts import Receipt, is_loaded

LONGEST_WAIT = 30.0
LOOK_AGAIN_SECONDS = 0.25
WAIT = re.compile(r"\s*wait\s*=\s*\"?(\d{1,9})\"?\s*(?:;.*)?", re.IGNORECASE)


class Waiters:
    """How many requests of a process wait at a time: each holds one of the threads that take data."""

    def __init__(self, most: int) -> None:
        self._free = threading.BoundedSemaphore(most) if most else None

    @contextmanager
    def admitted(self) -> Iterator[bool]:
        """Tell whether one more may wait; the place is free again at the end of the block."""
        free = self._free
        if free is None or not free.acquire(blocking=False):
            yield False
            return
        try:
            yield True
        finally:
            free.release()


waiters = Waiters(settings.WEB_THREADS // 4)


def wanted_wait(prefer: str) -> float:
    """Return for how many seconds a Prefer header asks to wait, 30 at most; 0 when it does not."""
    for preference in prefer.split(","):
        found = WAIT.fullmatch(preference)
        if found:
            return min(float(found[1]), LONGEST_WAIT)
    return 0.0


def wait_until_loaded(batch: Batch, *, seconds: float) -> bool:
    """Wait until the batch is loaded, or the time is over; return False, at once, when too many wait already."""
    with waiters.admitted() as admitted:
        give_up = time.monotonic() + seconds
        while admitted and not is_loaded(batch=batch):
            left = give_up - time.monotonic()
            if left <= 0:
                break
            time.sleep(min(LOOK_AGAIN_SECONDS, left))
        return admitted


def as_json(receipt: Receipt) -> dict[str, object]:
    """Return the receipt as the API tells it."""
    batch = receipt.batch
    return {
        "id": str(batch.receipt),
        "state": receipt.state.value,
        "received_at": moment(batch.received_at),
        "loading_since": moment(receipt.loading_since),
        "loaded_at": moment(receipt.loaded_at),
        "records": batch.records,
        "bytes": batch.size,
        "request_id": batch.request_id,
        "tables": [
            {
                key: moment(value) if isinstance(value, datetime) else value
                for key, value in (asdict(table) | {"error": table.error or None}).items()
            }
            for table in receipt.tables
        ],
    }


def moment(at: datetime | None) -> str | None:
    """Return a time as RFC 3339 in UTC."""
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")
