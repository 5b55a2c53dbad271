"""Mails about notifications: to whom, when, and how many in one (app.md 12.3).

A mail waits for its kind's delay, and one of a kind without delay for a minute; what is over, or was dismissed, by then
is not mailed. One mail tells of everything of its kind that is due; where there can be many, the next of that kind goes
out an hour later at the earliest. Each cause is mailed once until it is over.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.urls import reverse
from django.utils import timezone

from accounts.models import Account, Task, User
from accounts.services.mail import send_mail
from accounts.services.mail_facts import MailPointless, makes_link
from accounts.services.tasks import handles
from integrations.models import (
    Category,
    ErrorScope,
    Kind,
    Notification,
    NotificationAddress,
    QueuedTable,
)
from integrations.notification_words import ADVICE, LEADS
from integrations.services.destinations import integrations_into
from integrations.services.notification_addresses import hides_errors
from integrations.services.notifications import MAILS, plan_mails
from stitchapp.server_address import own_address

BETWEEN = timedelta(hours=1)
MOST_TOLD, MOST_TABLES = 10, 20
LINK = "notifications"


@handles(MAILS, shown=("notification",))
def carry_out(task: Task) -> None:
    """Send what is due of a kind."""
    if task.account is not None:
        send_due_mails(account=task.account, kind=Kind.of(task.facts["notification"]), now=timezone.now())


@transaction.atomic
def send_due_mails(*, account: Account, kind: Kind, now: datetime) -> int:
    """Write the mails about an account's notifications of a kind that are due; return how many."""
    of_kind = Notification.objects.filter(account=account, kind=kind.stored)
    waiting = of_kind.open().exclude(mail_due_at=None)
    next_at = quiet_until(account, kind)
    sent = 0
    if next_at is None or next_at <= now:
        rows = waiting.filter(mail_due_at__lte=now).select_related("integration", "destination")
        due = list(rows.select_for_update(of=("self",)).order_by("pk"))
        if due:
            of_kind.filter(pk__in=[each.pk for each in due]).update(mailed_at=now, mail_due_at=None)
            sent = write_mails(account, kind, due) if account.closed_at is None else 0
        next_at = now + BETWEEN if due and has_pauses(kind) else None
    left = waiting.order_by("mail_due_at").first()
    if left is not None:
        plan_mails(account=account, kind=kind, due_at=max(left.mail_due_at, next_at or left.mail_due_at))
    return sent


def has_pauses(kind: Kind) -> bool:
    """Tell whether mails of a kind keep a distance: those about tables, of which many can fail one by one."""
    return kind.facts.category in (Category.REPLICATION, Category.INTERNAL)


def quiet_until(account: Account, kind: Kind) -> datetime | None:
    """Return when the next mail of a kind may go out; None for now."""
    if not has_pauses(kind):
        return None
    mailed = Notification.objects.filter(account=account, kind=kind.stored)
    latest: datetime | None = mailed.aggregate(latest=Max("mailed_at"))["latest"]
    return latest + BETWEEN if latest is not None else None


def write_mails(account: Account, kind: Kind, due: list[Notification]) -> int:
    """Write one mail for each person and address; return how many."""
    told = [
        {"note": note, "tables": tables[:MOST_TABLES], "more": max(0, len(tables) - MOST_TABLES)}
        for note in due[:MOST_TOLD]
        for tables in [waiting_tables(note)]
    ]
    people, addresses = recipients(account, kind)
    readers: list[User | NotificationAddress] = [*people, *addresses]
    for reader in readers:
        address = reader if isinstance(reader, NotificationAddress) else None
        send_mail(
            "notification",
            to=reader.email,
            subject=subject_of(kind, due),
            after_name=" Notification - ",
            server=own_address(),
            account=account,
            link=(LINK, account.pk, [each.pk for each in due], address and address.pk),
            button_label=f"Sign In to {settings.PRODUCT_NAME}",
            lead=LEADS.get(kind, "").format(product=settings.PRODUCT_NAME),
            advice=ADVICE.get(kind, "").format(product=settings.PRODUCT_NAME),
            company=account.company_name,
            told=told,
            more=max(0, len(due) - MOST_TOLD),
            shows_errors=kind.facts.raw,
            hides_errors=hides_errors(account=account),
            opt_out=kind.facts.opt_out,
            support=settings.SUPPORT_ADDRESS,
            profile_path=reverse("accounts:profile", args=[account.client_id]),
            address=address,
        )
    return len(readers)


def recipients(account: Account, kind: Kind) -> tuple[list[User], list[NotificationAddress]]:
    """Return the members who get mail of a kind, and the addresses of the custom list that are nobody's of them."""
    members = User.objects.filter(memberships__in=account.memberships.active()).order_by("pk")
    if kind.facts.opt_out:
        members = members.filter(error_mail=True)
    people = list(members)
    theirs = {person.email.lower() for person in people}
    addresses = NotificationAddress.objects.receiving().filter(account=account).order_by("pk")
    return people, [address for address in addresses if address.email.lower() not in theirs]


def subject_of(kind: Kind, due: list[Notification]) -> str:
    """Return the subject of a mail about these."""
    subject = kind.facts.many if kind.facts.many and len(due) > 1 else kind.facts.subject
    integration = due[0].integration
    return subject.format(
        table=due[0].table_name[:100],
        integration=integration.display_name[:100] if integration is not None else "",
        number=len(due),
        product=settings.PRODUCT_NAME,
    )


def waiting_tables(notification: Notification) -> list[str]:
    """Return the tables that wait for a destination, as integration and table; none for another cause."""
    if notification.destination is None:
        return []
    names = dict(integrations_into(destination=notification.destination).values_list("pk", "display_name"))
    tables = (
        QueuedTable.objects.failing()
        .with_waiting_shares()
        .filter(integration_id__in=list(names), error_scope=ErrorScope.DESTINATION)
        .order_by("integration_id", "table_name")
    )
    return [f"{names[table.integration_id]}: {table.table_name}" for table in tables]


@makes_link(LINK)
def page_path(account_pk: int, pks: list[int], address_pk: int | None = None) -> str:
    """Make the path of the mail's button, while something that it tells of stands and its reader wants it."""
    if address_pk is not None and not NotificationAddress.objects.receiving().filter(pk=address_pk).exists():
        raise MailPointless
    standing = (
        Notification.objects.standing().filter(pk__in=pks, account=account_pk).select_related("account")
    )
    first = standing.first()
    if first is None:
        raise MailPointless
    path: str = reverse("integrations:notifications", args=[first.account.client_id])
    return path
