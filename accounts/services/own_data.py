"""What the product holds on a person, as they may have it: their own, without secrets and without others' data."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from allauth.account.models import EmailAddress
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.audit import Event
from accounts.audit_lines import LABELS
from accounts.devices import device_words
from accounts.models import ApiKey, AuditEvent, User
from accounts.services.passkeys import name_of
from accounts.services.second_factor import second_factors_of
from accounts.services.session_list import sessions_of
from accounts.services.sessions import record_for_person

Part = Callable[[User], list[dict[str, Any]]]
PARTS: dict[str, Part] = {}


def part_of_own_data(name: str) -> Callable[[Part], Part]:
    """Register what else is held on a person; import its module from the app's `ready`."""

    def register(part: Part) -> Part:
        PARTS[name] = part
        return part

    return register


@transaction.atomic
def record_download(*, person: User) -> None:
    """Note that the data went out."""
    record_for_person(Event.DATA_DOWNLOADED, person)


def own_data(person: User) -> Iterator[str]:
    """Yield the JSON document piece by piece: a trail may be long."""
    document: dict[str, Any] = {
        "made_at": timezone.now(),
        "profile": profile(person),
        "memberships": memberships(person),
        "sign_in": sign_in(person),
        "sessions": sessions(person),
        "api_access_keys": api_keys(person),
    } | {name: part(person) for name, part in sorted(PARTS.items())}
    yield dumped(document)[:-1] + ', "activity": ['
    separator = ""
    for event in AuditEvent.objects.filter(actor=person).select_related("account").iterator(chunk_size=500):
        yield separator + dumped(activity(event, person))
        separator = ", "
    yield "]}"


def dumped(value: object) -> str:
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)


def profile(person: User) -> dict[str, Any]:
    addresses = EmailAddress.objects.filter(user=person).order_by("pk")
    return {
        "first_name": person.first_name,
        "last_name": person.last_name,
        "email": person.email,
        "addresses": [{"email": one.email, "confirmed": one.verified} for one in addresses],
        "receives_error_mail": person.error_mail,
        "receives_sign_in_alerts": person.sign_in_alerts,
        "joined_at": person.date_joined,
        "last_signed_in_at": person.last_login,
        "is_staff": person.is_staff,
    }


def memberships(person: User) -> list[dict[str, Any]]:
    return [
        {
            "client_id": membership.account.client_id,
            "company_name": membership.account.company_name,
            "role": membership.get_role_display(),
            "invoice_admin": membership.invoice_admin,
            "since": membership.created_at,
            "deactivated_at": membership.deactivated_at,
        }
        for membership in person.memberships.select_related("account").order_by("pk")
    ]


def sign_in(person: User) -> dict[str, Any]:
    factors = second_factors_of(person)
    app = factors.app
    return {
        "authenticator_app": {"added_at": app.created_at, "last_used_at": app.last_used_at} if app else None,
        "unused_recovery_codes": factors.codes_left,
        "passkeys": [
            {"name": name_of(passkey), "added_at": passkey.created_at, "last_used_at": passkey.last_used_at}
            for passkey in factors.passkeys
        ],
    }


def sessions(person: User) -> list[dict[str, Any]]:
    return [
        {
            "device": device_words(session.user_agent),
            "browser_says": session.user_agent,
            "address": session.ip,
            "signed_in_at": session.created_at,
            "last_seen_at": session.last_seen_at,
        }
        for session in sessions_of(person)
    ]


def api_keys(person: User) -> list[dict[str, Any]]:
    """What describes each key that the person made or owns; the secrets are not known."""
    own = ApiKey.objects.filter(Q(created_by=person) | Q(handed_to=person)).select_related("account")
    return [
        {
            "client_id": key.account.client_id,
            "description": key.description,
            "last_four": key.last_four,
            "created_at": key.created_at,
            "disabled_at": key.disabled_at,
            "last_used_at": key.last_used_at,
            "last_used_address": key.last_used_address,
        }
        for key in own.order_by("pk")
    ]


def activity(event: AuditEvent, person: User) -> dict[str, Any]:
    """One thing the person did. What it was done to is named by number, unless it is themselves: it may be others."""
    is_self = event.object_type == "user" and event.object_id == person.pk
    return {
        "at": event.at,
        "event": event.event,
        "what_happened": LABELS.get(event.event, event.event),
        "client_id": event.account.client_id if event.account else None,
        "object_type": event.object_type,
        "object_id": event.object_id,
        "object_name": event.object_name if is_self else "",
        "address": event.address,
        "route": event.route,
        "request_id": event.request_id,
    }
