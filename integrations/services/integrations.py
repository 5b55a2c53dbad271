"""Create, rename, pause, resume and delete integrations; pages and the Connect API share these."""

import uuid
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts.audit import Event, record
from accounts.errors import DomainError
from accounts.models import Account, ApiKey, User
from accounts.services.account_lock import lock_account
from accounts.services.holds import require_not_held_for_long
from accounts.services.trials import require_no_ended_trial
from integrations.models import Integration, IntegrationType, Kind, SetUpStep
from integrations.services.access_tokens import create_access_token
from integrations.services.jobs import end_open_jobs
from integrations.services.locking import lock_integration, save_changed
from integrations.services.notifications import clear_integration, clear_notification
from integrations.services.schedules import replan
from integrations.services.schema_names import (
    choose_schema_name,
    clean_display_name,
    require_free_display_name,
)

INACTIVITY = "inactivity"  # the cause of its notification


class AlreadyCreated(DomainError):
    """The same form came twice; the first one created `integration`, whose token was shown then."""

    code, status = "already_created", 409
    message = "This form was sent twice. The integration exists once; its token was shown the first time."

    def __init__(self, integration: Integration) -> None:
        super().__init__()
        self.integration = integration


class IntegrationTypeLimitReached(DomainError):
    """The plan has no room for a further type; what is there stays."""

    code, status = "integration_type_limit", 409

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"Your plan has room for {limit} types of integrations, and they are in use. Choose another plan on the "
            "Billing page to add one of a further type."
        )


def require_room_for_type(account: Account, integration_type: str) -> None:
    """Raise IntegrationTypeLimitReached for a type beyond the plan's; several of one type count once (app.md 13.2)."""
    limit = account.plan.max_integration_types
    if limit is None:
        return
    used = set(account.integrations.live().order_by().values_list("type", flat=True).distinct())
    if integration_type not in used and len(used) >= limit:
        raise IntegrationTypeLimitReached(limit)


@transaction.atomic
def create_integration(
    *,
    account: Account,
    actor: User,
    display_name: str,
    schema_name: str | None = None,
    form_id: uuid.UUID | None = None,
    api_key: ApiKey | None = None,
    type_name: str = IntegrationType.IMPORT_API,
    step: str = SetUpStep.FULLY_CONFIGURED,
) -> Integration:
    """Create an integration, an Import API one unless told; its schema name never changes again.

    Raises NameRefused for its names and AlreadyCreated for a form sent twice. `api_key` is the key that acted
    for `actor`, if one did.
    """
    account = lock_account(account)  # two creations could share a name otherwise
    if form_id is not None:
        earlier = account.integrations.filter(form_id=form_id).first()
        if earlier is not None:
            raise AlreadyCreated(earlier)
    require_no_ended_trial(account, timezone.now())
    require_room_for_type(account, type_name)
    display_name = clean_display_name(display_name)
    schema_name = choose_schema_name(account=account, display_name=display_name, schema_name=schema_name)
    require_free_display_name(account=account, display_name=display_name)
    now = timezone.now()
    integration = Integration.objects.create(
        account=account,
        type=type_name,
        step=step,
        display_name=display_name,
        schema_name=schema_name,
        created_by=actor,
        created_at=now,
        updated_at=now,
        form_id=form_id,
    )
    record(
        Event.INTEGRATION_CREATED,
        account=account,
        actor=actor,
        target=integration,
        target_name=display_name,
        api_key=api_key,
        schema_name=schema_name,
        type=integration.type,
    )
    return integration


@transaction.atomic
def create_import_api_integration_with_token(
    *,
    account: Account,
    actor: User,
    display_name: str,
    schema_name: str | None = None,
    form_id: uuid.UUID | None = None,
    api_key: ApiKey | None = None,
) -> tuple[Integration, str]:
    """Create an Import API integration and its first token; return both: both exist, or neither."""
    integration = create_integration(
        account=account,
        actor=actor,
        display_name=display_name,
        schema_name=schema_name,
        form_id=form_id,
        api_key=api_key,
    )
    _, secret = create_access_token(integration=integration, actor=actor, api_key=api_key)
    return integration, secret


@transaction.atomic
def rename_integration(
    *, integration: Integration, actor: User, display_name: str, api_key: ApiKey | None = None
) -> Integration:
    """Give the integration another display name; its schema keeps its own (T-18)."""
    lock_account(integration.account)
    current = lock_integration(integration)
    display_name = clean_display_name(display_name)
    if display_name == current.display_name:
        return current
    require_free_display_name(account=current.account, display_name=display_name, integration=current)
    former, current.display_name = current.display_name, display_name
    save_changed(current, "display_name")
    record(
        Event.INTEGRATION_RENAMED,
        account=current.account,
        actor=actor,
        target=current,
        target_name=display_name,
        api_key=api_key,
        former_name=former,
    )
    return current


@transaction.atomic
def pause_integration(
    *,
    integration: Integration,
    actor: User,
    paused_at: datetime | None = None,
    api_key: ApiKey | None = None,
) -> Integration:
    """Refuse pushes from the next request on (promise P7); what was accepted goes on loading.

    `paused_at` is the time to keep, if the Connect API sent one; any time pauses at once.
    """
    current = lock_integration(integration)
    if current.paused_at is not None and paused_at in (None, current.paused_at):
        return current
    already = current.is_paused
    current.paused_at = paused_at or timezone.now()
    save_changed(current, "paused_at")
    replan(integration=current, now=timezone.now())
    if not already:
        record(
            Event.INTEGRATION_PAUSED,
            account=current.account,
            actor=actor,
            target=current,
            target_name=current.display_name,
            api_key=api_key,
        )
    return current


@transaction.atomic
def pause_by_system(
    *, integration: Integration, actor: User | None, reason: str, api_key: ApiKey | None = None
) -> Integration:
    """Refuse pushes until a person resumes the integration: what it needs was taken away."""
    current = lock_integration(integration)
    if current.is_paused:
        return current
    current.system_paused_at = timezone.now()
    save_changed(current, "system_paused_at")
    replan(integration=current, now=current.system_paused_at)
    record(
        Event.INTEGRATION_PAUSED,
        account=current.account,
        actor=actor,
        target=current,
        target_name=current.display_name,
        api_key=api_key,
        reason=reason,
    )
    return current


@transaction.atomic
def resume_integration(
    *, integration: Integration, actor: User, api_key: ApiKey | None = None
) -> Integration:
    """Accept pushes again, with the tokens it had."""
    current = lock_integration(integration)
    if not current.is_paused:
        return current
    require_no_ended_trial(current.account, timezone.now())
    require_not_held_for_long(current.account, timezone.now())
    current.paused_at = current.system_paused_at = None
    save_changed(current, "paused_at", "system_paused_at")
    replan(integration=current, now=timezone.now())
    clear_notification(
        account=current.account, kind=Kind.ACCOUNT_INACTIVITY, cause=INACTIVITY, now=timezone.now()
    )
    record(
        Event.INTEGRATION_RESUMED,
        account=current.account,
        actor=actor,
        target=current,
        target_name=current.display_name,
        api_key=api_key,
    )
    return current


@transaction.atomic
def delete_integration(
    *, integration: Integration, actor: User, api_key: ApiKey | None = None
) -> Integration:
    """Delete the integration: pushes are refused and its jobs end at once, loaded data stays, its names are free again.

    Its tokens stay on record, so that a push with one is told that the connection is not active.
    """
    current = lock_integration(integration)
    current.deleted_at = timezone.now()
    save_changed(current, "deleted_at")
    replan(integration=current, now=current.deleted_at)
    end_open_jobs(integration=current, actor=actor)
    clear_integration(integration=current, now=current.deleted_at)
    if not current.account.integrations.live().exclude(system_paused_at=None).exists():
        clear_notification(
            account=current.account, kind=Kind.ACCOUNT_INACTIVITY, cause=INACTIVITY, now=current.deleted_at
        )
    record(
        Event.INTEGRATION_DELETED,
        account=current.account,
        actor=actor,
        target=current,
        target_name=current.display_name,
        api_key=api_key,
        schema_name=current.schema_name,
    )
    return current
