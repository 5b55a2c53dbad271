"""Note when a secret was used, without ever making its request wait (promise P10)."""

import logging
from datetime import datetime, timedelta

from django.db import DatabaseError, connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Q

from accounts.models.use import Use
from stitchapp import request_facts

logger = logging.getLogger("accounts.last_use")
RESOLUTION = timedelta(minutes=1)


def note_use(used: Use, *, now: datetime) -> None:
    """Record that a key or token was used now; at most once a minute, and never by waiting for a lock.

    On PostgreSQL a row that another transaction holds is skipped; on SQLite the statement gives up at once
    while another connection writes. A later request of a later minute then records the use.
    """
    if used.last_used_at is not None and now - used.last_used_at < RESOLUTION:
        return
    facts = request_facts.current()
    connection = connections[router.db_for_write(type(used))]
    try:
        with without_waiting(connection), transaction.atomic(using=connection.alias):
            rows = type(used)._base_manager.using(connection.alias)
            locks = connection.features.has_select_for_update_skip_locked
            if locks and not rows.select_for_update(skip_locked=True).filter(pk=used.pk).exists():
                return
            rows.filter(Q(last_used_at=None) | Q(last_used_at__lt=now), pk=used.pk).update(
                last_used_at=now,
                last_used_address=facts.address,
                last_used_client=facts.client,
                last_used_route=facts.route[:255],
            )
    except DatabaseError as error:
        logger.info("last_use.postponed", extra={"reason": str(error)})


class without_waiting:  # noqa: N801 - reads as a sentence at its one use
    """On SQLite, make statements fail at once instead of waiting for another writer."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self.connection = connection

    def __enter__(self) -> None:
        self.set_timeout(0)

    def __exit__(self, *error: object) -> None:
        self.set_timeout(int(self.connection.settings_dict["OPTIONS"].get("timeout", 5) * 1000))

    def set_timeout(self, milliseconds: int) -> None:
        if self.connection.vendor == "sqlite":
            with self.connection.cursor() as cursor:
                cursor.execute(f"PRAGMA busy_timeout = {milliseconds}")
