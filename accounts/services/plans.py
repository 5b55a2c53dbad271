"""Change an account's plan, and say beforehand what the change does (decision D7, app.md 13)."""

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.audit import Event, record
from accounts.errors import DomainError
from accounts.models import Account, ApiKey, Plan, User
from accounts.plans import Feature, has_feature
from accounts.services.account_lock import lock_account
from accounts.services.api_keys import disable_every_api_key


class PlanChangeClosed(DomainError):
    """The operator of this server sets plans (PLAN_SELF_SERVICE=false)."""

    code, status = "plan_change_closed", 403
    message = "Plans are set by the people who run this server. Ask them to change yours."


class PlanNotOffered(DomainError):
    """A trial begins with the account; nobody chooses it later."""

    code, status = "plan_not_offered", 409
    message = "The free trial cannot be chosen: an account has one trial, from its start."


def require_self_service() -> None:
    """Raise PlanChangeClosed when only the operator changes plans."""
    if not settings.PLAN_SELF_SERVICE:
        raise PlanChangeClosed


def plans_to_choose(account: Account) -> list[Plan]:
    """Return the plans to show: those that can be chosen, and the one the account has."""
    return [plan for plan in Plan.objects.all() if plan.trial_days is None or plan == account.plan]


def keys_disabled_by(*, account: Account, plan: Plan) -> list[ApiKey]:
    """Return the enabled keys that changing to `plan` now would disable, newest first."""
    if plan == account.plan or (
        plan.api_access and has_feature(account, Feature.CONNECT_API, timezone.now())
    ):
        return []
    return list(account.api_keys.enabled().select_related("created_by"))


def keys_still_disabled_after(*, account: Account, plan: Plan) -> int:
    """Return how many disabled keys changing to `plan` lets people re-enable, one by one (K-14)."""
    if not plan.api_access or has_feature(account, Feature.CONNECT_API, timezone.now()):
        return 0
    return account.api_keys.count()


@transaction.atomic
def change_plan(*, account: Account, actor: User | None, plan: Plan, by_staff: bool = False) -> int:
    """Put the account on `plan` at once; return how many API access keys that disabled.

    A plan without API access disables every key in the same transaction and none comes back by itself
    (K-13, K-14, promise P8). A trial that has run out took the access away already, so that leaving it
    disables the keys too.
    """
    if not by_staff:
        require_self_service()
        if plan.trial_days is not None:
            raise PlanNotOffered
    locked = lock_account(account)
    before = locked.plan
    if before == plan:
        return 0
    had_access = has_feature(locked, Feature.CONNECT_API, timezone.now())
    Account.objects.filter(pk=locked.pk).update(plan=plan)
    account.plan = locked.plan = plan
    record(
        Event.PLAN_CHANGED,
        account=locked,
        actor=actor,
        target=locked,
        target_name=locked.company_name,
        by_staff=by_staff,
        before=before.name,
        after=plan.name,
    )
    if plan.api_access and had_access:
        return 0
    return disable_every_api_key(
        account=locked, actor=actor, by_staff=by_staff, reason=f"Plan changed to {plan.name}"
    )
