"""Warn when the rows of a usage cycle come near the plan's limit: at 70, 90 and 100 % (app.md 12.3, 13.1).

The highest level reached is told, once in a cycle; a lower one gives way to it. It is over with the cycle, or when the
limit is further away. Loading goes on whatever was reached (app.md 17, row 34).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import Account, Task
from accounts.services.account_lock import lock_account
from accounts.services.account_turns import for_each_account
from accounts.services.plan_effects import Change, register
from accounts.services.tasks import add_task, handles, timed
from accounts.services.usage import counted_rows
from integrations.models import Kind, Notification
from integrations.models.notification import NotificationQuerySet
from integrations.services.notifications import over, raise_notification
from stitchapp.formats import reset_day, thousands

LEVELS = {70: Kind.APPROACHING_ROW_LIMIT, 90: Kind.APPROACHING_ROW_LIMIT, 100: Kind.ROW_LIMIT_REACHED}
KINDS = {kind.stored for kind in LEVELS.values()}
WEIGH = "weigh_rows"
SOON = timedelta(seconds=20)  # loads come many in a second: their rows are weighed together


def rows_were_loaded(account: Account, *, now: datetime) -> None:
    """Have the account's rows weighed soon; call it in the transaction that counts them."""
    add_task(WEIGH, account=account, key=str(account.pk), due_at=now + SOON)


@handles(WEIGH)
def weigh(task: Task) -> None:
    """Compare the rows of the task's account with its limit."""
    if task.account is not None:
        settle_row_warnings(account=task.account, now=timezone.now())


@timed("end_row_warnings", every=timedelta(minutes=15))
def end_row_warnings(now: datetime) -> None:
    """Let warnings end with their cycle, also where nothing is loaded any more."""
    warned = Account.objects.filter(pk__in=standing_warnings().values("account"))
    for_each_account(
        warned.order_by("pk"),
        lambda account: settle_row_warnings(account=account, now=now),
        what="Ending warnings about rows",
    )


def standing_warnings() -> NotificationQuerySet:
    """Return the warnings that are not over, of every account."""
    warnings: NotificationQuerySet = Notification.objects.filter(kind__in=KINDS).standing()
    return warnings


def level_reached(rows: int, limit: int | None) -> int | None:
    """Return the highest level that so many rows have reached; None below all of them, and without a limit."""
    if not limit:
        return None
    return max((level for level in LEVELS if rows * 100 >= limit * level), default=None)


@transaction.atomic
def settle_row_warnings(*, account: Account, now: datetime) -> None:
    """Tell of the highest level that the cycle's rows have reached, and end what was told before."""
    locked = lock_account(account)
    rows, limit = counted_rows(locked, now=now), locked.plan.rows_per_month
    level = level_reached(rows, limit)
    first_day, reset = locked.billing_days(now)
    cause = "" if level is None else f"{first_day}:{level}"
    told = standing_warnings().filter(account=locked)
    over(told.exclude(cause=cause), now=now)
    if level is None or limit is None or told.filter(cause=cause).exists():
        return
    raise_notification(
        account=locked,
        kind=LEVELS[level],
        cause=cause,
        message=(
            f"{thousands(rows)} rows count in this usage cycle: {rows * 100 // limit} % of the {thousands(limit)} of "
            f"your {locked.plan.name} plan. The cycle resets on {reset_day(reset)} (UTC). Loading goes on, beyond the "
            "limit too. To use fewer rows, send less often, pause integrations or choose a larger plan."
        ),
        now=now,
    )


def settle_with(change: Change) -> str:
    """Weigh the rows against the limit of another plan, with the change."""
    settle_row_warnings(account=change.account, now=change.now)
    return ""


register("row_warnings", foretell=lambda change: [], carry_out=settle_with)
