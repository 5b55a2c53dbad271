"""Cancel an account, and take that back within the grace period (app.md 13.1).

What runs stops at once: pushes are refused, keys are off, pages are closed. Nothing is deleted before `deletes_at`;
what is deleted then, and what stays, is in integrations/services/account_deletion.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.audit import Event, record
from accounts.errors import DomainError
from accounts.models import Account, ApiKey, User
from accounts.services.account_lock import lock_account
from accounts.services.api_keys import disable_every_api_key
from accounts.services.invitations import cancel_invitation
from accounts.services.mail import send_mail
from stitchapp.formats import key_time

NAMES_SHOWN = 20


class GraceOver(DomainError):
    """The time in which the account could be reopened has passed."""

    code, status = "grace_over", 409
    message = "The time in which this account could be reopened is over. It is being deleted."


@dataclass(frozen=True, slots=True)
class Stops:
    """What closing stops, by name as far as a page can show it."""

    integrations: list[str]
    more_integrations: int
    keys: list[ApiKey]
    invitations: int
    other_members: int
    deletes_at: datetime


def what_stops(*, account: Account, actor: User, now: datetime) -> Stops:
    """Return what closing the account now would stop."""
    live = account.integrations.live().order_by("display_name")
    names = list(live.values_list("display_name", flat=True)[:NAMES_SHOWN])
    return Stops(
        integrations=names,
        more_integrations=live.count() - len(names),
        keys=list(account.api_keys.enabled()),
        invitations=account.invitations.open().count(),
        other_members=account.memberships.active().exclude(user=actor).count(),
        deletes_at=now + timedelta(days=settings.ACCOUNT_GRACE_DAYS),
    )


@transaction.atomic
def close_account(*, account: Account, actor: User, server: str) -> Account:
    """Close the account at once, in one transaction with everything that stops; return it as it is then."""
    held = lock_account(account)
    if held.closed_at is not None:
        return held
    held.closed_at = timezone.now()
    held.deletes_at = held.closed_at + timedelta(days=settings.ACCOUNT_GRACE_DAYS)
    held.save(update_fields=["closed_at", "deletes_at"])
    disable_every_api_key(account=held, actor=actor, reason="The account was closed")
    for invitation in held.invitations.open():
        cancel_invitation(invitation=invitation, actor=actor)
    tell_trail(Event.ACCOUNT_CLOSED, held, actor, deletes_at=held.deletes_at.isoformat())
    tell_members(
        held,
        server,
        subject=f"{held.company_name} was closed",
        what=(
            f"{actor.get_full_name()} ({actor.email}) closed the account {held.company_name}. No program "
            "gets in any more; what was accepted before is still loaded. An Administrator can reopen it until "
            f"{key_time(held.deletes_at)}; then it is deleted."
        ),
    )
    return held


@transaction.atomic
def reopen_account(*, account: Account, actor: User, server: str) -> None:
    """Open the account again: integrations go on as they were, keys stay disabled."""
    held = lock_account(account)
    if held.closed_at is None:
        return
    if held.deletes_at is None or held.deletes_at <= timezone.now():
        raise GraceOver
    held.closed_at = held.deletes_at = None
    held.save(update_fields=["closed_at", "deletes_at"])
    tell_trail(Event.ACCOUNT_REOPENED, held, actor)
    tell_members(
        held,
        server,
        subject=f"{held.company_name} is open again",
        what=(
            f"{actor.get_full_name()} ({actor.email}) reopened the account {held.company_name}. Integrations take data "
            "again. API access keys stay disabled until somebody enables them."
        ),
    )


def tell_trail(event: Event, account: Account, actor: User, **detail: object) -> None:
    record(
        event,
        account=account,
        actor=actor,
        target=account,
        target_name=account.company_name,
        **detail,  # type: ignore[arg-type]  # facts, none of them named like a parameter
    )


def tell_members(account: Account, server: str, *, subject: str, what: str) -> None:
    """Tell every member by mail, the one who did it too: it is their receipt."""
    for membership in account.memberships.active().select_related("user"):
        send_mail(
            "account_changed",
            to=membership.user.email,
            subject=subject,
            server=server,
            account=account,
            first_name=membership.user.first_name,
            what=what,
            button_url=f"{server}/client/{account.client_id}/account/closed",
            button_label="Open the account",
        )
