"""Several changes of one integration at once, all of them or none: what one call of the Connect API asks for."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import TypedDict

from django.db import transaction
from django.utils import timezone

from accounts.audit import Event, record
from accounts.errors import DomainError
from accounts.models import Account, ApiKey, User
from accounts.plans import Feature, require_feature
from accounts.services.account_lock import lock_account
from integrations.models import Destination, Integration, IntegrationType, JobTrigger, SetUpStep
from integrations.services.destination_changes import DestinationGone, forget_tables
from integrations.services.destinations import destination_of
from integrations.services.integrations import (
    create_import_api_integration_with_token,
    create_integration,
    pause_integration,
    rename_integration,
    resume_integration,
)
from integrations.services.jobs import start_check
from integrations.services.locking import lock_integration, save_changed
from integrations.services.schedules import check_cron, replan
from integrations.services.set_up import refresh_step
from integrations.services.source_addresses import changes_addresses, require_permitted
from integrations.services.source_properties import SCHEDULE_NAMES, store_properties, type_of
from integrations.services.waiting import try_again_now
from integrations.sources.registry import find_source_type


class Changes(TypedDict, total=False):
    """What to change; absent keys stay as they are. A time pauses, None lets the integration go on."""

    display_name: str
    paused_at: datetime | None
    destination: Destination
    properties: Mapping[str, object]


class UnknownSourceType(DomainError):
    """This server has no source type of that name."""

    code, status = "unknown_source_type", 400


class SourceTypeUnavailable(DomainError):
    """The type is known here, and nothing of it can be added: its tap is not installed."""

    code, status = "source_type_unavailable", 403


def create_mapped_integration(
    *,
    account: Account,
    actor: User,
    display_name: str,
    schema_name: str | None,
    destination: Destination | None,
    api_key: ApiKey | None = None,
    type: str = IntegrationType.IMPORT_API,
    properties: Mapping[str, object] | None = None,
    form_id: uuid.UUID | None = None,
) -> Integration:
    """Create an integration that loads into `destination`, or into the embedded one.

    One that a tap reads is saved even when its form is not complete yet; when it is, its connection is checked. Raises
    what `create_integration` and `set_properties` raise, UnknownSourceType, SourceTypeUnavailable and AddressRefused.
    """
    source_type = find_source_type(type)
    if source_type is None:
        raise UnknownSourceType(f"There is no source type {type}.")
    if source_type.unavailable_reason:
        told = f"{source_type.unavailable_reason} {source_type.install_command}".strip()
        raise SourceTypeUnavailable(f"{source_type.label} cannot be added. {told}")
    # Names are looked up before anything is locked.
    require_permitted(source_type, properties or {}, told=True)
    with transaction.atomic():
        integration = create_integration(
            account=account,
            actor=actor,
            display_name=display_name,
            schema_name=schema_name,
            api_key=api_key,
            form_id=form_id,
            type_name=type,
            step=SetUpStep.FULLY_CONFIGURED if source_type.is_push else SetUpStep.FORM,
        )
        if destination is not None:
            integration.destination = destination
            integration.save(update_fields=["destination"])
        return set_properties(
            integration=integration, actor=actor, properties=properties or {}, api_key=api_key, is_new=True
        )


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


def update_integration(
    *, integration: Integration, actor: User, changes: Changes, api_key: ApiKey | None = None
) -> Integration:
    """Apply the changes, each with its audit event; refuse a deleted integration.

    Raises AddressRefused for an address that the operator forbids, and what the single changes raise.
    """
    given = changes.get("properties", {})
    source_type = find_source_type(integration.type)
    if source_type is not None and changes_addresses(source_type, given, integration.properties):
        # Names are looked up before anything is locked.
        require_permitted(source_type, {**integration.properties, **given}, told=True)
    return apply_changes(integration=integration, actor=actor, changes=changes, api_key=api_key)


@transaction.atomic
def apply_changes(
    *, integration: Integration, actor: User, changes: Changes, api_key: ApiKey | None
) -> Integration:
    """Apply the changes, all or none."""
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
    if "properties" in changes:
        current = set_properties(
            integration=current, actor=actor, properties=changes["properties"], api_key=api_key
        )
    return current


@transaction.atomic
def set_properties(
    *,
    integration: Integration,
    actor: User,
    properties: Mapping[str, object],
    api_key: ApiKey | None = None,
    is_new: bool = False,
) -> Integration:
    """Merge the values into the integration's form; check its connection when they concern it and the form is complete.

    Raises BadProperties, InvalidCron, and PlanRequired for a cron expression that the plan does not include.
    """
    current = lock_integration(integration)
    now = timezone.now()
    cron = properties.get("cron_expression")
    if isinstance(cron, str) and cron and cron != current.properties.get("cron_expression"):
        require_feature(current.account, Feature.ADVANCED_SCHEDULING, now)
        check_cron(cron, now)
    changed = store_properties(integration=current, given=properties)
    refresh_step(integration=current)
    scheduled = [name for name in changed if name in SCHEDULE_NAMES]
    connected = [name for name in changed if name not in SCHEDULE_NAMES]
    if scheduled:
        replan(integration=current, now=now)
    for event, names in ((Event.CONNECTION_CHANGED, connected), (Event.SCHEDULE_CHANGED, scheduled)):
        if names and not is_new:
            facts = {name: current.properties.get(name) for name in scheduled} if names is scheduled else {}
            record(
                event,
                account=current.account,
                actor=actor,
                target=current,
                target_name=current.display_name,
                api_key=api_key,
                properties=", ".join(names),
                **facts,
            )
    if connected and current.step != SetUpStep.FORM and type_of(current).has_discovery:
        start_check(integration=current, actor=actor, trigger=JobTrigger.SET_UP, api_key=api_key)
    current.refresh_from_db()
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
