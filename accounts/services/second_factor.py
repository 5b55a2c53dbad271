"""Two-factor authentication: an authenticator app and recovery codes, added and removed by their person.

Secrets and codes come from django-allauth; what is asked before, kept beside and written into the trail is ours.
An app is stored only once it has given a right code: until then its secret travels in the form, sealed.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from accounts import sealing
from accounts.audit import Event, record
from accounts.errors import DomainError
from accounts.models import Account, User
from accounts.services.mail import send_mail
from accounts.services.second_step import USED, counter_of
from accounts.services.session_list import end_other_sessions
from accounts.services.sessions import record_for_person
from stitchapp.formats import key_time

ENROLMENT = b"stitchapp authenticator app being added v1"
ENROLMENT_SECONDS = 60 * 60
APP, CODES = Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES


class EnrolmentSpent(DomainError):
    """The form was opened long ago, by somebody else, or was changed."""

    code, status = "enrolment_spent", 409
    message = (
        "This page was open for too long. Here is a new code: scan it, and enter what the app shows then."
    )


class WrongFirstCode(DomainError):
    """The app that is being added does not show this code."""

    code, status = "wrong_code", 422
    message = (
        "This is not the code that the app shows now. Enter the newest six digits; if they are refused again, check "
        "that the clock of your device is right."
    )


class AppPresent(DomainError):
    """A person has one authenticator app."""

    code, status = "app_present", 409
    message = "You have an authenticator app already. Remove it before you add another."


class NoSecondFactor(DomainError):
    """Recovery codes stand in for something that is not there."""

    code, status = "no_second_factor", 409
    message = "You have no two-factor authentication. Add an authenticator app first."


@dataclass(frozen=True, slots=True)
class Enrolment:
    """An app on its way: the secret to show, the same sealed for the form, and what the QR code says."""

    secret: str
    sealed: str
    url: str


@dataclass(frozen=True, slots=True)
class SecondFactors:
    """What a person has."""

    app: Authenticator | None
    passkeys: list[Authenticator]
    codes_left: int

    @property
    def any(self) -> bool:
        return self.app is not None or bool(self.passkeys)


def authenticators_of(person: User) -> QuerySet[Authenticator]:
    """Return what the person has, recovery codes among it."""
    found: QuerySet[Authenticator] = Authenticator.objects.filter(user=person)
    return found


def has_second_factor(person: User) -> bool:
    """Tell whether signing in takes more than the password."""
    return authenticators_of(person).exclude(type=CODES).exists()


def second_factors_of(person: User) -> SecondFactors:
    """Return what the person has, in one query."""
    app, codes_left, passkeys = None, 0, []
    for authenticator in authenticators_of(person).order_by("pk"):
        if authenticator.type == APP:
            app = authenticator
        elif authenticator.type == CODES:
            codes_left = count_codes(authenticator)
        else:
            passkeys.append(authenticator)
    return SecondFactors(app=app, passkeys=passkeys, codes_left=codes_left)


def count_codes(authenticator: Authenticator) -> int:
    """Return how many recovery codes are unused, without opening their seal."""
    from allauth.mfa import app_settings

    return int(app_settings.RECOVERY_CODE_COUNT) - int(authenticator.data["used_mask"]).bit_count()


def begin_enrolment(person: User) -> Enrolment:
    """Make a secret for an app to be added; nothing is stored yet."""
    if authenticators_of(person).filter(type=APP).exists():
        raise AppPresent
    return enrolment_with(person, generate_totp_secret())


def enrolment_with(person: User, secret: str) -> Enrolment:
    sealed = sealing.seal(f"{int(time.time())}:{secret}", use=ENROLMENT, owner=owner(person))
    return Enrolment(
        secret=secret, sealed=sealed, url=get_adapter().build_totp_url(user=person, secret=secret)
    )


def open_enrolment(person: User, sealed: str) -> Enrolment:
    """Return the enrolment that a form brought back. Raises EnrolmentSpent."""
    try:
        begun_at, _, secret = sealing.unseal(sealed, use=ENROLMENT, owner=owner(person)).partition(":")
    except sealing.Unreadable as error:
        raise EnrolmentSpent from error
    if time.time() - int(begun_at) > ENROLMENT_SECONDS:
        raise EnrolmentSpent
    return enrolment_with(person, secret)


def owner(person: User) -> bytes:
    return f"person {person.pk}".encode()


@sensitive_variables("codes")
def add_app(
    *, person: User, enrolment: Enrolment, code: str, server: str, session_key: str = ""
) -> list[str]:
    """Store the app, which has shown the right code; return the recovery codes if they were made with it.

    With the first factor every other session ends: each was opened by the password alone.
    """
    counter = counter_of(enrolment.secret, code)
    if counter is None:
        raise WrongFirstCode
    with transaction.atomic():
        User.objects.select_for_update().get(pk=person.pk)  # two clicks at once, one app
        if authenticators_of(person).filter(type=APP).exists():
            raise AppPresent
        app = TOTP.activate(person, enrolment.secret).instance
        app.data[USED] = counter
        app.save(update_fields=["data"])
        record_for_person(Event.AUTHENTICATOR_ADDED, person)
        codes = first_codes(person)
        if codes:
            end_other_sessions(person=person, keep=session_key, told=False)
        tell(
            person,
            server,
            "An authenticator app was added",
            "An authenticator app was added to your sign-in.",
        )
    return codes


@sensitive_variables("codes")
def first_codes(person: User) -> list[str]:
    """Make recovery codes for a person who has none; call it where their first factor is added."""
    if authenticators_of(person).filter(type=CODES).exists():
        return []
    codes: list[str] = RecoveryCodes.activate(person).generate_codes()
    record_for_person(Event.RECOVERY_CODES_MADE, person)
    return codes


@sensitive_variables("codes")
def make_recovery_codes(*, person: User, server: str) -> list[str]:
    """Make new recovery codes; the old ones work no more."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=person.pk)
        if not has_second_factor(person):
            raise NoSecondFactor
        authenticators_of(person).filter(type=CODES).delete()
        codes = first_codes(person)
        tell(person, server, "New recovery codes", "New recovery codes were made; the old ones work no more.")
    return codes


def remove_app(*, person: User, server: str) -> None:
    """Take the app away, and with the last factor the recovery codes."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=person.pk)
        removed, _ = authenticators_of(person).filter(type=APP).delete()
        if removed:
            record_for_person(Event.AUTHENTICATOR_REMOVED, person)
        remove_dangling_codes(person)
    if removed:
        tell(
            person,
            server,
            "The authenticator app was removed",
            "The authenticator app was removed from your sign-in.",
        )


def remove_dangling_codes(person: User) -> None:
    """Recovery codes alone would be a second factor that nobody asked for."""
    if not has_second_factor(person):
        authenticators_of(person).delete()


def reset_second_factors(*, person: User, actor: User | None, reason: str, server: str) -> bool:
    """Take everything away, by staff, for a person who has lost app, passkeys and codes alike."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=person.pk)
        removed, _ = authenticators_of(person).delete()
        if not removed:
            return False
        accounts: list[Account | None] = [
            membership.account for membership in person.memberships.active().select_related("account")
        ]
        for account in accounts or [None]:
            record(
                Event.SECOND_FACTORS_RESET,
                account=account,
                actor=actor,
                target=person,
                target_name=person.email,
                by_staff=True,
                reason=reason,
            )
        tell(
            person,
            server,
            "Two-factor authentication was removed",
            "The people who run this server removed the two-factor authentication of your sign-in, as you asked.",
        )
    return True


def tell(person: User, server: str, subject: str, what: str) -> None:
    """Tell the owner of the address, who may not be the one who did it."""
    when = key_time(timezone.now())
    send_mail(
        "sign_in_changed",
        to=person.email,
        subject=subject,
        server=server,
        first_name=person.first_name,
        what=what,
        when=when,
        button_url=server + reverse("accounts:security"),
        button_label="Look at your security settings",
    )
