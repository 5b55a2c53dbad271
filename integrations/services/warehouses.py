"""What stands in a warehouse: its state, and the newest rows of a table (decisions D10 and D23)."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from django.db.models import Count, Max, Min, Sum

from accounts.models import Account
from integrations.models import (
    BatchTable,
    Destination,
    ErrorScope,
    Integration,
    LoadedTable,
    QueuedTable,
)
from integrations.services.destinations import destination_of, integrations_into, main_destination
from integrations.services.engines import engine_of

if TYPE_CHECKING:
    from integrations.loading.outcomes import Preview


@dataclass(frozen=True, slots=True)
class WarehouseState:
    """What the Destination page tells of a warehouse: what loads into it, what waits for it, and why."""

    destination: Destination
    integrations: list[Integration]
    tables: int
    last_loaded_at: datetime | None
    waiting_records: int
    waiting_since: datetime | None
    error: str
    failing_since: datetime | None
    next_try_at: datetime | None
    hooks: int

    @property
    def paused(self) -> list[Integration]:
        """The integrations that accept nothing until a person resumes them."""
        return [integration for integration in self.integrations if integration.is_paused]

    @property
    def path(self) -> Path:
        """The file of an embedded warehouse."""
        return self.destination.file_path

    @property
    def size_bytes(self) -> int | None:
        """The file's size; None before the first load makes it."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return None

    @property
    def open_command(self) -> str:
        """The shell command that opens the file for reading."""
        return f"duckdb -readonly {shlex.quote(str(self.path))}"


def describe_destinations(*, account: Account) -> list[WarehouseState]:
    """Return the account's destinations; the embedded one comes into being when it is first asked for."""
    main_destination(account=account)
    return [
        describe_destination(destination=destination)
        for destination in account.destinations.live().select_related("account").order_by("pk")
    ]


def describe_destination(*, destination: Destination) -> WarehouseState:
    """Return what loads into a destination, what waits for it, and what is wrong with it."""
    into = list(integrations_into(destination=destination))
    pks = [integration.pk for integration in into]
    waiting = (
        BatchTable.objects.waiting()
        .filter(integration_id__in=pks)
        .aggregate(records=Sum("records"), since=Min("batch__received_at"))
    )
    problem = (
        QueuedTable.objects.failing()
        .filter(integration_id__in=pks, error_scope=ErrorScope.DESTINATION)
        .order_by("failing_since", "pk")
        .first()
    )
    into_it = LoadedTable.objects.filter(integration__in=pks)  # those of another destination were forgotten
    tables = into_it.aggregate(number=Count("pk"), last=Max("last_loaded_at"))
    return WarehouseState(
        destination=destination,
        integrations=[integration for integration in into if integration.deleted_at is None],
        tables=tables["number"],
        last_loaded_at=tables["last"],
        waiting_records=waiting["records"] or 0,
        waiting_since=waiting["since"],
        error=problem.error if problem is not None else "",
        failing_since=problem.failing_since if problem is not None else None,
        next_try_at=problem.not_before if problem is not None else None,
        hooks=destination.hooks.count(),
    )


def preview_rows(*, table: LoadedTable) -> Preview | None:
    """Return the table's newest rows; None when there is no destination to look into.

    Raises Busy while the warehouse file is written, LoadError when it cannot be read, and UnknownTable when
    the table is gone from it.
    """
    destination = destination_of(integration=table.integration)
    if destination is None:
        return None
    return engine_of(destination).preview(schema_name=table.integration.schema_name, table=table.name)
