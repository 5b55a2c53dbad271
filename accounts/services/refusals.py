"""Count the refused requests of a known key or token, by minute and reason (decision D29)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from django.db import DatabaseError, IntegrityError, connections, router, transaction
from django.db.models import F

from accounts.services.last_use import without_waiting
from stitchapp import request_facts
from stitchapp.gathering import Gathering

SHOWN_FOR = timedelta(days=7)  # what pages count of them
MAX_KEPT = 100  # minutes kept for each key or token; older ones make room (decision D32)


@dataclass(frozen=True, slots=True)
class Refused:
    """One refused request of a key or token, an object with `refusals`: rows of minute, reason, address, count."""

    secret: Any
    minute: datetime
    reason: str
    address: str | None

    @property
    def holder(self) -> tuple[str, int]:
        return self.secret._meta.label, self.secret.pk

    @property
    def row(self) -> tuple[datetime, str]:
        return self.minute, self.reason


def note_refusal(refused: Any, *, reason: str, now: datetime) -> None:
    """Count a refusal of the key or token. Nothing is written here: every refusal takes as long (promise P9)."""
    minute = now.replace(second=0, microsecond=0)
    gathered.add(Refused(refused, minute, reason, request_facts.current().address))


def write(refusals: list[Refused]) -> list[Refused]:
    """Add gathered refusals to the counts of their minutes; return those that the database did not take now."""
    left: list[Refused] = []
    for _, group in groupby(sorted(refusals, key=lambda each: each.holder), lambda each: each.holder):
        own = list(group)
        try:
            add(own)
        except IntegrityError:  # another process made a row first: again; or the secret was deleted: no more
            left += own if still_there(own[0].secret) else []
        except DatabaseError:
            left += own
    return left


def still_there(secret: Any) -> bool:
    """Tell whether the key or token still exists."""
    return bool(type(secret)._base_manager.filter(pk=secret.pk).exists())


def add(refusals: list[Refused]) -> None:
    """Add one secret's refusals, all or none; a minute's first drops the oldest beyond MAX_KEPT."""
    secret = refusals[0].secret
    connection = connections[router.db_for_write(type(secret))]
    with without_waiting(connection), transaction.atomic(using=connection.alias):
        made = False
        for (minute, reason), group in groupby(
            sorted(refusals, key=lambda each: each.row), lambda each: each.row
        ):
            made |= add_to_row(secret, minute, reason, [each.address for each in group])
        if made:
            too_old = secret.refusals.order_by("-minute", "-pk").values_list("pk", flat=True)[MAX_KEPT:]
            secret.refusals.filter(pk__in=list(too_old)).delete()


def add_to_row(secret: Any, minute: datetime, reason: str, addresses: list[str | None]) -> bool:
    """Add to one row as many refusals as there are addresses; return whether it had to be made."""
    count, address = len(addresses), addresses[-1]
    rows = secret.refusals.filter(minute=minute, reason=reason)
    if rows.update(count=F("count") + count, address=address):
        return False
    secret.refusals.create(
        account_id=secret.account_id, minute=minute, reason=reason, address=address, count=count
    )
    return True


gathered = Gathering("refusal", write)
