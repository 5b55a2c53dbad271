"""Put an account on hold and lift it: while it is held nothing is loaded, and nothing that was accepted is lost.

Two things can hold an account, and each is lifted by itself: more destinations than the plan has room for
(app.md 11), and the people who run the server.
"""

from datetime import datetime, timedelta
from enum import Enum

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.audit import Event, record
from accounts.errors import DomainError
from accounts.models import Account, User
from accounts.services.account_lock import lock_account
from accounts.services.mail import send_mail

HELD_FOR_LONG = timedelta(
    days=7
)  # as long as the intake buffer promises to keep what was received (app.md 10.1)


class Hold(Enum):
    """What holds an account: the column that says since when, and what people are told."""

    DESTINATIONS = "destinations_held_at", "It has more destinations than its plan has room for"
    STAFF = "staff_held_at", "The people who run this server put it on hold"

    def __init__(self, column: str, words: str) -> None:
        self.column = column
        self.words = words


class HeldForLong(DomainError):
    """What waits for an account that stays on hold takes room from everybody: nothing more is accepted."""

    code, status = "held_for_long", 409
    message = (
        f"This account has been on hold for more than {HELD_FOR_LONG.days} days, so nothing more is accepted for it. "
        "What waits is kept. Once the hold is lifted, integrations can be resumed."
    )


def is_held_for_long(account: Account, now: datetime) -> bool:
    """Tell whether the account has been on hold for so long that its integrations are paused."""
    since = [getattr(account, hold.column) for hold in holds_of(account)]
    return any(moment <= now - HELD_FOR_LONG for moment in since)


def require_not_held_for_long(account: Account, now: datetime) -> None:
    """Raise HeldForLong for an account that stays on hold."""
    if is_held_for_long(account, now):
        raise HeldForLong


def holds_of(account: Account) -> list[Hold]:
    """Return what holds the account now."""
    return [hold for hold in Hold if getattr(account, hold.column) is not None]


def hold_words(account: Account) -> list[str]:
    """Return why the account is on hold, in sentences; nothing when it is not."""
    words = {hold: f"{hold.words}." for hold in holds_of(account)}
    if Hold.STAFF in words and account.staff_hold_reason:
        words[Hold.STAFF] = f"{Hold.STAFF.words}: {account.staff_hold_reason}"
    return list(words.values())


@transaction.atomic
def place_hold(
    *, account: Account, hold: Hold, actor: User | None, by_staff: bool = False, reason: str = ""
) -> bool:
    """Hold the account, and tell its members by mail; return False when this holds it already."""
    locked = lock_account(account)
    if getattr(locked, hold.column) is not None:
        return False
    changes: dict[str, object] = {hold.column: timezone.now()}
    if hold is Hold.STAFF:
        changes["staff_hold_reason"] = reason
    write(account, locked, changes)
    tell(Event.HOLD_PLACED, locked, actor=actor, by_staff=by_staff, reason=reason or hold.words)
    mail_members(locked, "account_held", subject="Your account is on hold", reasons=hold_words(locked))
    return True


@transaction.atomic
def lift_hold(
    *, account: Account, hold: Hold, actor: User | None, by_staff: bool = False, reason: str = ""
) -> bool:
    """End this hold; once nothing holds the account, loading goes on and its members are told by mail."""
    locked = lock_account(account)
    if getattr(locked, hold.column) is None:
        return False
    changes: dict[str, object] = {hold.column: None}
    if hold is Hold.STAFF:
        changes["staff_hold_reason"] = ""
    write(account, locked, changes)
    tell(Event.HOLD_LIFTED, locked, actor=actor, by_staff=by_staff, reason=reason or hold.words)
    if not locked.is_on_hold:
        mail_members(locked, "account_released", subject="Your account is no longer on hold", reasons=[])
    return True


def write(account: Account, locked: Account, changes: dict[str, object]) -> None:
    """Store the changes, and note them on the caller's account too."""
    Account.objects.filter(pk=locked.pk).update(**changes)
    for held in (account, locked):
        for column, value in changes.items():
            setattr(held, column, value)


def tell(event: Event, account: Account, *, actor: User | None, by_staff: bool, reason: str) -> None:
    """Record what happened to the account."""
    record(
        event,
        account=account,
        actor=actor,
        target=account,
        target_name=account.company_name,
        by_staff=by_staff,
        reason=reason,
    )


def mail_members(account: Account, template: str, *, subject: str, reasons: list[str]) -> None:
    """Mail every active member; nobody can opt out of these (app.md 12.3)."""
    for membership in account.memberships.active().select_related("user").order_by("pk"):
        send_mail(
            template,
            to=membership.user.email,
            subject=subject,
            server=settings.PUBLIC_URL,
            account=account,
            first_name=membership.user.first_name,
            company_name=account.company_name,
            reasons=reasons,
            by_destinations=account.destinations_held_at is not None,
        )
