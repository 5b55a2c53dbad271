"""Pause the integrations of accounts into which nothing was loaded for more than 40 days (app.md 12.3)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q

from accounts.models import Account
from accounts.services.account_lock import lock_account
from accounts.services.account_turns import for_each_account
from accounts.services.tasks import timed
from integrations.models import BatchTable, DailyRows, Integration, Kind
from integrations.services.integrations import INACTIVITY, pause_by_system
from integrations.services.notifications import raise_notification

INACTIVE_AFTER = timedelta(days=40)


@timed("pause_inactive", every=timedelta(hours=1))
def pause_inactive_accounts(now: datetime) -> None:
    """Pause what runs in every account that is inactive, each in a transaction of its own."""
    for_each_account(
        inactive_accounts(now),
        lambda account: pause_inactive_account(account=account, now=now),
        what="Pausing inactive accounts",
    )


def inactive_accounts(now: datetime) -> list[Account]:
    """Return the accounts whose integrations run, where nothing came, was loaded or was changed for 40 days."""
    since = now - INACTIVE_AFTER
    running = Integration.objects.live().filter(account=OuterRef("pk"), paused_at=None, system_paused_at=None)
    active = Q(updated_at__gt=since) | Q(last_received_at__gt=since)
    found = (
        Account.objects.filter(Exists(running), closed_at=None)
        .exclude(Exists(Integration.objects.filter(active, account=OuterRef("pk"))))
        .exclude(Exists(DailyRows.objects.filter(account=OuterRef("pk"), day__gte=since.date())))
        .order_by("pk")
    )
    accounts = list(found)
    waiting = BatchTable.objects.waiting().filter(account_id__in=[account.pk for account in accounts])
    wait = set(waiting.values_list("account_id", flat=True).distinct())  # what comes and cannot be loaded
    return [account for account in accounts if account.pk not in wait]


@transaction.atomic
def pause_inactive_account(*, account: Account, now: datetime) -> None:
    """Pause every integration that runs, and tell people."""
    locked = lock_account(account)
    running = list(locked.integrations.live().filter(paused_at=None, system_paused_at=None).order_by("pk"))
    if not running:
        return
    for integration in running:
        pause_by_system(
            integration=integration,
            actor=None,
            reason=f"Nothing was loaded for {INACTIVE_AFTER.days} days",
        )
    last = locked.daily_rows.aggregate(last=Max("day"))["last"]
    loaded = f"since {last:%Y-%m-%d}" if last else "so far"
    raise_notification(
        account=locked,
        kind=Kind.ACCOUNT_INACTIVITY,
        cause=INACTIVITY,
        message=(
            f"Nothing was loaded {loaded}, so your integrations were paused after {INACTIVE_AFTER.days} days. Programs "
            "that send data are told that the connection is not active. Resume the integrations that you need."
        ),
        now=now,
    )
