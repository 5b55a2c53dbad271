"""Find an access token by its digest in one prepared statement: what the gate asks on every request.

The ORM takes ten times as long to write the statement as the database takes to answer it. Of the four rows only
what a request needs is read; the rest of each is read when somebody asks for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, cast

from django.db import connections, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import DateTimeField, Model

from accounts.models import Account, Plan
from integrations.models import AccessToken, Integration

READ: dict[type[Model], tuple[str, ...]] = {
    AccessToken: ("id", "account_id", "integration_id", "digest", "revoked_at", "last_used_at"),
    Integration: (
        "id",
        "account_id",
        "schema_name",
        "destination_id",
        "paused_at",
        "system_paused_at",
        "deleted_at",
    ),
    Account: ("id", "client_id", "plan_id", "closed_at", "trial_started_at"),
    Plan: ("id", "trial_days"),
}


def look_up(digest: bytes) -> AccessToken | None:
    """Return the token with its integration, account and plan, whatever their state; None when there is none."""
    connection = connections[router.db_for_read(AccessToken)]
    with connection.cursor() as cursor:
        cursor.execute(statement(), [digest])
        row = cursor.fetchone()
    if row is None:
        return None
    found = [part.made_of(row, connection) for part in parts()]
    token, integration, account, plan = cast(tuple[AccessToken, Integration, Account, Plan], tuple(found))
    token.integration, token.account, integration.account = integration, account, account
    account.plan = plan
    return token


class Part:
    """The columns of one model in the answer."""

    def __init__(self, model: type[Model], begin: int) -> None:
        self.model = model
        self.names = frozenset(READ[model])
        # In the model's order, which is what `from_db` goes by.
        self.columns = [column for column in model._meta.concrete_fields if column.attname in self.names]
        self.begin, self.end = begin, begin + len(self.columns)
        self.times = [
            (place, column) for place, column in enumerate(self.columns) if isinstance(column, DateTimeField)
        ]

    def made_of(self, row: Sequence[Any], connection: BaseDatabaseWrapper) -> Model:
        """Return the instance; on SQLite, times are kept as text."""
        values = list(row[self.begin : self.end])
        for place, column in self.times:
            if values[place] is not None:
                for convert in connection.ops.get_db_converters(column.get_col("")):
                    values[place] = convert(values[place], None, connection)
        return self.model.from_db(connection.alias, self.names, values)


@cache
def parts() -> list[Part]:
    """Return the models in the order of the answer."""
    found: list[Part] = []
    for model in READ:
        found.append(Part(model, found[-1].end if found else 0))
    return found


@cache
def statement() -> str:
    """Return the statement; its one parameter is the digest."""
    named = ", ".join(
        f'"{part.model._meta.db_table}"."{column.column}"' for part in parts() for column in part.columns
    )
    token, integration, account, plan = (f'"{model._meta.db_table}"' for model in READ)
    return (
        f"SELECT {named} FROM {token} "  # noqa: S608 - our own names
        f"INNER JOIN {integration} ON {integration}.id = {token}.integration_id "
        f"INNER JOIN {account} ON {account}.id = {token}.account_id "
        f"INNER JOIN {plan} ON {plan}.id = {account}.plan_id WHERE {token}.digest = %s"
    )
