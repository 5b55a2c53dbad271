"""Tell an account's people what happens, and stop when it is over (app.md 12).

One row for each cause: what happens again is counted on it. A cause that comes back within an hour of its end
takes its row up again, so that one that comes and goes makes neither a list nor a row of mails.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, F, Q, QuerySet

from accounts.audit import Event, record
from accounts.models import Account, User
from accounts.services.tasks import add_task
from integrations.models import Category, Destination, Integration, Kind, Notification
from integrations.models.notification import NotificationQuerySet
from stitchapp.look_ups import WrittenOnce

COMES_BACK = timedelta(hours=1)
MAILS, GATHERING = "notification-mails", timedelta(minutes=1)
MAX_DETAILS, MAX_DISMISSED = 10_000, 1_000
OF_TABLES = (Kind.ERROR_PERSISTING_TABLE, Kind.DATA_LOADING_ERROR, Kind.UNABLE_TO_LOAD)


@transaction.atomic
def raise_notification(
    *,
    account: Account,
    kind: Kind,
    cause: str,
    message: str,
    details: str = "",
    integration: Integration | None = None,
    destination: Destination | None = None,
    table_name: str = "",
    now: datetime,
) -> Notification | None:
    """Tell of a cause, or count that it happened again; return it, or None when it was dismissed and still stands.

    Call it in the transaction of what happened. `cause` tells causes of one kind apart, within the account.
    """
    seen = {
        "message": message,
        "details": details[:MAX_DETAILS],
        "integration": integration,
        "destination": destination,
        "table_name": table_name,
        "latest_at": now,
    }
    same: NotificationQuerySet = Notification.objects.filter(account=account, kind=kind.stored, cause=cause)
    if not same.standing().update(occurrences=F("occurrences") + 1, **seen):
        begin(same, account=account, kind=kind, cause=cause, seen=seen, now=now)
    found: Notification = same.standing().get()
    return found if found.is_open else None


def begin(
    same: NotificationQuerySet,
    *,
    account: Account,
    kind: Kind,
    cause: str,
    seen: Mapping[str, object],
    now: datetime,
) -> None:
    """Take up what was over a moment ago, or make a new row."""
    try:
        with transaction.atomic():
            recent = same.filter(cleared_at__gt=now - COMES_BACK).order_by("-cleared_at", "-pk").first()
            if recent is not None:
                again: dict[str, object] = {
                    "cleared_at": None,
                    "dismissed_at": None,
                    "dismissed_by": None,
                    "began_at": now,
                }
                if recent.mailed_at is None:
                    again["mail_due_at"] = now + kind.facts.delay
                    plan_mails(account=account, kind=kind, due_at=now + kind.facts.delay)
                same.filter(pk=recent.pk).update(occurrences=F("occurrences") + 1, **again, **seen)
                return
            Notification.objects.create(
                account=account,
                kind=kind.stored,
                cause=cause,
                began_at=now,
                mail_due_at=now + kind.facts.delay,
                **seen,
            )
            plan_mails(account=account, kind=kind, due_at=now + kind.facts.delay)
    except IntegrityError:  # notification_one_per_cause: somebody else told of it in the same moment
        same.standing().update(occurrences=F("occurrences") + 1, **seen)


def plan_mails(*, account: Account, kind: Kind, due_at: datetime) -> None:
    """Have a worker send the mails of a kind by then; those without delay wait a moment for others like them."""
    wait = timedelta(0) if kind.facts.delay or kind.facts.category is Category.ACCOUNT else GATHERING
    add_task(
        MAILS,
        account=account,
        key=mail_key(account, kind),
        due_at=due_at + wait,
        notification=kind.stored,
    )


def mail_key(account: Account, kind: Kind) -> str:
    """Name the task that sends an account's mails of a kind; there is one at most."""
    return f"{account.pk}:{kind.stored}"


def clear_notification(*, account: Account, kind: Kind, cause: str, now: datetime) -> None:
    """Note that a cause is over. Without one nothing happens."""
    over(Notification.objects.filter(account=account, kind=kind.stored, cause=cause), now=now)


def clear_causes(*, account: Account, causes: Iterable[str], now: datetime) -> None:
    """Note that causes are over, whatever kind they were told as."""
    over(Notification.objects.filter(account=account, cause__in=list(causes)), now=now)


def clear_kinds(*, account: Account, kinds: Iterable[Kind], cause: str, now: datetime) -> None:
    """Note that a cause is over where it is told as one of the kinds."""
    stored = [kind.stored for kind in kinds]
    over(Notification.objects.filter(account=account, kind__in=stored, cause=cause), now=now)


def clear_other_causes(*, integration: Integration, kind: Kind, causes: Iterable[str], now: datetime) -> None:
    """Note that everything of a kind is over about an integration, but for the causes."""
    of_kind = Notification.objects.filter(
        account=integration.account_id, integration=integration, kind=kind.stored
    )
    over(of_kind.exclude(cause__in=list(causes)), now=now)


def clear_integration(*, integration: Integration, now: datetime) -> None:
    """Note that nothing about an integration is to be told any more."""
    over(Notification.objects.filter(account=integration.account_id, integration=integration), now=now)


def clear_destination(*, destination: Destination, now: datetime) -> None:
    """Note that nothing about a destination is to be told any more."""
    over(Notification.objects.filter(account=destination.account_id, destination=destination), now=now)


def clear_tables(*, integrations: Iterable[Integration], now: datetime) -> None:
    """Note that what kept tables of integrations from being loaded is over: they are loaded elsewhere now."""
    of_tables = [kind.stored for kind in OF_TABLES]
    over(Notification.objects.filter(integration__in=list(integrations), kind__in=of_tables), now=now)


def no_destination_cause(integration: Integration) -> str:
    """Name an integration as one whose data has nowhere to go."""
    return f"no destination:{integration.pk}"


@transaction.atomic
def dismiss_notification(*, notification: Notification, actor: User, now: datetime) -> bool:
    """Hide an open notification from everybody until its cause is over; False when it is not open any more."""
    mine = Notification.objects.open().filter(pk=notification.pk)
    if not mine.update(dismissed_at=now, dismissed_by=actor, mail_due_at=None):
        return False
    record(
        Event.NOTIFICATION_DISMISSED,
        account=notification.account,
        actor=actor,
        target=notification,
        target_name=notification.message,
        kind=notification.facts.name,
    )
    return True


@transaction.atomic
def dismiss_every_notification(*, account: Account, actor: User, now: datetime) -> int:
    """Hide all that was open until now from everybody; return how many. What begins after `now` stays."""
    shown = Notification.objects.open().filter(account=account, began_at__lte=now).select_related("account")
    return sum(
        dismiss_notification(notification=notification, actor=actor, now=now)
        for notification in shown.order_by("pk")[:MAX_DISMISSED]
    )


def over(notifications: NotificationQuerySet, *, now: datetime) -> int:
    """Mark what stands among them as over, and let no mail tell of it."""
    cleared: int = notifications.standing().update(cleared_at=now, mail_due_at=None)
    return cleared


def open_by_account(account: int) -> QuerySet[Notification, Any]:
    """Return one row with the number that are open; none where there is none."""
    open_ones = Notification.objects.open().filter(account=account).order_by()
    rows: QuerySet[Notification, Any] = (
        open_ones.values("account").annotate(number=Count("pk")).values_list("number")
    )
    return rows


number_open = WrittenOnce(Notification, open_by_account)


def count_open(*, account: Account) -> int:
    """Return the number in the top bar, by one query: every page asks."""
    return sum(number for (number,) in number_open.rows(account.pk))


def clear_other_kinds(*, account: Account, kind: Kind, cause: str, now: datetime) -> None:
    """Note that a cause is not told as another kind any more: what is wrong with it has changed."""
    others = Notification.objects.filter(Q(account=account, cause=cause) & ~Q(kind=kind.stored))
    over(others, now=now)
