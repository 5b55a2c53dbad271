"""What sign-ins leave in the audit trail (promise A2)."""

from typing import Any

from django.db import transaction

from accounts.audit import Event, record
from accounts.models import Account, User


@transaction.atomic
def record_for_person(event: Event, person: User, **detail: Any) -> None:
    """Append the event to the trail of every account the person belongs to; outside any if there is none."""
    accounts: list[Account | None] = [
        membership.account for membership in person.memberships.active().select_related("account")
    ]
    for account in accounts or [None]:
        record(event, account=account, actor=person, target=person, target_name=person.email, **detail)


def record_sign_in(*, person: User, device: str, network: str) -> None:
    """Note that a person signed in, and with what: the next sign-ins are compared with it."""
    record_for_person(Event.SIGNED_IN, person, device=device, network=network)


def record_confirmation(*, person: User) -> None:
    """Note that a person showed again who they are."""
    record_for_person(Event.SIGN_IN_CONFIRMED, person)


def record_sign_out(*, person: User) -> None:
    """Note that a person signed out."""
    record_for_person(Event.SIGNED_OUT, person)
