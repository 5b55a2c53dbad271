"""Several changes of one integration at once, all of them or none: what one call of the Connect API asks for."""

import uuid
from datetime import datetime
from typing import TypedDict

from django.db import transaction

from accounts.audit import Event, record
from accounts.models import Account, ApiKey, User
from accounts.services.account_lock import lock_account
from integrations.models import Destination, Integration
from integrations.services.destination_changes import DestinationGone, forget_tables
from integrations.services.destinations import destination_of
from integrations.services.integrations import (
    create_import_api_integration,
    create_import_api_integration_with_token,
    pause_integration,
    rename_integration,
    resume_integration,
)
from integrations.services.locking import lock_integration, save_changed
from integrations.services.waiting import try_again_now


class Changes(TypedDict, total=False):
    """What to change; absent keys stay as they are. A time pauses, None lets the integration go on."""

    display_name: str
    paused_at: datetime | None
    destination: Destination


@transaction.atomic
def create_mapped_integration(
    *,
    account: Account,
    actor: User,
    display_name: str,
    schema_name: str | None,
    destination: Destination | None,
    api_key: ApiKey | None = None,
) -> Integration:
    """Create an Import API integration that loads into `destination`, or into the embedded one."""
    integration = create_import_api_integration(
        account=account, actor=actor, display_name=display_name, schema_name=schema_name, api_key=api_key
    )
    if destination is not None:
        integration.destination = destination
        integration.save(update_fields=["destination"])
    return integration


@transaction.atomic
def create_mapped_integration_with_token(
    *,
    account: Account,
    actor: User,
    display_name: str,
    schema_name: str | None = None,
    destination: Destination | None = None,
    form_id: uuid.UUID | None = None,
) -> tuple[Integration, str]:
    """Create an Import API integration that loads into `destination`, and its first token; return both.

    Raises what either of them raises, and DestinationGone for a removed destination: then neither exists.
    """
    integration, secret = create_import_api_integration_with_token(
        account=account, actor=actor, display_name=display_name, schema_name=schema_name, form_id=form_id
    )
    if destination is not None and destination != destination_of(integration=integration):
        integration = map_integration(integration=integration, actor=actor, destination=destination)
    return integration, secret


@transaction.atomic
def update_integration(
    *, integration: Integration, actor: User, changes: Changes, api_key: ApiKey | None = None
) -> Integration:
    """Apply the changes, each with its audit event; refuse a deleted integration."""
    lock_account(integration.account)  # before the integration, as a rename does
    current = lock_integration(integration)
    if "display_name" in changes:
        current = rename_integration(
            integration=current, actor=actor, display_name=changes["display_name"], api_key=api_key
        )
    if "paused_at" in changes:
        moment = changes["paused_at"]
        if moment is None:
            current = resume_integration(integration=current, actor=actor, api_key=api_key)
        else:
            current = pause_integration(integration=current, actor=actor, paused_at=moment, api_key=api_key)
    if "destination" in changes:
        current = map_integration(
            integration=current, actor=actor, destination=changes["destination"], api_key=api_key
        )
    return current


@transaction.atomic
def map_integration(
    *, integration: Integration, actor: User, destination: Destination, api_key: ApiKey | None = None
) -> Integration:
    """Load the integration's data into `destination` from now on. Raises DestinationGone for a removed one."""
    current = lock_integration(integration)
    destination.refresh_from_db(fields=["deleted_at"])  # the account is locked: it stays as it is now
    if destination.deleted_at is not None:
        raise DestinationGone
    if current.destination_id == destination.pk:
        return current
    current.destination = destination
    save_changed(current, "destination")
    forget_tables([current])
    transaction.on_commit(lambda: try_again_now([current]))
    record(
        Event.INTEGRATION_MAPPED,
        account=current.account,
        actor=actor,
        target=current,
        target_name=current.display_name,
        api_key=api_key,
        destination=destination.display_name,
    )
    return current
