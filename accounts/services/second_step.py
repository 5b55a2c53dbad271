"""Check what is shown after the password: a code of the app, or a recovery code (promises S6, A2).

Each wrong code takes a place of its person and place, as wrong passwords do. Past a number from anywhere, somebody who
knows the password is guessing from many addresses: then six digits are too few for places where the person never
signed in. The owner is not locked out: the app's codes go on working where they have signed in before, and recovery
codes, far too long to guess, work everywhere; a new password ends the guessing at the step before.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from allauth.mfa.utils import decrypt
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.debug import sensitive_variables

from accounts import sealing
from accounts.audit import Event
from accounts.errors import DomainError
from accounts.models import AuditEvent, User
from accounts.services import throttle
from accounts.services.mail import send_mail
from accounts.services.sessions import record_for_person
from stitchapp import request_facts
from stitchapp.formats import key_time

logger = logging.getLogger("accounts.second_step")
WRONG_CODES = throttle.Limit("second-step", most=10, seconds=15 * 60)
WRONG_CODES_FROM_ANYWHERE = throttle.Limit("second-step-anywhere", most=30, seconds=15 * 60)
WARNINGS = throttle.Limit("second-step-warning", most=1, seconds=24 * 60 * 60)
WARN_AFTER = 5
KNOWN_FOR = timedelta(days=90)
USED = "used_counter"  # the newest half minute whose code was used


class WrongCode(DomainError):
    """Neither a code that the app shows nor an unused recovery code."""

    code, status = "wrong_code", 422
    message = (
        "This code is not correct. Each code works once: wait for the app's next one, or use a recovery code."
    )


class TooManyCodes(DomainError):
    """Ten wrong codes in fifteen minutes, from this place."""

    code, status = "too_many_codes", 429

    def __init__(self, minutes: int) -> None:
        unit = "minute" if minutes == 1 else "minutes"
        super().__init__(f"Too many wrong codes. Try again in {minutes} {unit}.")


@sensitive_variables("code")
def check_second_step(*, person: User, code: str, server: str) -> Authenticator:
    """Return what the code belongs to and use it up. Raises WrongCode and TooManyCodes."""
    who = (throttle.network_of(request_facts.current().address), str(person.pk))
    place = throttle.take_place(WRONG_CODES, *who)
    if place is None:
        logger.warning("second_step.throttled")
        raise TooManyCodes(throttle.minutes_to_wait(WRONG_CODES, *who))
    code = "".join(character for character in code if character.isalnum())
    found = None
    if may_use_app(person):
        found = use_app_code(person=person, code=code)
    found = found or use_recovery_code(person=person, code=code, server=server)
    if found is None:
        refuse(person, server)
        raise WrongCode
    throttle.give_back(place)
    return found


def may_use_app(person: User) -> bool:
    """Tell whether codes of the app are taken here: always, unless they are being guessed from many places."""
    wrong = throttle.places_taken(WRONG_CODES_FROM_ANYWHERE, str(person.pk))
    return wrong < WRONG_CODES_FROM_ANYWHERE.most or signed_in_here_before(person)


def signed_in_here_before(person: User) -> bool:
    """Tell whether the person came in from this address before."""
    return AuditEvent.objects.filter(
        actor=person,
        event=Event.SIGNED_IN.value,
        address=request_facts.current().address,
        at__gt=timezone.now() - KNOWN_FOR,
    ).exists()


def refuse(person: User, server: str) -> None:
    """Note a wrong code; after a few of them tell the person that somebody knows the password."""
    throttle.take_place(WRONG_CODES_FROM_ANYWHERE, str(person.pk))
    record_for_person(Event.SECOND_STEP_FAILED, person)
    wrong = throttle.places_taken(WRONG_CODES_FROM_ANYWHERE, str(person.pk))
    if wrong >= WARN_AFTER and throttle.take_place(WARNINGS, str(person.pk)) is not None:
        warn(person, server)


def forget_wrong_codes(person: User) -> None:
    """Begin to count anew: the password is another one, so whoever guessed is out."""
    throttle.clear(WRONG_CODES, throttle.network_of(request_facts.current().address), str(person.pk))
    throttle.clear(WRONG_CODES_FROM_ANYWHERE, str(person.pk))


@transaction.atomic
@sensitive_variables("code")
def use_app_code(*, person: User, code: str) -> Authenticator | None:
    """Return the person's app if it shows this code now and no code as new was used before; remember the code."""
    app: Authenticator | None = (
        Authenticator.objects.select_for_update().filter(user=person, type=Authenticator.Type.TOTP).first()
    )
    if app is None:
        return None
    try:
        secret = decrypt(app.data["secret"])
    except sealing.Unreadable:
        logger.error("second_step.unreadable", extra={"person": person.pk})
        return None
    counter = counter_of(secret, code, after=app.data.get(USED, -1))
    if counter is None:
        return None
    app.data[USED], app.last_used_at = counter, timezone.now()
    app.save(update_fields=["data", "last_used_at"])
    return app


@sensitive_variables("secret")
def counter_of(secret: str, code: str, *, after: int = -1) -> int | None:
    """Return the half minute, of those that count now, whose code this is."""
    for counter in yield_hotp_counters_from_time():
        if counter > after and constant_time_compare(code, format_hotp_value(hotp_value(secret, counter))):
            return counter
    return None


@sensitive_variables("code")
def use_recovery_code(*, person: User, code: str, server: str) -> Authenticator | None:
    """Return the person's recovery codes if this is an unused one; it is used then."""
    with transaction.atomic():
        codes: Authenticator | None = Authenticator.objects.filter(
            user=person, type=Authenticator.Type.RECOVERY_CODES
        ).first()
        try:
            if codes is None or not RecoveryCodes(codes).validate_code(code):
                return None
        except sealing.Unreadable:
            logger.error("second_step.unreadable", extra={"person": person.pk})
            return None
        codes.refresh_from_db()
        codes.record_usage()
        record_for_person(Event.RECOVERY_CODE_USED, person)
        left = len(RecoveryCodes(codes).get_unused_codes())
        when = key_time(timezone.now())
        send_mail(
            "recovery_code_used",
            to=person.email,
            subject="A recovery code was used",
            server=server,
            first_name=person.first_name,
            left=left,
            when=when,
            button_url=server + reverse("accounts:security"),
            button_label="Look at your security settings",
        )
    return codes


def warn(person: User, server: str) -> None:
    """Tell the owner that somebody gets past the password and fails at the second step."""
    when, address = key_time(timezone.now()), request_facts.current().address or "an unknown address"
    send_mail(
        "second_step_guessed",
        to=person.email,
        subject="Somebody knows your password",
        server=server,
        first_name=person.first_name,
        when=when,
        address=address,
        button_url=server + reverse("accounts:password-forgot"),
        button_label="Set a new password",
    )
