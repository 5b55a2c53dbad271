"""Passkeys: a key pair in a device or password manager, opened by finger, face or PIN. Two factors in one.

What a browser sends is checked by django-allauth and python-fido2; whatever they stumble over in it is one refusal.
"""

from __future__ import annotations

import json
import logging
import struct
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth
from cryptography.exceptions import InvalidSignature
from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import QuerySet

from accounts.audit import Event
from accounts.errors import DomainError
from accounts.models import User
from accounts.services import throttle
from accounts.services.authentication import may_sign_in
from accounts.services.second_factor import authenticators_of, first_codes, remove_dangling_codes, tell
from accounts.services.session_list import end_other_sessions
from accounts.services.sessions import record_for_person
from stitchapp import request_facts

logger = logging.getLogger("accounts.passkeys")
MAX_PASSKEYS = 10
MAX_CREDENTIAL_LENGTH = 20_000
TRIES_FROM_HERE = throttle.Limit("passkey", most=60, seconds=15 * 60)
MALFORMED = (
    ValidationError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    IndexError,
    RecursionError,  # brackets in brackets
    struct.error,  # binary parts that end too early
    InvalidSignature,
)


class PasskeyRefused(DomainError):
    """What the browser sent is no answer to what it was asked."""

    code, status = "passkey_refused", 422
    message = "This passkey was not accepted. Try again, or sign in with your password."


class PasskeyNotAdded(DomainError):
    """The browser made no passkey, or one that does not ask who uses it."""

    code, status = "passkey_not_added", 422
    message = (
        "No passkey arrived from your browser. It takes JavaScript, and a device or password manager that asks for "
        "your finger, face or PIN. Try again."
    )


class TooManyPasskeys(DomainError):
    """A person has ten passkeys."""

    code, status = "too_many_passkeys", 409
    message = f"You have {MAX_PASSKEYS} passkeys. Remove one to add another."


class TooManyTries(DomainError):
    """More passkeys were tried from one place than people sit there."""

    code, status = "too_many_passkey_tries", 429

    def __init__(self, minutes: int) -> None:
        unit = "minute" if minutes == 1 else "minutes"
        super().__init__(
            f"Too many passkeys were tried from here. Try again in {minutes} {unit}, or use your password."
        )


def passkeys_of(person: User) -> QuerySet[Authenticator]:
    """Return the person's passkeys, oldest first."""
    return authenticators_of(person).filter(type=Authenticator.Type.WEBAUTHN).order_by("pk")


def options_to_add(person: User) -> str:
    """Return, as JSON, what the browser needs to make a passkey; the session remembers the challenge."""
    if passkeys_of(person).count() >= MAX_PASSKEYS:
        raise TooManyPasskeys
    return as_json(auth.begin_registration(person, True))


def options_to_sign_in() -> str:
    """Return, as JSON, what the browser needs to show a passkey of anybody's; the session remembers the challenge."""
    here = throttle.network_of(request_facts.current().address)
    if throttle.take_place(TRIES_FROM_HERE, here) is None:
        raise TooManyTries(throttle.minutes_to_wait(TRIES_FROM_HERE, here))
    return as_json(auth.begin_authentication(None))


def as_json(options: dict[str, Any]) -> str:
    return json.dumps(plain(options), cls=DjangoJSONEncoder)


def plain(value: Any) -> Any:
    """Return what the library calls a mapping as a dict, all the way down, without what is not set."""
    if hasattr(value, "keys"):
        return {key: plain(value[key]) for key in value if value[key] is not None}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return value


def add_passkey(*, person: User, name: str, credential: str, server: str, session_key: str = "") -> list[str]:
    """Store the passkey that the browser has made; return the recovery codes if they were made with it.

    With the first factor every other session ends: each was opened by the password alone.
    """
    try:
        answer = json.loads(credential)
        auth.parse_registration_response(answer)
        made = auth.complete_registration(answer)
    except MALFORMED as error:
        logger.info("passkey.not_added", extra={"reason": type(error).__name__})
        raise PasskeyNotAdded from error
    if not made.is_user_verified():
        raise PasskeyNotAdded
    with transaction.atomic():
        User.objects.select_for_update().get(pk=person.pk)
        if passkeys_of(person).count() >= MAX_PASSKEYS:
            raise TooManyPasskeys
        auth.WebAuthn.add(person, name, answer)
        record_for_person(Event.PASSKEY_ADDED, person, passkey=name)
        codes = first_codes(person)
        if codes:
            end_other_sessions(person=person, keep=session_key, told=False)
        tell(
            person,
            server,
            "A passkey was added",
            f"The passkey “{name}” was added: whoever holds it can sign in with your name.",
        )
    return codes


def remove_passkey(*, person: User, passkey: Authenticator, server: str) -> None:
    """Take a passkey away, and with the last factor the recovery codes."""
    name = name_of(passkey)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=person.pk)
        removed, _ = passkeys_of(person).filter(pk=passkey.pk).delete()
        if not removed:
            return
        record_for_person(Event.PASSKEY_REMOVED, person, passkey=name)
        remove_dangling_codes(person)
        tell(
            person,
            server,
            "A passkey was removed",
            f"The passkey “{name}” was removed: it opens nothing any more.",
        )


def name_of(passkey: Authenticator) -> str:
    return str(passkey.data["name"])


def has_passkeys(person: User) -> bool:
    """Tell whether the person can show a passkey."""
    return passkeys_of(person).exists()


def check_passkey(*, credential: str, person: User | None = None) -> Authenticator:
    """Return whose passkey answered the challenge: somebody who may sign in, or just this person.

    Raises PasskeyRefused, alike for every reason. A refusal is logged; it names nobody whom it does not prove.
    """
    try:
        answer = json.loads(credential)
        owner = auth.extract_user_from_response(answer)
        assert isinstance(owner, User)  # noqa: S101 - the library asks AUTH_USER_MODEL
        auth.parse_authentication_response(answer)
        if (person is not None and owner != person) or not may_sign_in(owner):
            raise PasskeyRefused
        found: Authenticator = auth.complete_authentication(owner, answer)
    except MALFORMED as error:
        logger.info("passkey.refused", extra={"reason": type(error).__name__})
        raise PasskeyRefused from error
    return found
