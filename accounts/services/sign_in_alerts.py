"""Tell a person of a sign-in from a device or place that they have not used before."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from accounts.audit import Event
from accounts.models import AuditEvent, User
from accounts.services.mail import send_mail
from accounts.services.sessions import record_for_person
from accounts.services.throttle import network_of
from stitchapp import request_facts
from stitchapp.formats import key_time

REMEMBERED_FOR = timedelta(days=90)


def is_unfamiliar(person: User, *, device: str) -> bool:
    """Tell whether the person has signed in before, and not from here with this kind of browser.

    The trail remembers. Events from before it named devices speak for their address alone.
    """
    before = AuditEvent.objects.filter(actor=person, event=Event.SIGNED_IN.value)
    address = request_facts.current().address
    same = Q(detail__device=device, detail__network=network_of(address)) | Q(
        detail__device__isnull=True, address=address
    )
    recently = before.filter(at__gt=timezone.now() - REMEMBERED_FOR)
    return before.exists() and not recently.filter(same).exists()


def send_alert(person: User, *, device: str, server: str) -> None:
    """Send the mail, unless the person wants none."""
    if not person.sign_in_alerts:
        return
    address, when = request_facts.current().address or "an unknown address", key_time(timezone.now())
    send_mail(
        "sign_in_alert",
        to=person.email,
        subject="A sign-in from a new device or place",
        server=server,
        first_name=person.first_name,
        device=device,
        address=address,
        when=when,
        button_url=server + reverse("accounts:security"),
        button_label="See where you are signed in",
    )


@transaction.atomic
def set_sign_in_alerts(*, person: User, wanted: bool) -> None:
    """Switch the mails on or off."""
    if person.sign_in_alerts == wanted:
        return
    person.sign_in_alerts = wanted
    person.save(update_fields=["sign_in_alerts"])
    before, after = ("off", "on") if wanted else ("on", "off")
    record_for_person(Event.SIGN_IN_ALERTS_CHANGED, person, before=before, after=after)
