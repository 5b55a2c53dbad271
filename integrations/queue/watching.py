"""Every minute: tell of what no load can tell, and end what was told and is not so any more.

Loads write their notices themselves. This finds data that waits without any error, because loading is slow or does
not run at all, and puts right what a program that died in between left standing.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from django.db.models import Max, OuterRef, Subquery

from accounts.models import Account, Task
from accounts.services.tasks import timed
from integrations.models import (
    BatchTable,
    Destination,
    ErrorScope,
    Integration,
    Kind,
    Notification,
    QueuedTable,
    RejectedRecord,
)
from integrations.models.notification import NotificationQuerySet
from integrations.queue.telling import table_cause, unreadable_cause
from integrations.services.destinations import integrations_into
from integrations.services.notifications import (
    MAILS,
    OF_TABLES,
    clear_notification,
    mail_key,
    no_destination_cause,
    over,
    plan_mails,
    raise_notification,
)
from integrations.services.rejected_records import tell_rejected

LATE = timedelta(minutes=4)  # and a minute until it is seen: promise I12 allows five, whatever hangs
DELAY = "delay"
PIECE = 500


@timed("notifications-watch", every=timedelta(minutes=1))
def watch(now: datetime) -> None:
    """Compare what is told with what is so."""
    watch_delays(now)
    watch_failures(now)
    watch_rejected(now)
    watch_mails(now)


def watch_delays(now: datetime) -> None:
    """Tell the accounts whose data waits for long without a known error; and when it does so no more."""
    oldest = BatchTable.objects.ready(now).filter(queued_table=OuterRef("pk"), error="").order_by("pk")
    late = (
        QueuedTable.objects.filter(error="")
        .with_waiting_shares()
        .annotate(waiting_since=Subquery(oldest.values("batch__received_at")[:1]))
        .filter(waiting_since__lt=now - LATE)
    )
    held = Account.objects.on_hold().values_list("pk", flat=True)  # their people know why their data waits
    pks = set(late.values_list("account_id", flat=True)) - set(held)
    told = Notification.objects.standing().filter(kind=Kind.INTERNAL_LOADING.stored, cause=DELAY)
    for account in Account.objects.filter(pk__in=pks):
        raise_notification(
            account=account,
            kind=Kind.INTERNAL_LOADING,
            cause=DELAY,
            message=(
                f"Data that was accepted more than {LATE // timedelta(minutes=1)} minutes ago is not loaded yet, "
                "and no error is known: loading is slow at present, or does not run."
            ),
            now=now,
        )
    for notification in told.exclude(account__in=pks).select_related("account"):
        clear_notification(account=notification.account, kind=Kind.INTERNAL_LOADING, cause=DELAY, now=now)


def watch_failures(now: datetime) -> None:
    """End what is told of tables and destinations for which nothing fails any more."""
    kinds = [kind.stored for kind in (*OF_TABLES, Kind.DATA_WAREHOUSE_ERROR, Kind.INTERNAL_LOADING)]
    told = Notification.objects.standing().filter(kind__in=kinds).exclude(cause=DELAY)
    stale = [
        pk
        for integration in Integration.objects.filter(notifications__in=told).distinct()
        for pk in stale_of_integration(told, integration)
    ]
    stale += [
        pk
        for destination in Destination.objects.filter(notifications__in=told).distinct()
        for pk in stale_of_destination(told, destination)
    ]
    for start in range(0, len(stale), PIECE):
        over(Notification.objects.filter(pk__in=stale[start : start + PIECE]), now=now)


def stale_of_integration(told: NotificationQuerySet, integration: Integration) -> list[int]:
    """Return what is told of an integration's tables and is not so any more."""
    tables = QueuedTable.objects.filter(integration_id=integration.pk).with_waiting_shares()
    unreadable = BatchTable.objects.waiting().filter(integration_id=integration.pk).exclude(error="")
    failing = list(tables.failing())
    so = {table_cause(table) for table in failing}
    so |= {unreadable_cause(table) for table in tables.filter(pk__in=unreadable.values("queued_table"))}
    if failing:
        so.add(no_destination_cause(integration))
    rows = told.filter(integration=integration).values_list("pk", "cause")
    return [pk for pk, cause in rows if cause not in so]


def stale_of_destination(told: NotificationQuerySet, destination: Destination) -> list[int]:
    """Return what is told of a destination for which nothing waits because of it."""
    into = integrations_into(destination=destination).values_list("pk", flat=True)
    waits = QueuedTable.objects.failing().with_waiting_shares().filter(integration_id__in=list(into))
    if waits.filter(error_scope=ErrorScope.DESTINATION).exists():
        return []
    return list(told.filter(destination=destination).values_list("pk", flat=True))


def watch_rejected(now: datetime) -> None:
    """Let what is told of rejected records follow those that wait, and that the plan still shows."""
    newest = dict(
        RejectedRecord.objects.open()
        .order_by()
        .values_list("integration_id")
        .annotate(newest=Max("rejected_at"))
    )
    told = set(
        Notification.objects.standing()
        .filter(kind=Kind.REJECTED_RECORDS.stored)
        .values_list("integration_id", flat=True)
    )
    wanted: dict[bool, set[int]] = defaultdict(set)
    integrations = Integration.objects.select_related("account__plan").in_bulk(told | set(newest))
    for pk, integration in integrations.items():
        oldest = now - timedelta(days=integration.account.plan.report_days)
        wanted[integration.deleted_at is None and pk in newest and newest[pk] > oldest].add(pk)
    for pk in (wanted[True] - told) | (wanted[False] & told):
        tell_rejected(integration=integrations[pk], now=now)


def watch_mails(now: datetime) -> None:
    """Have mails sent that are long due and that no task is left to send: it was given up."""
    overdue = Notification.objects.open().filter(mail_due_at__lt=now - LATE).select_related("account")
    wanted = {mail_key(each.account, Kind.of(each.kind)): each for each in overdue}
    asked = Task.objects.open().filter(kind=MAILS, key__in=list(wanted)).values_list("key", flat=True)
    for key in wanted.keys() - set(asked):
        plan_mails(account=wanted[key].account, kind=Kind.of(wanted[key].kind), due_at=now)
