"""What goes wrong in the sample account, for real: a table whose key changed, and records that cannot be stored."""

import json

from django.core.management import call_command
from django.utils import timezone

from accounts.models import Account, User
from integrations.models import AccessToken, Integration, Kind
from integrations.queue.accepting import accept_batch
from integrations.services.notification_addresses import (
    add_address,
    confirm_address,
    disable_address,
    leave_list,
)
from integrations.services.notifications import dismiss_notification
from integrations.services.rejected_records import dismiss_rejected, rejected_records

TOO_GREAT = 2**63


def let_things_go_wrong(
    *, account: Account, admin: User, integration: Integration, solved: Integration
) -> None:
    """Leave notifications in every state: open ones, one that somebody dismissed, one that is solved."""
    send(solved, "inspections", [{"id": number, "mileage": TOO_GREAT} for number in range(2)])
    for number in range(3):
        send(integration, f"odometers_{number}", [{"id": 1, "mileage": number}])
    call_command("load_batches", once=True, verbosity=0)
    records = rejected_records(integration=solved, now=timezone.now())
    dismiss_rejected(integration=solved, actor=admin, chosen=records)
    send(integration, "inspections", [{"id": 21, "mileage": TOO_GREAT}, {"id": 22, "mileage": 7}])
    for number in range(3):
        send(integration, f"odometers_{number}", [{"serial": 7, "mileage": 1}], key="serial")
    call_command("load_batches", once=True, verbosity=0)
    failing = account.notifications.open().filter(kind=Kind.ERROR_PERSISTING_TABLE.stored).order_by("pk")
    first = failing.first()
    if first is not None:
        dismiss_notification(notification=first, actor=admin, now=timezone.now())


def list_addresses(*, account: Account, admin: User, domain: str, server: str) -> None:
    """Put addresses on the custom notification list, one in every state."""
    now = timezone.now()
    added = {
        name: add_address(account=account, actor=admin, email=f"{name}@{domain}", server=server)
        for name in ("workshop", "on-call", "former-partner", "archive")
    }
    for name in ("on-call", "former-partner", "archive"):
        confirm_address(address=added[name], now=now)
    leave_list(address=added["former-partner"], now=now)
    disable_address(address=added["archive"], actor=admin)


def send(integration: Integration, table: str, records: list[dict[str, int]], *, key: str = "id") -> None:
    """Put a batch into the queue as the Import API does once it has checked it."""
    token: AccessToken = integration.access_tokens.active().order_by("pk").first()
    body = {
        "table_name": table,
        "key_names": [key],
        "schema": {"properties": {name: {"type": "integer"} for name in records[0]}},
        "messages": [{"action": "upsert", "sequence": 1, "data": record} for record in records],
    }
    accept_batch(
        token=token,
        kind="batch",
        body=json.dumps(body).encode(),
        tables=[(table, len(records))],
        received_at=timezone.now(),
    )
