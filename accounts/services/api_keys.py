"""Create, disable, re-enable and delete API access keys (app.md 6). The one place where their rules live."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts import secrets
from accounts.audit import Event, record
from accounts.errors import DomainError
from accounts.lines import clean_line
from accounts.models import MAX_API_KEYS, Account, ApiKey, User
from accounts.plans import Feature, require_feature
from accounts.services.account_lock import lock_account


class KeyLimitReached(DomainError):
    """The account has as many keys as it may have, enabled and disabled together (K-07, K-08)."""

    code, status = "key_limit", 409
    message = f"This account has reached {MAX_API_KEYS} API access keys. Delete one to generate another."


class AlreadyCreated(DomainError):
    """The same form was sent before; the secret it made is not shown again (K-05)."""

    code, status = "already_created", 409
    message = (
        "That API access key was already generated. It was shown once and is not shown again: "
        "if you did not copy it, delete the key and generate another."
    )


class OwnerHasLeft(DomainError):
    """A key acts in its owner's name; it stays off while the owner is not a member (app.md 17, 6)."""

    code, status = "owner_has_left", 409
    message = "This key's owner is not an active member of the account, so the key stays disabled."


class TimeIsOver(DomainError):
    """The key was kept under a new owner until a date that has passed."""

    code, status = "key_time_over", 409
    message = (
        "The time for which this key was kept is over, so it stays off. Generate another key in its place."
    )


@transaction.atomic
def create_api_key(
    *, account: Account, actor: User, description: str, form_id: UUID | None = None
) -> tuple[ApiKey, str]:
    """Create an API access key; return it with its secret, which is never readable again."""
    account = lock_account(account)  # makes the count below, and the plan, safe
    if form_id is not None and ApiKey.objects.filter(form_id=form_id).exists():
        raise AlreadyCreated
    require_feature(account, Feature.CONNECT_API, timezone.now())
    if account.api_keys.count() >= MAX_API_KEYS:
        raise KeyLimitReached
    secret = secrets.generate(secrets.API_KEY_PREFIX)
    key = account.api_keys.create(
        description=clean_line(description),
        digest=secrets.digest(secret),
        last_four=secret[-4:],
        created_by=actor,
        form_id=form_id,
    )
    tell(Event.API_KEY_CREATED, key, actor)
    return key, secret


@transaction.atomic
def disable_api_key(*, key: ApiKey, actor: User | None, by_staff: bool = False, reason: str = "") -> None:
    """Switch the key off; it stops at its next request. A key that is off already stays as it is."""
    lock_account(key.account)
    if switch_off(key):
        tell(Event.API_KEY_DISABLED, key, actor, by_staff=by_staff, reason=reason)


@transaction.atomic
def disable_every_api_key(
    *, account: Account, actor: User | None, reason: str, by_staff: bool = False
) -> int:
    """Switch off all enabled keys of an account that the caller holds locked; return how many there were."""
    keys = list(account.api_keys.enabled())
    for key in keys:
        switch_off(key)
        tell(Event.API_KEY_DISABLED, key, actor, by_staff=by_staff, reason=reason)
    return len(keys)


@transaction.atomic
def enable_api_key(*, key: ApiKey, actor: User) -> None:
    """Switch the key on again, with the same secret. A key that is on already stays as it is."""
    account = lock_account(key.account)
    require_feature(account, Feature.CONNECT_API, timezone.now())
    if not account.memberships.active().filter(user=key.owner_id).exists():
        raise OwnerHasLeft
    if key.time_is_over(timezone.now()):
        raise TimeIsOver
    if ApiKey.objects.filter(pk=key.pk).exclude(disabled_at=None).update(disabled_at=None):
        key.disabled_at = None
        tell(Event.API_KEY_ENABLED, key, actor)


@transaction.atomic
def hand_over_api_key(*, key: ApiKey, actor: User, owner: User, until: datetime | None) -> None:
    """Let the key act in another member's name, until a moment or for good; it stays on or off as it is.

    The caller holds the account locked and has seen that the new owner is an active member of it.
    """
    before = key.owner
    ApiKey.objects.filter(pk=key.pk).update(handed_to=owner, handed_until=until)
    key.handed_to, key.handed_until = owner, until
    stops: dict[str, Any] = {"until": until.isoformat(timespec="seconds")} if until is not None else {}
    tell(Event.API_KEY_HANDED_OVER, key, actor, before=before.email, after=owner.email, **stops)


@transaction.atomic
def delete_api_key(*, key: ApiKey, actor: User) -> None:
    """Remove the key for good: it stops at its next request and frees its place (app.md 6.6)."""
    account = lock_account(key.account)
    still_there = account.api_keys.filter(pk=key.pk).first()
    if still_there is not None:
        tell(Event.API_KEY_DELETED, key, actor)
        still_there.delete()


def switch_off(key: ApiKey) -> bool:
    """Mark the key disabled; tell whether it was enabled until now."""
    now = timezone.now()
    changed = ApiKey.objects.enabled().filter(pk=key.pk).update(disabled_at=now)
    if changed:
        key.disabled_at = now
    return bool(changed)


def tell(
    event: Event, key: ApiKey, actor: User | None, *, by_staff: bool = False, reason: str = "", **more: Any
) -> None:
    """Record what happened to the key: description and last four outlive its row, the secret is not known."""
    detail: dict[str, Any] = {"last_four": key.last_four} | more | ({"reason": reason} if reason else {})
    record(
        event,
        account=key.account,
        actor=actor,
        target=key,
        target_name=key.description,
        by_staff=by_staff,
        **detail,
    )
