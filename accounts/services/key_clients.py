"""Note which programs use a key: its owner may leave, and somebody has to know what would stop (decision D30).

The last use alone hides every program but the last one. Each process remembers what it has noted, so that a
program costs one write an hour and not one a request.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DatabaseError, IntegrityError, connections, router, transaction

from accounts.models import ApiKey, ApiKeyClient
from accounts.services import last_use
from accounts.services.last_use import without_waiting
from stitchapp import request_facts
from stitchapp.gathering import Gathering

RESOLUTION = timedelta(hours=1)
MAX_KEPT = 20  # programs of one key; the one used longest ago makes room (decision D32)
MAX_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Seen:
    """A program that used a key."""

    key: ApiKey
    client: str
    address: str | None
    at: datetime

    @property
    def which(self) -> tuple[int, str]:
        return self.key.pk, self.client


class Remembered:
    """When this process noted each key and program last; the oldest are forgotten first."""

    def __init__(self) -> None:
        self._noted: OrderedDict[tuple[int, str], datetime] = OrderedDict()
        self._lock = threading.Lock()

    def is_new(self, seen: Seen) -> bool:
        """Tell whether it is time to note it, and take it as noted."""
        with self._lock:
            before = self._noted.get(seen.which)
            if before is not None and timedelta(0) <= seen.at - before < RESOLUTION:
                return False
            self._noted[seen.which] = seen.at
            self._noted.move_to_end(seen.which)
            while len(self._noted) > MAX_REMEMBERED:
                self._noted.popitem(last=False)
            return True

    def forget(self) -> None:
        with self._lock:
            self._noted.clear()


remembered = Remembered()


def note_client(key: ApiKey, *, now: datetime) -> None:
    """Record that the program of this request uses the key; at most once an hour, a second after the request."""
    facts = request_facts.current()
    seen = Seen(key, facts.client, facts.address, now)
    if remembered.is_new(seen):
        gathered.add(seen)


def write(notes: list[Seen]) -> list[Seen]:
    """Write the last note of each key and program; return those that the database did not take now."""
    latest = {seen.which: seen for seen in sorted(notes, key=lambda seen: seen.at)}
    left = []
    for seen in latest.values():
        try:
            write_one(seen)
        except IntegrityError:  # another process made the row first: again; or the key was deleted: no more
            if ApiKey.objects.filter(pk=seen.key.pk).exists():
                left.append(seen)
        except DatabaseError:
            left.append(seen)
    return left


def write_one(seen: Seen) -> None:
    """Add the program to the key's, or move its last use; a new one makes room for itself."""
    connection = connections[router.db_for_write(ApiKeyClient)]
    with without_waiting(connection), transaction.atomic(using=connection.alias):
        rows = ApiKeyClient.objects.filter(api_key=seen.key)
        if rows.filter(client=seen.client).update(last_used_at=seen.at, last_used_address=seen.address):
            return
        ApiKeyClient.objects.create(
            account_id=seen.key.account_id,
            api_key=seen.key,
            client=seen.client,
            first_used_at=seen.at,
            last_used_at=seen.at,
            last_used_address=seen.address,
        )
        too_old = rows.order_by("-last_used_at", "-pk").values_list("pk", flat=True)[MAX_KEPT:]
        rows.filter(pk__in=list(too_old)).delete()


gathered = Gathering("key client", write, in_turn_with=last_use.gathered)
