"""Pause the integrations of accounts that stay on hold: what waits for them takes room from everybody (app.md 11)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import Account
from accounts.services.account_lock import lock_account
from accounts.services.account_turns import for_each_account
from accounts.services.holds import HELD_FOR_LONG, is_held_for_long
from accounts.services.tasks import timed
from integrations.services.integrations import pause_by_system


@timed("pause_long_holds", every=timedelta(hours=1))
def pause_long_holds(now: datetime) -> None:
    """Pause what runs in every account that has been on hold for long, each in a transaction of its own."""
    held = Account.objects.on_hold().filter(closed_at=None).order_by("pk")
    for_each_account(
        [account for account in held if is_held_for_long(account, now)],
        lambda account: pause_running(account=account, now=now),
        what="Pausing what stays on hold",
    )


@transaction.atomic
def pause_running(*, account: Account, now: datetime) -> None:
    """Pause the integrations that run; what was accepted is kept, and loaded once the hold is lifted."""
    locked = lock_account(account)
    if not is_held_for_long(locked, now):
        return
    for integration in (
        locked.integrations.live().filter(paused_at=None, system_paused_at=None).order_by("pk")
    ):
        pause_by_system(
            integration=integration,
            actor=None,
            reason=f"The account has been on hold for {HELD_FOR_LONG.days} days",
        )
