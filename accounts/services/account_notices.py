"""What every page of an account says on top while it stands: a hold, a trial that has ended."""

from dataclasses import dataclass
from datetime import datetime

from accounts.models import Account
from accounts.services.holds import Hold, hold_words, holds_of, is_held_for_long
from stitchapp.formats import key_time

WAITS = "what programs send is accepted and waits"


@dataclass(frozen=True, slots=True)
class Notice:
    """One sentence in front, what it means, and the page (a route) that leads on."""

    lead: str
    text: str
    route: str
    link: str


def account_notices(account: Account, *, now: datetime) -> list[Notice]:
    """Return what the account's people have to know on every page; it asks nothing of the database."""
    notices = []
    holds = holds_of(account)
    if holds:
        by_destinations = Hold.DESTINATIONS in holds
        intake = "integrations are paused" if is_held_for_long(account, now) else WAITS
        notices.append(
            Notice(
                "This account is on hold.",
                f"{' '.join(hold_words(account))} Nothing is loaded; {intake}.",
                route="integrations:destination" if by_destinations else "accounts:billing",
                link="See the destinations" if by_destinations else "See Billing",
            )
        )
    if account.trial_is_over(now) and account.trial_ends_at is not None:
        notices.append(
            Notice(
                "Your free trial has ended.",
                f"Since {key_time(account.trial_ends_at)} integrations and API access keys are refused.",
                route="accounts:billing",
                link="Choose a plan, then resume them",
            )
        )
    return notices
