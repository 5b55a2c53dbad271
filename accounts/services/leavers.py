"""Take a member's place away, and decide about every key of theirs in the same step (decision D30, promise P7)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts.audit import Event, record
from accounts.errors import DomainError
from accounts.models import Account, Membership, User
from accounts.services.account_lock import lock_account
from accounts.services.api_keys import delete_api_key, hand_over_api_key, switch_off, tell
from accounts.services.members import close_open_invitation, require_another_administrator
from accounts.services.members import tell as tell_member


class OwnPlace(DomainError):
    """Administrators deactivate others; who wants to go leaves."""

    code, status = "own_place", 409
    message = "You cannot deactivate yourself. Ask another Administrator to do it."


class NewOwnerNotActive(DomainError):
    """A key acts in its owner's name, so its owner has to be there."""

    code, status = "owner_not_active", 409


@dataclass(frozen=True, slots=True)
class Keep:
    """Keep the key under a new owner; until a moment, or for good."""

    owner: User
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete the key."""


KeyChoice = Keep | Delete


@dataclass(frozen=True, slots=True)
class Departure:
    """What became of the member's keys."""

    kept: int = 0
    deleted: int = 0
    disabled: int = 0


def deactivate_member(
    *,
    membership: Membership,
    actor: User,
    server: str,
    choices: Mapping[int, KeyChoice] | None = None,
    leaving: bool = False,
) -> Departure:
    """Take the member's place away at once; return what became of their keys.

    `choices` says, by key id, which of their keys are kept under a new owner and which are deleted; every other
    one is disabled in the same transaction. With `leaving` the member goes of their own accord. Somebody who is
    deactivated already is left as they are.
    """
    with transaction.atomic():
        account = lock_account(membership.account)
        held = account.memberships.select_related("user").get(pk=membership.pk)
        if held.deactivated_at is not None:
            return Departure()
        if held.user == actor and not leaving:
            raise OwnPlace
        require_another_administrator(account, held)
        account.memberships.filter(pk=held.pk).update(deactivated_at=timezone.now())
        record(
            Event.MEMBER_LEFT if leaving else Event.MEMBER_DEACTIVATED,
            account=account,
            actor=actor,
            target=held,
            target_name=held.user.email,
            role=held.role,
        )
        close_open_invitation(account, held.user, actor, reason="The member's place was taken away")
        departure = settle_keys(account, held.user, actor, choices or {})
        if not leaving:
            tell_member(
                held.user,
                account,
                server=server,
                subject=f"You are no longer a member of {account.company_name}",
                sentence=f"{actor.get_full_name()} ({actor.email}) ended your membership. "
                "Your other accounts, if you have any, are as they were.",
            )
    membership.deactivated_at = timezone.now()
    return departure


def settle_keys(account: Account, leaver: User, actor: User, choices: Mapping[int, KeyChoice]) -> Departure:
    """Hand over, delete or disable each key of somebody who has just lost their place."""
    kept = deleted = disabled = 0
    for key in account.api_keys.owned_by(leaver).select_related("account", "created_by", "handed_to"):
        choice = choices.get(key.pk)
        if isinstance(choice, Keep):
            require_active(account, choice.owner)
            hand_over_api_key(key=key, actor=actor, owner=choice.owner, until=choice.until)
            kept += 1
        elif isinstance(choice, Delete):
            delete_api_key(key=key, actor=actor)
            deleted += 1
        elif switch_off(key):
            tell(Event.API_KEY_DISABLED, key, actor, reason=f"Its owner {leaver.email} left the account")
            disabled += 1
    return Departure(kept, deleted, disabled)


def require_active(account: Account, owner: User) -> None:
    """Raise NewOwnerNotActive unless the person is an active member; the account is held locked."""
    if not account.memberships.active().filter(user=owner).exists():
        raise NewOwnerNotActive(
            f"{owner.email} is not an active member of this account, so they cannot own a key."
        )
