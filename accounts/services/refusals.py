"""Count the refused requests of a known key or token, by minute and reason (decision D29)."""

import logging
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import DatabaseError, IntegrityError, connections, router, transaction
from django.db.models import F

from accounts.services.last_use import without_waiting
from stitchapp import request_facts

logger = logging.getLogger("accounts.refusals")
SHOWN_FOR = timedelta(days=7)  # what pages count of them
MAX_KEPT = 100  # minutes kept for each key or token; older ones make room (decision D32)


def note_refusal(refused: Any, *, reason: str, now: datetime) -> None:
    """Count a refusal of the key or token once the answer has left; its caller never waits for it.

    `refused` has `refusals`: rows of minute, reason, address and count. While another connection holds the
    database the count is not waited for: the log line is what remains of that refusal.
    """
    address = request_facts.current().address
    minute = now.replace(second=0, microsecond=0)
    request_facts.after_answer(partial(add_one, refused, minute, reason, address))


def add_one(refused: Any, minute: datetime, reason: str, address: str | None) -> None:
    """Add one to the minute's count; make its row, and drop the oldest beyond MAX_KEPT, when it is the first."""
    connection = connections[router.db_for_write(type(refused))]
    rows = refused.refusals.filter(minute=minute, reason=reason)
    try:
        with without_waiting(connection), transaction.atomic(using=connection.alias):
            if rows.update(count=F("count") + 1, address=address):
                return
            refused.refusals.create(
                account_id=refused.account_id, minute=minute, reason=reason, address=address, count=1
            )
            too_old = refused.refusals.order_by("-minute", "-pk").values_list("pk", flat=True)[MAX_KEPT:]
            refused.refusals.filter(pk__in=list(too_old)).delete()
    except IntegrityError:  # another worker made the row first, or the key was deleted meanwhile
        rows.update(count=F("count") + 1)
    except DatabaseError as error:
        logger.info("refusal.not_counted", extra={"reason": reason, "error": str(error)})
