"""Note when a secret was used, without ever making its request wait (promise P10)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import DatabaseError, connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Q

from accounts.models.use import Use
from stitchapp import request_facts
from stitchapp.gathering import Gathering

RESOLUTION = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Used:
    """One use of a key or token."""

    secret: Use
    at: datetime
    address: str | None
    client: str
    route: str


def note_use(used: Use, *, now: datetime) -> None:
    """Record that a key or token was used now; at most once a minute, a second after the request."""
    if used.last_used_at is None or now - used.last_used_at >= RESOLUTION:
        facts = request_facts.current()
        gathered.add(Used(used, now, facts.address, facts.client, facts.route[:255]))


def write(uses: list[Used]) -> list[Used]:
    """Write the last of each secret's gathered uses; return those that the database did not take now."""
    latest = {(type(use.secret), use.secret.pk): use for use in sorted(uses, key=lambda use: use.at)}
    left = []
    for use in latest.values():
        try:
            write_one(use)
        except DatabaseError:
            left.append(use)
    return left


def write_one(use: Used) -> None:
    """Write a use unless a later one stands there.

    Raises DatabaseError, at once, while another transaction holds the row, on SQLite the database: the thread
    that writes has other uses to write, and the end of the process waits for it.
    """
    model = type(use.secret)
    connection = connections[router.db_for_write(model)]
    with without_waiting(connection), transaction.atomic(using=connection.alias):
        rows = model._base_manager.using(connection.alias).filter(pk=use.secret.pk)
        rows.filter(Q(last_used_at=None) | Q(last_used_at__lt=use.at)).update(
            last_used_at=use.at,
            last_used_address=use.address,
            last_used_client=use.client,
            last_used_route=use.route,
        )


class without_waiting:  # noqa: N801 - reads as a sentence where it is used
    """Make statements fail at once instead of waiting for what another transaction holds.

    On SQLite that is the database, on PostgreSQL the rows that are written and those that they refer to.
    """

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self.connection = connection

    def __enter__(self) -> None:
        self.tell({"sqlite": "PRAGMA busy_timeout = 0", "postgresql": "SET lock_timeout = '1ms'"})

    def __exit__(self, *error: object) -> None:
        usual = int(self.connection.settings_dict["OPTIONS"].get("timeout", 5) * 1000)
        self.tell({"sqlite": f"PRAGMA busy_timeout = {usual}", "postgresql": "RESET lock_timeout"})

    def tell(self, statements: dict[str, str]) -> None:
        if self.connection.vendor in statements:
            with self.connection.cursor() as cursor:
                cursor.execute(statements[self.connection.vendor])


gathered = Gathering("last use", write)
