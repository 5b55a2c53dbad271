"""The end of a free trial: what it sold ends as in a downgrade, and integrations are paused (app.md 13.1; 17, row 4).

From the moment a trial has run out, keys and tokens are refused; this is what writes it down, soon after.
"""

from datetime import datetime, timedelta

from django.db import transaction

from accounts.audit import Event, record
from accounts.errors import DomainError
from accounts.models import Account
from accounts.services.account_lock import lock_account
from accounts.services.account_turns import for_each_account
from accounts.services.plan_effects import Change, Standing, carry_out
from accounts.services.tasks import timed


class TrialIsOver(DomainError):
    """Nothing runs between the end of a trial and the choice of a plan."""

    code, status = "trial_is_over", 403
    message = (
        "Your free trial has ended. Choose a plan on the Billing page; then integrations can be resumed."
    )


def require_no_ended_trial(account: Account, now: datetime) -> None:
    """Raise TrialIsOver when the account's trial has run out and no plan was chosen."""
    if account.trial_is_over(now):
        raise TrialIsOver


@transaction.atomic
def end_trial_if_over(*, account: Account, now: datetime) -> list[str]:
    """Carry out the end of a trial that has run out, once; return what was done, in sentences."""
    locked = lock_account(account)
    if locked.trial_ended_at is not None or not locked.trial_is_over(now):
        return []
    Account.objects.filter(pk=locked.pk).update(trial_ended_at=now)
    account.trial_ended_at = locked.trial_ended_at = now
    record(Event.TRIAL_ENDED, account=locked, actor=None, target=locked, target_name=locked.company_name)
    return carry_out(
        Change(
            account=locked,
            before=Standing(locked.plan),
            after=Standing(locked.plan, trial_is_over=True),
            now=now,
            reason="The free trial ended",
        )
    )


@timed("end_trials", every=timedelta(minutes=1))
def end_trials(now: datetime) -> None:
    """Carry out the end of every trial that has run out, each in a transaction of its own."""
    begun = Account.objects.filter(
        plan__trial_days__isnull=False, trial_started_at__isnull=False, trial_ended_at=None, closed_at=None
    )
    over = [account for account in begun.select_related("plan").order_by("pk") if account.trial_is_over(now)]
    for_each_account(over, lambda account: end_trial_if_over(account=account, now=now), what="Ending trials")
