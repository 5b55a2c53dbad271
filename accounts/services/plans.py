"""Change an account's plan, and say beforehand what the change does (decision D7, app.md 13)."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.audit import Event, record
from accounts.errors import DomainError
from accounts.models import Account, Plan, User
from accounts.services.account_lock import lock_account
from accounts.services.plan_effects import Change, Effect, Standing, carry_out, digest_of, foretell
from accounts.services.trials import end_trial_if_over


class PlanChangeClosed(DomainError):
    """The operator of this server sets plans (PLAN_SELF_SERVICE=false)."""

    code, status = "plan_change_closed", 403
    message = "Plans are set by the people who run this server. Ask them to change yours."


class PlanNotOffered(DomainError):
    """A trial begins with the account; nobody chooses it later."""

    code, status = "plan_not_offered", 409
    message = "The free trial cannot be chosen: an account has one trial, from its start."


class EffectsChanged(DomainError):
    """What a change does is not what the person was told: somebody changed something meanwhile."""

    code, status = "effects_changed", 409
    message = (
        "Something changed since this page was opened. Nothing was done yet: read again what the change does, "
        "and confirm it once more."
    )


def require_self_service() -> None:
    """Raise PlanChangeClosed when only the operator changes plans."""
    if not settings.PLAN_SELF_SERVICE:
        raise PlanChangeClosed


def plans_to_choose(account: Account) -> list[Plan]:
    """Return the plans to show: those that can be chosen, and the one the account has."""
    return [plan for plan in Plan.objects.all() if plan.trial_days is None or plan == account.plan]


def standing_of(account: Account, *, now: datetime, plan: Plan | None = None) -> Standing:
    """Return what the account has now, or would have on another plan."""
    plan = plan or account.plan
    return Standing(plan, trial_is_over=account.trial_is_over(now, plan=plan))


def effects_of_plan(*, account: Account, plan: Plan, now: datetime) -> list[Effect]:
    """Return everything that changing to `plan` now would do, by name (app.md 13.2)."""
    if plan == account.plan:
        return []
    before, after = standing_of(account, now=now), standing_of(account, now=now, plan=plan)
    return foretell(Change(account, before, after, now))


def effects_of_trial_end(*, account: Account, now: datetime) -> list[Effect]:
    """Return everything that the end of a running trial will do as things stand; nothing without one."""
    if account.trial_ends_at is None or account.trial_is_over(now):
        return []
    before, after = Standing(account.plan), Standing(account.plan, trial_is_over=True)
    return foretell(Change(account, before, after, now))


@transaction.atomic
def change_plan(
    *,
    account: Account,
    actor: User | None,
    plan: Plan,
    by_staff: bool = False,
    reason: str = "",
    told: str = "",
) -> list[str]:
    """Put the account on `plan` at once, with everything that it brings; return what was done, in sentences.

    A plan without API access disables every key in the same transaction and none comes back by itself
    (K-13, K-14, promise P8). A trial that has run out is ended first, with what its end does. `told` is the digest
    of the effects that the person was shown: if others would happen now, EffectsChanged is raised instead.
    """
    if not by_staff:
        require_self_service()
        if plan.trial_days is not None:
            raise PlanNotOffered
    now = timezone.now()
    locked = lock_account(account)
    before = locked.plan
    if before == plan:
        return []
    if told and told != digest_of(effects_of_plan(account=locked, plan=plan, now=now)):
        raise EffectsChanged
    done = end_trial_if_over(account=locked, now=now)
    change = Change(
        account=locked,
        before=standing_of(locked, now=now),
        after=standing_of(locked, now=now, plan=plan),
        now=now,
        actor=actor,
        by_staff=by_staff,
        reason=f"Plan changed to {plan.name}",
    )
    Account.objects.filter(pk=locked.pk).update(plan=plan, trial_ended_at=None)
    account.plan = locked.plan = plan
    locked.trial_ended_at = None
    detail: dict[str, Any] = {"reason": reason} if reason else {}
    record(
        Event.PLAN_CHANGED,
        account=locked,
        actor=actor,
        target=locked,
        target_name=locked.company_name,
        by_staff=by_staff,
        before=before.name,
        after=plan.name,
        **detail,
    )
    done += carry_out(change)
    return done + end_trial_if_over(account=locked, now=now)  # staff may give a trial back that has run out
