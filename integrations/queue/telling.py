"""What loading tells the account's people: loads that fail, a destination that is away, and their end (loading.md 7.6).

Written in the transaction that records the load. A destination at fault is told of once, however many tables wait
for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from integrations.loading.errors import LoadError, NoDestination
from integrations.models import Destination, ErrorScope, Integration, Kind, QueuedTable
from integrations.services.notifications import (
    clear_causes,
    clear_other_kinds,
    no_destination_cause,
    raise_notification,
)

CAUSE_DIGITS = 32  # of a table's digest: two tables of an integration share them never


def kind_of(error: LoadError) -> Kind:
    """Return what people are told an error is."""
    if error.fault == "own":
        return Kind.INTERNAL_LOADING
    if error.scope == ErrorScope.DESTINATION.value and not error.transient:
        return Kind.DATA_WAREHOUSE_ERROR
    if error.fault == "warehouse":
        return Kind.DATA_LOADING_ERROR
    return Kind.UNABLE_TO_LOAD if error.fault == "data" else Kind.ERROR_PERSISTING_TABLE


def table_cause(table: QueuedTable) -> str:
    """Name a table as what is wrong with it is told of."""
    return f"table:{table.integration_id}:{table.name_digest[:CAUSE_DIGITS]}"


def unreadable_cause(table: QueuedTable) -> str:
    """Name a table of which something stored cannot be read."""
    return f"unreadable:{table.integration_id}:{table.name_digest[:CAUSE_DIGITS]}"


def destination_cause(destination: Destination) -> str:
    """Name a destination as what is wrong with it is told of."""
    return f"destination:{destination.pk}"


@transaction.atomic
def tell_failure(
    *,
    integration: Integration,
    destination: Destination | None,
    table: QueuedTable,
    error: LoadError,
    now: datetime,
) -> None:
    """Tell of a load that failed; of one cause once, as what it is now."""
    account, kind = integration.account, kind_of(error)
    told: dict[str, object] = {"details": error.message}
    if isinstance(error, NoDestination):
        cause = no_destination_cause(integration)
        message = f"{integration.display_name} has no destination: its data waits until it has one."
        told |= {"integration": integration}
    elif error.scope == ErrorScope.DESTINATION.value and destination is not None:
        cause = destination_cause(destination)
        message = f"Encountered an error while writing to {destination.display_name}: all that is to go there waits."
        told |= {"destination": destination}
    elif integration.deleted_at is not None:
        return  # nobody can do anything about its tables any more
    else:
        cause = table_cause(table)
        message = (
            f"Encountered an error while loading the table {table.table_name} of {integration.display_name}."
        )
        told |= {"integration": integration, "table_name": table.table_name}
    clear_other_kinds(account=account, kind=kind, cause=cause, now=now)
    raise_notification(account=account, kind=kind, cause=cause, message=message, now=now, **told)  # type: ignore[arg-type]


def tell_success(
    *,
    integration: Integration,
    destination: Destination | None,
    tables: Iterable[QueuedTable],
    now: datetime,
) -> None:
    """Note that tables were loaded, and that their destination answers."""
    causes = [*map(table_cause, tables), no_destination_cause(integration)]
    if destination is not None:
        causes.append(destination_cause(destination))
    clear_causes(account=integration.account, causes=causes, now=now)


def tell_unreadable(*, integration: Integration, table: QueuedTable, reason: str, now: datetime) -> None:
    """Tell of accepted data that cannot be read back."""
    raise_notification(
        account=integration.account,
        kind=Kind.INTERNAL_LOADING,
        cause=unreadable_cause(table),
        message=(
            f"Some of the data accepted for the table {table.table_name} of {integration.display_name} "
            "cannot be read."
        ),
        details=reason,
        integration=integration,
        table_name=table.table_name,
        now=now,
    )
