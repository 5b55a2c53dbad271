"""Add, disable, re-enable and delete post-load hooks (app.md 12.4). The one place where their rules live."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import sealing, secrets
from accounts.audit import Event, record
from accounts.errors import DomainError, PlanRequired
from accounts.models import Account, ApiKey, User
from accounts.plans import Feature, has_feature
from accounts.services.account_lock import lock_account
from integrations.models import MAX_HOOKS, Destination, Hook, Kind
from integrations.services.destinations import main_destination, usable_destinations
from integrations.services.hook_addresses import clean_url, target_of
from integrations.services.notifications import clear_notification

USE = b"stitchapp post-load hook secrets v1"
NO_ACCESS = "Client does not have access to hooks."


class HookLimitReached(DomainError):
    """The account has as many hooks as it may have, enabled and disabled together."""

    code, status = "hook_limit", 409
    message = f"You have exceeded the limit of {MAX_HOOKS} hooks."


class NoDestination(DomainError):
    """Nothing is loaded anywhere, so nothing could be told of."""

    code, status = "no_destination", 409
    message = "A webhook tells of what was loaded into a destination. Add a destination first."


class AlreadyCreated(DomainError):
    """The same form was sent before; the secret it made is not shown again."""

    code, status = "already_created", 409
    message = (
        "That webhook was already added. Its signing secret was shown once and is not shown again: if you did "
        "not copy it, delete the webhook and add it anew."
    )


class SecretUnreadable(Exception):
    """What is stored does not open with this server's CREDENTIAL_KEY."""


def create_hook(
    *,
    account: Account,
    actor: User,
    url: str,
    destination: Destination | None = None,
    form_id: UUID | None = None,
    api_key: ApiKey | None = None,
) -> tuple[Hook, str]:
    """Add a hook for a destination (else the main one); return it with its secret, never readable again.

    Raises HostRefused when the address may not be sent to, beside the refusals above.
    """
    url = clean_url(url)
    target_of(url).addresses()  # before the transaction: looking a name up takes its time
    return keep_hook(
        account=account, actor=actor, url=url, destination=destination, form_id=form_id, api_key=api_key
    )


@transaction.atomic
def keep_hook(
    *,
    account: Account,
    actor: User,
    url: str,
    destination: Destination | None = None,
    form_id: UUID | None = None,
    api_key: ApiKey | None = None,
) -> tuple[Hook, str]:
    """Add a hook whose address was judged; it is judged again each time something is sent."""
    locked = lock_account(account)
    if form_id is not None and Hook.objects.filter(form_id=form_id).exists():
        raise AlreadyCreated
    require_hooks(locked)
    if locked.hooks.count() >= MAX_HOOKS:
        raise HookLimitReached
    secret = secrets.generate(secrets.HOOK_SECRET_PREFIX)
    hook: Hook = locked.hooks.create(
        destination=destination_for(locked, destination),
        url=url,
        sealed_secret=sealing.seal(secret, use=USE, owner=owner_of(locked)),
        created_by=actor,
        form_id=form_id,
    )
    tell_trail(Event.HOOK_CREATED, hook, actor=actor, api_key=api_key)
    return hook, secret


def destination_for(account: Account, chosen: Destination | None) -> Destination:
    """Return the destination whose loads a new hook tells of. Raises NoDestination."""
    if chosen is None:
        main = main_destination(account=account)
        if main is None:
            raise NoDestination
        return main
    if chosen not in usable_destinations(account=account):
        raise NoDestination
    return chosen


def require_hooks(account: Account) -> None:
    """Raise PlanRequired, in the documented words, unless the account has hooks."""
    if not has_feature(account, Feature.POST_LOAD_HOOKS, timezone.now()):
        raise PlanRequired(NO_ACCESS, Feature.POST_LOAD_HOOKS)


@transaction.atomic
def disable_hook(
    *,
    hook: Hook,
    actor: User | None,
    by_staff: bool = False,
    reason: str = "",
    api_key: ApiKey | None = None,
) -> bool:
    """Send nothing to the address any more, what waits included; return whether it was enabled."""
    now = timezone.now()
    if not Hook.objects.enabled().filter(pk=hook.pk).update(disabled_at=now, modified_at=now):
        return False
    hook.disabled_at = hook.modified_at = now
    over(hook, now=now)
    tell_trail(Event.HOOK_DISABLED, hook, actor=actor, by_staff=by_staff, api_key=api_key, reason=reason)
    return True


@transaction.atomic
def enable_hook(*, hook: Hook, actor: User, api_key: ApiKey | None = None) -> None:
    """Tell the address of loads again. What was not sent meanwhile can be replayed."""
    require_hooks(lock_account(hook.account))
    now = timezone.now()
    if Hook.objects.filter(pk=hook.pk).exclude(disabled_at=None).update(disabled_at=None, modified_at=now):
        hook.disabled_at, hook.modified_at = None, now
        tell_trail(Event.HOOK_ENABLED, hook, actor=actor, api_key=api_key)


@transaction.atomic
def delete_hook(*, hook: Hook, actor: User, reason: str = "", api_key: ApiKey | None = None) -> None:
    """Remove a hook, its secret and its deliveries; what is being sent this moment may still arrive."""
    over(hook, now=timezone.now())
    tell_trail(Event.HOOK_DELETED, hook, actor=actor, api_key=api_key, reason=reason)
    Hook.objects.filter(pk=hook.pk).delete()


def delete_hooks_of(
    *, destination: Destination, actor: User, reason: str, api_key: ApiKey | None = None
) -> None:
    """Remove the hooks of a destination that is removed, in that transaction."""
    for hook in destination.hooks.select_related("account"):
        delete_hook(hook=hook, actor=actor, reason=reason, api_key=api_key)


def disable_every_hook(*, account: Account, actor: User | None, by_staff: bool = False, reason: str) -> int:
    """Disable all hooks of an account that loses them, in the caller's transaction; return how many were on."""
    return sum(
        disable_hook(hook=hook, actor=actor, by_staff=by_staff, reason=reason)
        for hook in account.hooks.enabled().select_related("account")
    )


def secret_of(hook: Hook) -> str:
    """Return what signs the hook's messages. Raises SecretUnreadable."""
    try:
        return sealing.unseal(hook.sealed_secret, use=USE, owner=owner_of(hook.account))
    except sealing.Unreadable as error:
        raise SecretUnreadable from error


def owner_of(account: Account) -> bytes:
    """Return what a sealed secret is bound to."""
    return f"hooks of account {account.pk}".encode()


def cause_of(hook: Hook) -> str:
    """Name the cause under which people are told that the hook cannot be delivered."""
    return f"hook:{hook.pk}"


def over(hook: Hook, *, now: datetime) -> None:
    """Note that it is no news any more that the hook cannot be delivered."""
    clear_notification(account=hook.account, kind=Kind.UNDELIVERABLE_HOOK, cause=cause_of(hook), now=now)


def tell_trail(
    event: Event,
    hook: Hook,
    *,
    actor: User | None,
    by_staff: bool = False,
    api_key: ApiKey | None = None,
    reason: str = "",
) -> None:
    """Record what happened to the hook."""
    detail = {"reason": reason} if reason else {}
    record(
        event,
        account=hook.account,
        actor=actor,
        target=hook,
        target_name=hook.url,
        by_staff=by_staff,
        api_key=api_key,
        **detail,
    )
