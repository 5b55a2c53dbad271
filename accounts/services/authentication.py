"""Tell whether an e-mail address and a password belong to somebody who may sign in.

Every refusal looks and costs the same: unknown address, wrong password, deactivated person (app.md 4.2).
"""

import logging
import time

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth import authenticate
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from accounts.audit import Event, record
from accounts.errors import DomainError
from accounts.models import Invitation, User
from accounts.services import throttle
from accounts.services.sessions import record_for_person
from stitchapp import request_facts

logger = logging.getLogger("accounts.authentication")
FAILURES = throttle.Limit("sign-in", most=10, seconds=15 * 60)
# By the address of the person alone a guesser is slowed down, and the owner is never refused (decision D37).
FAILURES_FROM_ANYWHERE = throttle.Limit("sign-in-anywhere", most=20, seconds=15 * 60)
SLOW_SECONDS = 1.0


class TooManyFailures(DomainError):
    """Ten failures in fifteen minutes, for this e-mail address from this place."""

    code, status = "too_many_failures", 429

    def __init__(self, minutes: int) -> None:
        unit = "minute" if minutes == 1 else "minutes"
        super().__init__(
            f"Too many failed sign-ins. Try again in {minutes} {unit}, or set a new password with the link Forgot?"
        )


@sensitive_variables("password")
def find_person(*, request: HttpRequest, email: str, password: str) -> User | None:
    """Return the person, or None; raise TooManyFailures after ten failures (promise S6)."""
    email = email.strip().lower()
    who = (throttle.network_of(request_facts.current().address), email)
    place = throttle.take_place(FAILURES, *who)
    if place is None:
        logger.warning("sign_in.throttled")
        raise TooManyFailures(throttle.minutes_to_wait(FAILURES, *who))
    if throttle.places_taken(FAILURES_FROM_ANYWHERE, email) >= FAILURES_FROM_ANYWHERE.most:
        time.sleep(SLOW_SECONDS)
    person = authenticate(request, email=email, password=password)
    # allauth keeps aside a deactivated person with the right password, to tell them; here nobody is told.
    AuthenticationBackend.unstash_authenticated_user()
    if isinstance(person, User) and may_sign_in(person):
        throttle.give_back(place)
        return person
    throttle.take_place(FAILURES_FROM_ANYWHERE, email)
    record_failure(email)
    return None


def may_sign_in(person: User) -> bool:
    """Tell whether the person has anything to sign in to: a place in an account, or one that waits for them."""
    return person.is_active and (
        person.is_staff
        or person.memberships.active().exists()
        or not person.memberships.exists()
        or Invitation.objects.pending(timezone.now()).filter(email=person.email).exists()
    )


def record_failure(email: str) -> None:
    """Append the failure to the trail. An unknown address is not written down: it may be a mistyped password."""
    person = User.objects.filter(email=email).first()
    if person is not None:
        record_for_person(Event.SIGN_IN_FAILED, person)
        return
    with transaction.atomic():
        record(Event.SIGN_IN_FAILED, account=None, actor=None, reason="unknown address")


def forget_failures(*, email: str) -> None:
    """Let the owner in again at once: they have just proved that the address is theirs."""
    throttle.clear(FAILURES, throttle.network_of(request_facts.current().address), email.lower())
    throttle.clear(FAILURES_FROM_ANYWHERE, email.lower())
