"""Confirm that an e-mail address is a person's own, and change it (app.md 4.5)."""

from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from django.conf import settings
from django.db import IntegrityError, transaction
from django.urls import reverse

from accounts.audit import Event
from accounts.errors import DomainError
from accounts.models import User
from accounts.services import throttle
from accounts.services.mail import send_mail
from accounts.services.mail_facts import MailPointless, makes_link
from accounts.services.sessions import record_for_person
from accounts.services.sign_up import AddressTaken

CONFIRM = "email-confirm"
MAILS = throttle.Limit("confirmation-mail", most=5, seconds=60 * 60)


class LinkSpent(DomainError):
    """The link of a confirmation mail does not work any more."""

    code, status = "link_spent", 404
    message = "This link was used before, or is too old. You can have a new one sent from Your Profile."


class TooManyMails(DomainError):
    """The same address gets no more mails for now."""

    code, status = "too_many_mails", 429
    message = (
        "Five mails went to this address within the hour. Please look among the unwanted mail, and try later."
    )


def is_confirmed(person: User) -> bool:
    """Tell whether the person's address was confirmed."""
    return EmailAddress.objects.filter(user=person, email=person.email, verified=True).exists()


def address_waiting(person: User) -> EmailAddress | None:
    """Return the new address that the person has asked for and not yet confirmed."""
    return EmailAddress.objects.filter(user=person, verified=False).exclude(email=person.email).first()


def is_taken(*, email: str, by_other_than: User | None = None) -> bool:
    """Tell whether somebody else signs in with the address."""
    return User.objects.filter(email=email.lower()).exclude(pk=getattr(by_other_than, "pk", None)).exists()


def send_confirmation(*, person: User, server: str) -> str:
    """Send the link that confirms the address that waits, or else the present one; return that address."""
    address = address_waiting(person)
    if address is None:
        address, _ = EmailAddress.objects.get_or_create(
            user=person, email=person.email, defaults={"primary": True, "verified": False}
        )
    if throttle.take_place(MAILS, address.email) is None:
        raise TooManyMails
    email: str = address.email
    with transaction.atomic():
        record_for_person(Event.EMAIL_CONFIRMATION_SENT, person)
        send_mail(
            "email_confirm",
            to=email,
            subject="Confirm your email address",
            server=server,
            person=person,
            email=email,
            days=settings.ACCOUNT_EMAIL_CONFIRMATION_EXPIRE_DAYS,
            link=(CONFIRM, address.pk),
            button_label="Confirm",
        )
    return email


@makes_link(CONFIRM)
def confirm_path(address_pk: int) -> str:
    """Make the path of a link that confirms an address which is still to be confirmed."""
    address = EmailAddress.objects.filter(pk=address_pk, verified=False).first()
    if address is None:
        raise MailPointless
    return reverse("accounts:email-confirm", kwargs={"key": EmailConfirmationHMAC(address).key})


@transaction.atomic
def ask_for_address(*, person: User, email: str) -> None:
    """Note the new address; it counts once its owner has confirmed it."""
    email = email.lower()
    User.objects.select_for_update().get(pk=person.pk)  # the same form sent twice asks one after the other
    if is_taken(email=email, by_other_than=person):
        raise AddressTaken
    forget_address_waiting(person)
    if email != person.email:
        EmailAddress.objects.create(user=person, email=email, primary=False, verified=False)


def forget_address_waiting(person: User) -> None:
    """Let the link that would confirm a new address lead nowhere."""
    EmailAddress.objects.filter(user=person, verified=False).exclude(email=person.email).delete()


def find_unconfirmed(key: str) -> EmailAddress:
    """Return the address that a link confirms; raise LinkSpent for any link that confirms none."""
    confirmation = EmailConfirmationHMAC.from_key(key)
    if confirmation is None:
        raise LinkSpent
    address: EmailAddress = confirmation.email_address
    return address


def confirm_address(*, key: str, server: str) -> EmailAddress:
    """Make the address the one its person signs in with; tell the address that it replaces."""
    try:
        return take_address(key=key, server=server)
    except IntegrityError as error:  # somebody else took it in this moment
        raise AddressTaken from error


def take_address(*, key: str, server: str) -> EmailAddress:
    """Store the address of a link as its person's own."""
    with transaction.atomic():
        found = find_unconfirmed(key)
        address = EmailAddress.objects.select_for_update().get(pk=found.pk)
        person = User.objects.select_for_update().get(pk=address.user_id)
        before = person.email
        if is_taken(email=address.email, by_other_than=person):
            raise AddressTaken
        EmailAddress.objects.filter(user=person).exclude(pk=address.pk).delete()
        EmailAddress.objects.filter(pk=address.pk).update(verified=True, primary=True)
        User.objects.filter(pk=person.pk).update(email=address.email)
        person.email = address.email
        record_for_person(Event.EMAIL_CONFIRMED, person)
        if before != person.email:
            send_mail(
                "email_changed",
                to=before,
                subject="Your email address was changed",
                server=server,
                person=person,
                email=person.email,
            )
    return address
