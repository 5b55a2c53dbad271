"""How much the queue may still take: bytes and records that wait, and free disk (promise I8)."""

from __future__ import annotations

import shutil
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db.models import Sum

from integrations.models import BatchTable
from integrations.queue.segments import stored_bytes

LOOK_AGAIN_SECONDS = 0.5
LOOKING_SHARE = 20  # looking never takes more than this part of the time
LEAST_BYTES_OF_A_RECORD = 16  # of any of the encodings; so many records need so many bytes


@dataclass(frozen=True, slots=True)
class Shortage:
    """What is used up; the limit and what it would have become, where there is a cap."""

    code: str
    limit: int | None = None
    actual: int | None = None


def queue_folder() -> Path:
    """Where the segments lie."""
    return Path(settings.DATA_DIR) / "queue"


class Room:
    """How full queue and disk are; looked up at most twice a second, and counted on in between."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.looked_at = float("-inf")
        self.look_took = 0.0
        self.bytes = self.records = self.free = 0

    def shortage(self, size: int, records: int) -> Shortage | None:
        """Return why a batch of so many bytes and records does not fit; None when it does."""
        with self.lock:
            self._look()
            return self._shortage(size, records)

    def take(self, size: int, records: int) -> Shortage | None:
        """Count a batch from now on, if it fits; else return why it does not."""
        with self.lock:
            self._look()
            shortage = self._shortage(size, records)
            if shortage is None:
                self.bytes += size
                self.records += records
                self.free -= size
            return shortage

    def has_spare(self, size: int, records: int, *, part: int) -> bool:
        """Tell whether a batch fits and leaves the given part of the caps to others."""
        with self.lock:
            self._look()
            return (
                self._shortage(size, records) is None
                and self.bytes + size <= settings.QUEUE_MAX_BYTES * (part - 1) // part
                and self.records + records <= settings.QUEUE_MAX_RECORDS * (part - 1) // part
            )

    def _shortage(self, size: int, records: int) -> Shortage | None:
        if self.bytes + size > settings.QUEUE_MAX_BYTES:
            return Shortage("queue_full", settings.QUEUE_MAX_BYTES, self.bytes + size)
        if self.records + records > settings.QUEUE_MAX_RECORDS:
            return Shortage("queue_full_of_records", settings.QUEUE_MAX_RECORDS, self.records + records)
        if self.free - size < settings.QUEUE_MIN_FREE_BYTES:
            return Shortage("queue_full")
        return None

    def _look(self) -> None:
        began = time.monotonic()
        if began - self.looked_at < max(LOOK_AGAIN_SECONDS, self.look_took * LOOKING_SHARE):
            return
        self.bytes = stored_bytes(queue_folder())
        self.free = shutil.disk_usage(settings.DATA_DIR).free
        if self.bytes >= settings.QUEUE_MAX_RECORDS * LEAST_BYTES_OF_A_RECORD:
            waiting = BatchTable.objects.waiting().aggregate(records=Sum("records"))
            self.records = waiting["records"] or 0
        else:  # fewer than the cap, whatever they are: no need to count
            self.records = 0
        self.looked_at = time.monotonic()
        self.look_took = self.looked_at - began


room = Room()
