"""The custom notification list: addresses beside the members' (app.md 12.4).

Anybody could be put on it, so an address gets one mail, with a link, until whoever reads it has confirmed; the link in
every further mail stops them all, and then only another confirmation brings them back.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.core.signing import BadSignature, Signer, TimestampSigner
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.audit import Event, record
from accounts.errors import DomainError
from accounts.models import Account, ApiKey, User
from accounts.services import throttle
from accounts.services.account_lock import lock_account
from accounts.services.mail import send_mail
from accounts.services.mail_facts import MailPointless, makes_link
from integrations.models import MAX_ADDRESSES, NotificationAddress, NotificationContent
from integrations.models.notification_address import LEAVING, new_nonce

LINK, CONFIRMING = "notification-address", "integrations.notification-address.confirm"
LINK_HOLDS = timedelta(days=7)
# Nobody uses the list to flood a mailbox, or many.
LINKS_TO_ADDRESS = throttle.Limit("notification-link", most=3, seconds=24 * 60 * 60)
LINKS_OF_ACCOUNT = throttle.Limit("notification-links-of-account", most=30, seconds=24 * 60 * 60)


class AddressLimitReached(DomainError):
    """The account has as many addresses as it may have, in whatever state."""

    code, status = "notification_address_limit", 409
    message = "Account not authorized to create additional custom notification email addresses."


class AddressListed(DomainError):
    """The list has the address already."""

    code, status = "notification_address_listed", 409
    message = "This address is on the list already."


class AddressGone(DomainError):
    """Somebody deleted it meanwhile."""

    code, status = "notification_address_gone", 409
    message = "This address was deleted from the list meanwhile."


class TooManyLinks(DomainError):
    """The address, or the account, has had its links for today."""

    code, status = "too_many_links", 429
    message = (
        "Too many links went out within 24 hours, to this address or from this account. Try again tomorrow; what was "
        "sent before can still be confirmed."
    )


class LinkSpent(DomainError):
    """A link that leads to nothing (any more)."""

    code, status = "notification_link_spent", 404
    message = "This link is too old, was replaced by a newer one, or its address was taken from the list."


@transaction.atomic
def add_address(
    *, account: Account, actor: User, email: str, server: str, api_key: ApiKey | None = None
) -> NotificationAddress:
    """Put an address on the list and send it the link to confirm."""
    locked = lock_account(account)  # makes the count below safe
    email = email.strip().lower()
    if locked.notification_addresses.filter(email=email).exists():
        raise AddressListed
    if locked.notification_addresses.count() >= MAX_ADDRESSES:
        raise AddressLimitReached
    address: NotificationAddress = locked.notification_addresses.create(email=email, created_by=actor)
    tell(Event.NOTIFICATION_ADDRESS_ADDED, address, actor, api_key)
    ask(address, server=server)
    return address


@transaction.atomic
def ask_again(*, address: NotificationAddress, actor: User, server: str) -> None:
    """Send another link to an address that is not confirmed; the former ones stop."""
    current = hold(address)
    if current.confirmed_at is not None:
        return
    current.nonce, current.asked_at = new_nonce(), timezone.now()
    current.save(update_fields=["nonce", "asked_at"])
    tell(Event.NOTIFICATION_ADDRESS_ASKED, current, actor)
    ask(current, server=server)


@transaction.atomic
def disable_address(
    *,
    address: NotificationAddress,
    actor: User,
    disabled_at: datetime | None = None,
    api_key: ApiKey | None = None,
) -> None:
    """Send the address nothing until it is enabled again; whatever time is noted, it holds at once."""
    current = hold(address)
    if current.disabled_at is None or (disabled_at is not None and current.disabled_at != disabled_at):
        current.disabled_at = disabled_at or timezone.now()
        current.save(update_fields=["disabled_at"])
        tell(Event.NOTIFICATION_ADDRESS_DISABLED, current, actor, api_key)


@transaction.atomic
def enable_address(*, address: NotificationAddress, actor: User, api_key: ApiKey | None = None) -> None:
    """Send the address mail again, once it is confirmed."""
    current = hold(address)
    if current.disabled_at is not None:
        current.disabled_at = None
        current.save(update_fields=["disabled_at"])
        tell(Event.NOTIFICATION_ADDRESS_ENABLED, current, actor, api_key)


@transaction.atomic
def delete_address(*, address: NotificationAddress, actor: User, api_key: ApiKey | None = None) -> None:
    """Take the address from the list; its links stop, its place is free."""
    lock_account(address.account)
    current = NotificationAddress.objects.select_related("account").filter(pk=address.pk).first()
    if current is not None:
        tell(Event.NOTIFICATION_ADDRESS_DELETED, current, actor, api_key)
        current.delete()


def find_to_confirm(code: str) -> NotificationAddress:
    """Return the address that a link from a mail confirms, confirmed already or not. Raises LinkSpent."""
    try:
        value = TimestampSigner(salt=CONFIRMING, sep=".").unsign(code, max_age=LINK_HOLDS)
    except BadSignature as error:
        raise LinkSpent from error
    pk, _, nonce = value.partition("-")
    return find(pk=int(pk), nonce=nonce)


def find_to_leave(code: str) -> NotificationAddress:
    """Return the address that a link from a mail stops. Raises LinkSpent."""
    try:
        value = Signer(salt=LEAVING, sep=".").unsign(code)
    except BadSignature as error:
        raise LinkSpent from error
    return find(pk=int(value))


def find(**wanted: object) -> NotificationAddress:
    """Return the address that a link names. Raises LinkSpent when there is none (any more)."""
    found = NotificationAddress.objects.select_related("account").filter(**wanted).first()
    if found is None:
        raise LinkSpent
    address: NotificationAddress = found
    return address


@transaction.atomic
def confirm_address(*, address: NotificationAddress, now: datetime) -> None:
    """Send mail to the address from now on: its reader agreed."""
    current = hold(address)
    if current.confirmed_at is None:
        current.confirmed_at, current.left_at = now, None
        current.save(update_fields=["confirmed_at", "left_at"])
        tell(Event.NOTIFICATION_ADDRESS_CONFIRMED, current, None)


@transaction.atomic
def leave_list(*, address: NotificationAddress, now: datetime) -> None:
    """Send the address nothing more: its reader wants it so. Only its reader can take that back."""
    current = hold(address)
    if current.left_at is None:
        current.confirmed_at, current.left_at = None, now
        current.save(update_fields=["confirmed_at", "left_at"])
        tell(Event.NOTIFICATION_ADDRESS_LEFT, current, None)


@transaction.atomic
def change_content(*, account: Account, actor: User, hide_errors: bool) -> None:
    """Say whether mails may quote errors. The same again changes nothing."""
    lock_account(account)
    content, _ = NotificationContent.objects.get_or_create(account=account)
    if content.hide_errors == hide_errors:
        return
    content.hide_errors, content.updated_at = hide_errors, timezone.now()
    content.save(update_fields=["hide_errors", "updated_at"])
    record(
        Event.NOTIFICATION_CONTENT_CHANGED,
        account=account,
        actor=actor,
        target=content,
        target_name="Notification Content",
        hide_errors=hide_errors,
    )


def hides_errors(*, account: Account) -> bool:
    """Tell whether the account's mails may not quote errors."""
    return NotificationContent.objects.filter(account=account, hide_errors=True).exists()


def ask(address: NotificationAddress, *, server: str) -> None:
    """Send the link to confirm. Raises TooManyLinks."""
    if throttle.take_place(LINKS_TO_ADDRESS, address.email) is None:
        raise TooManyLinks
    if throttle.take_place(LINKS_OF_ACCOUNT, str(address.account_id)) is None:
        raise TooManyLinks
    by = address.created_by
    send_mail(
        "notification_address",
        to=address.email,
        subject="Confirm mail about notifications",
        server=server,
        account=address.account,
        link=(LINK, address.pk),
        button_label="Confirm",
        email=address.email,
        company=address.account.company_name,
        inviter=f"{by.get_full_name()} ({by.email})" if by is not None else "",
        days=LINK_HOLDS.days,
    )


@makes_link(LINK)
def confirming_path(pk: int) -> str:
    """Make the path of the link that confirms an address, while it is to be confirmed."""
    address = NotificationAddress.objects.filter(pk=pk, confirmed_at=None).first()
    if address is None:
        raise MailPointless
    code = TimestampSigner(salt=CONFIRMING, sep=".").sign(f"{address.pk}-{address.nonce}")
    path: str = reverse("integrations:notification-address-confirm", args=[code])
    return path


def hold(address: NotificationAddress) -> NotificationAddress:
    """Return the address as it is now, in an account that is locked. Raises AddressGone."""
    lock_account(address.account)
    rows = NotificationAddress.objects.select_related("account", "created_by")
    current: NotificationAddress | None = rows.filter(pk=address.pk).first()
    if current is None:
        raise AddressGone
    return current


def tell(
    event: Event, address: NotificationAddress, actor: User | None, api_key: ApiKey | None = None
) -> None:
    """Record what happened to the address; nobody's hand is that of whoever reads its mail."""
    record(
        event,
        account=address.account,
        actor=actor,
        target=address,
        target_name=address.email,
        api_key=api_key,
    )
