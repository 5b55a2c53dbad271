"""Set a new password, with the old one or with a link sent by mail (app.md 4.3, 4.5, promises S5 and S6)."""

import logging

from django.contrib.auth.hashers import make_password
from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.urls import reverse
from django.utils.http import base36_to_int, int_to_base36
from django.views.decorators.debug import sensitive_variables

from accounts.audit import Event
from accounts.errors import DomainError
from accounts.models import Task, User
from accounts.services import throttle
from accounts.services.authentication import forget_failures, may_sign_in
from accounts.services.email_addresses import forget_address_waiting
from accounts.services.mail import send_mail
from accounts.services.mail_facts import MailPointless, makes_link
from accounts.services.second_step import forget_wrong_codes, signed_in_here_before
from accounts.services.session_list import end_other_sessions
from accounts.services.sessions import record_for_person
from accounts.services.task_leases import holding
from accounts.services.tasks import add_task, handles
from stitchapp import request_facts

logger = logging.getLogger("accounts.passwords")
RESET = "password-reset"
REQUESTS = throttle.Limit("password-forgot", most=5, seconds=24 * 60 * 60)
# However many callers ask, one mailbox is not flooded, and none of them is told so: past this number a mail goes out
# once an hour, and whenever its owner asks from where they have signed in before (decision D37).
REQUESTS_FROM_ANYWHERE = throttle.Limit("password-forgot-anywhere", most=25, seconds=24 * 60 * 60)
REQUESTS_IN_A_FLOOD = throttle.Limit("password-forgot-flood", most=1, seconds=60 * 60)
# And one caller does not ask for everybody.
REQUESTS_FROM_HERE = throttle.Limit("password-forgot-here", most=60, seconds=60 * 60)


class TooManyRequests(DomainError):
    """The same address was asked about too often; said alike for known and unknown addresses."""

    code, status = "too_many_requests", 429
    message = "A new password was asked for five times within 24 hours. Use the newest mail, or try tomorrow."


class LinkSpent(DomainError):
    """A link that set a password before, is older than an hour, or was never sent."""

    code, status = "link_spent", 404
    message = "This link has expired. It works once, within an hour of being sent."


def request_reset(*, email: str, server: str) -> None:
    """Send a link if somebody signs in with the address; the caller cannot tell whether one was sent."""
    email = email.strip().lower()
    here = throttle.network_of(request_facts.current().address)
    if throttle.take_place(REQUESTS_FROM_HERE, here) is None:
        raise TooManyRequests("Too many passwords were asked for from here. Please try again in an hour.")
    if throttle.take_place(REQUESTS, here, email) is None:
        raise TooManyRequests
    flood = throttle.take_place(REQUESTS_FROM_ANYWHERE, email) is None
    # Whoever it is: what follows is not in the answer's time.
    add_task(RESET, email=email, server=server, flood=flood)


@handles(RESET)
def look_up_and_send(task: Task) -> None:
    """Have the mail with the link sent, to a person who may sign in."""
    person = User.objects.filter(email=task.facts["email"]).first()
    if person is None or not may_sign_in(person):
        logger.info("password_reset.nobody")
        return
    if task.facts["flood"] and not may_have_another(person):
        logger.warning("password_reset.flood", extra={"person": person.pk})
        return
    with holding(task):
        record_for_person(Event.PASSWORD_RESET_REQUESTED, person)
        send_mail(
            "password_reset",
            to=person.email,
            subject="Set a new password",
            server=task.facts["server"],
            person=person,
            link=(RESET, person.pk),
            button_label="Set a new password",
        )


def may_have_another(person: User) -> bool:
    """Tell whether a mail may go out though too many were asked for from anywhere."""
    if signed_in_here_before(person):
        return True
    return throttle.take_place(REQUESTS_IN_A_FLOOD, person.email) is not None


@makes_link(RESET)
def reset_path(person_pk: int) -> str:
    """Make the path of a link that sets a new password once."""
    person = User.objects.filter(pk=person_pk).first()
    if person is None or not may_sign_in(person):
        raise MailPointless
    code = f"{int_to_base36(person.pk)}-{default_token_generator.make_token(person)}"
    return reverse("accounts:password-reset", kwargs={"code": code})


def find_by_code(code: str) -> User:
    """Return the person whom a link belongs to; raise LinkSpent for any that does not work."""
    uid, _, token = code.partition("-")
    try:
        person: User | None = User.objects.filter(pk=base36_to_int(uid)).first()
    except (ValueError, OverflowError):
        person = None
    if person is None or not may_sign_in(person) or not default_token_generator.check_token(person, token):
        raise LinkSpent
    return person


@sensitive_variables("password")
def reset_password(*, code: str, password: str, server: str) -> User:
    """Set the password with a link, which thereby has done its one success.

    A new address that waits is forgotten: it may have been asked for by whoever was in before.
    """
    hashed = make_password(password)  # before the transaction: it takes its time
    with transaction.atomic():
        User.objects.select_for_update().get(pk=find_by_code(code).pk)  # two clicks at once, one success
        person = find_by_code(code)
        forget_address_waiting(person)
        store_password(person=person, hashed=hashed)
        tell(person, server)
    forget_failures(email=person.email)
    forget_wrong_codes(person)
    return person


@sensitive_variables("password")
def change_password(*, person: User, password: str, server: str, session_key: str = "") -> None:
    """Set the password of a person who has shown the old one; the session with this key may go on."""
    hashed = make_password(password)
    with transaction.atomic():
        store_password(person=person, hashed=hashed, keep=session_key)
        tell(person, server)


def store_password(*, person: User, hashed: str, keep: str = "") -> None:
    """Store the new password; every session opened with the old one ends with its next request."""
    person.password = hashed
    person.save(update_fields=["password"])
    end_other_sessions(person=person, keep=keep, told=False)
    record_for_person(Event.PASSWORD_CHANGED, person)


def tell(person: User, server: str) -> None:
    """Tell the owner of the address, who may not be the one who did it."""
    send_mail(
        "password_changed",
        to=person.email,
        subject="Your password was changed",
        server=server,
        person=person,
        button_url=server + reverse("accounts:password-forgot"),
        button_label="Set a new password",
    )
