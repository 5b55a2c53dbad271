"""An account that lets nobody in without two-factor authentication."""

from __future__ import annotations

from dataclasses import dataclass

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from accounts.audit import Event, record
from accounts.errors import DomainError
from accounts.models import Account, Membership, User
from accounts.services.account_lock import lock_account
from accounts.services.mail import send_mail
from accounts.services.second_factor import CODES, has_second_factor


class OwnFactorMissing(DomainError):
    """Whoever asks it of all must have it, or would be the first to stand outside."""

    code, status = "own_factor_missing", 409
    message = "Add an authenticator app or a passkey to your own sign-in first: you would lock yourself out."


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many of the active members have a second factor."""

    having: int
    of: int


def having_factor() -> Exists:
    """Return the condition that a membership's person has a second factor."""
    return Exists(Authenticator.objects.filter(user=OuterRef("user")).exclude(type=CODES))


def with_factor(memberships: QuerySet[Membership]) -> QuerySet[Membership]:
    """Annotate `has_factor`: whether the member's sign-in takes more than the password."""
    return memberships.annotate(has_factor=having_factor())


def coverage_of(account: Account) -> Coverage:
    """Count the members with a second factor."""
    members = account.memberships.active()
    return Coverage(having=members.filter(having_factor()).count(), of=members.count())


def stands_outside(person: User, account: Account) -> bool:
    """Tell whether the account asks for what the person does not have. No query for accounts that do not ask."""
    return account.two_factor_required_at is not None and not has_second_factor(person)


def accounts_that_require(person: User) -> list[str]:
    """Return the names of the person's accounts that would close to them without a second factor."""
    asking = person.memberships.active().filter(account__two_factor_required_at__isnull=False)
    return list(asking.order_by("account__company_name").values_list("account__company_name", flat=True))


@transaction.atomic
def require_two_factor(*, account: Account, actor: User, server: str) -> None:
    """Ask every member for a second factor from their next request on; tell those who have none."""
    account = lock_account(account)
    if not has_second_factor(actor):
        raise OwnFactorMissing
    if account.two_factor_required_at is not None:
        return
    account.two_factor_required_at = timezone.now()
    account.save(update_fields=["two_factor_required_at"])
    lacking = account.memberships.active().exclude(having_factor()).select_related("user")
    record(
        Event.TWO_FACTOR_REQUIRED,
        account=account,
        actor=actor,
        target=account,
        target_name=account.company_name,
        members_without=lacking.count(),
    )
    for membership in lacking:
        send_mail(
            "two_factor_required",
            to=membership.user.email,
            subject=f"{account.company_name} requires two-factor authentication",
            server=server,
            account=account,
            first_name=membership.user.first_name,
            company_name=account.company_name,
            actor_name=actor.get_full_name(),
            button_url=f"{server}/security",
            button_label="Add it to your sign-in",
        )


@transaction.atomic
def stop_requiring_two_factor(*, account: Account, actor: User) -> None:
    """Let members in with the password alone again, those who have no second factor."""
    account = lock_account(account)
    if account.two_factor_required_at is None:
        return
    account.two_factor_required_at = None
    account.save(update_fields=["two_factor_required_at"])
    record(
        Event.TWO_FACTOR_NOT_REQUIRED,
        account=account,
        actor=actor,
        target=account,
        target_name=account.company_name,
    )
