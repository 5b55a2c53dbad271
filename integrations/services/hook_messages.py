"""What a post-load hook says of a load (connect-api.md appendix C), written with the load itself.

A message exists if and only if its load is recorded: it is kept as a delivery, with the task that sends it.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from django.utils import timezone

from accounts.plans import Feature, has_feature
from accounts.services.tasks import add_task
from integrations.loading.outcomes import LoadedTable, TableLoad
from integrations.models import Delivery, DeliveryState, Destination, Hook, Integration, Kind, Load
from integrations.services.hooks import cause_of
from integrations.services.notifications import raise_notification

VERSION = "1.0"
KIND = "hook"
LOADED, FAILED = "load", "load_failed"
MOST_WAITING = 1_000  # messages of a hook whose address takes none; more are kept and not sent


def has_hooks(destination: Destination) -> bool:
    """Tell whether there is anybody to tell of loads into a destination."""
    return Hook.objects.enabled().filter(destination=destination).exists()


def tell_of_load(
    *, load: Load, integration: Integration, destination: Destination, outcome: TableLoad
) -> None:
    """Write a message for each hook of the destination, if rows were loaded or rejected."""
    if load.rows or load.rejected:
        write(load, integration, destination, event=LOADED, body=body_of_load(load, integration, outcome))


def tell_of_failure(*, load: Load, integration: Integration, destination: Destination) -> None:
    """Write a message that a table cannot be loaded (promise J3); the tries that fail alike send no other."""
    write(load, integration, destination, event=FAILED, body=body_of_failure(load, integration))


def write(
    load: Load, integration: Integration, destination: Destination, *, event: str, body: dict[str, Any]
) -> None:
    """Keep a message for each enabled hook, and the work of sending it."""
    hooks = list(
        Hook.objects.enabled().filter(destination=destination).select_related("account__plan").order_by("pk")
    )
    if not hooks or hooks[0].account.closed_at is not None:
        return
    if not has_feature(hooks[0].account, Feature.POST_LOAD_HOOKS, timezone.now()):
        return
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    for hook in hooks:
        delivery = Delivery.objects.create(
            account=hook.account,
            hook=hook,
            event=event,
            integration_name=integration.schema_name,
            table_name=load.table_name,
            body=text,
            at=load.finished_at,
        )
        if hook.deliveries.filter(state=DeliveryState.WAITING).count() > MOST_WAITING:
            leave_unsent(delivery)
        else:
            enqueue(delivery)


def enqueue(delivery: Delivery) -> None:
    """Have a delivery sent, in the caller's transaction."""
    add_task(KIND, account=delivery.account, key=str(delivery.pk), delivery=delivery.pk)


def leave_unsent(delivery: Delivery) -> None:
    """Keep a message that is one too many: people see it, and can replay it once the address answers."""
    reason = f"{MOST_WAITING:,} messages of this webhook wait already: this one was not sent."
    Delivery.objects.filter(pk=delivery.pk).update(state=DeliveryState.DROPPED, error=reason)
    raise_notification(
        account=delivery.account,
        kind=Kind.UNDELIVERABLE_HOOK,
        cause=cause_of(delivery.hook),
        message=f"The webhook {delivery.hook.url} takes no messages, and too many wait for it.",
        details=reason,
        now=timezone.now(),
    )


def body_of_load(load: Load, integration: Integration, outcome: TableLoad) -> dict[str, Any]:
    """Return the documented body. `rows_held` are rows that a loader wrote which died before it could tell."""
    all_rejected = not load.rows
    tables = [
        table_facts(
            table.name if table.parent is None else source_key(table),
            table.name,
            rows=table.rows_loaded + (outcome.rows_held if table.parent is None else 0),
            rejected=table.rows_rejected,
            bookmarks=None if all_rejected else bookmarks_of(outcome) if table.parent is None else [],
            extracted=outcome.max_time_extracted,
        )
        for table in outcome.tables
    ]
    if not tables:  # every record was rejected, and there is no table yet
        tables = [
            table_facts(load.table_name, load.table_name, rows=0, rejected=load.rejected, bookmarks=None)
        ]
    tables[0]["source_table_name"] = load.table_name
    return frame(
        load,
        integration,
        batched_at=outcome.batched_at,
        new_version=outcome.new_version,
        table_version=outcome.table_version,
        tables=tables,
    )


def body_of_failure(load: Load, integration: Integration) -> dict[str, Any]:
    """Return the same frame for a table that could not be loaded, with the reason in a key of its own."""
    tables = [table_facts(load.table_name, load.table_name, rows=0, rejected=0, bookmarks=None)]
    body = frame(
        load, integration, batched_at=load.started_at, new_version=False, table_version=0, tables=tables
    )
    return body | {"error": {"message": load.error}}


def frame(
    load: Load,
    integration: Integration,
    *,
    batched_at: datetime,
    new_version: bool,
    table_version: int,
    tables: list[dict[str, Any]],
) -> dict[str, Any]:
    return {
        "version": VERSION,
        "minimum_sdc_batched_at": milliseconds(batched_at),
        "integration_name": integration.schema_name,
        "new_version": new_version,
        "source_root_table_name": load.table_name,
        "destination_root_table_name": tables[0]["destination_table_name"],
        "table_version": table_version,
        "tables": tables,
    }


def table_facts(
    source: str,
    destination: str,
    *,
    rows: int,
    rejected: int,
    bookmarks: list[dict[str, str]] | None,
    extracted: str | None = None,
) -> dict[str, Any]:
    return {
        "source_table_name": source,
        "destination_table_name": destination,
        "num_rows": rows,
        "num_rows_rejected": rejected,
        "bookmark_metadata": bookmarks,
        "max_time_extracted": extracted,
    }


def bookmarks_of(outcome: TableLoad) -> list[dict[str, str]]:
    """Return the least and the greatest value of each of the sender's replication keys."""
    return [
        {"key": mark.name, "min_value": mark.least, "max_value": mark.greatest} for mark in outcome.bookmarks
    ]


def source_key(table: LoadedTable) -> str:
    """Return the key of the array that a sub table was made of."""
    return table.name.removeprefix(f"{table.parent}__")


def milliseconds(moment: datetime) -> str:
    """Write a time as the documented bodies do: UTC, milliseconds, Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
