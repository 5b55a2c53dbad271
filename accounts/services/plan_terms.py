"""What a plan sells, as the operators of this server set it (decision D7)."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.audit import Event, record
from accounts.models import Account, Plan, User
from accounts.services.account_lock import lock_account
from accounts.services.plan_effects import Change, carry_out
from accounts.services.plans import standing_of
from accounts.services.trials import end_trial_if_over


@transaction.atomic
def change_plan_terms(*, plan: Plan, actor: User, terms: dict[str, Any]) -> list[str]:
    """Set a plan's columns for all of its accounts, with everything that it brings them (K-13, promise P8).

    Returns what was done, in sentences that name the account. A plan that loses a feature is to its accounts
    what a downgrade is.
    """
    current = Plan.objects.select_for_update().get(pk=plan.pk)
    former = Plan.objects.get(pk=plan.pk)
    changes = {name: [getattr(current, name), value] for name, value in terms.items()}
    changes = {name: change for name, change in changes.items() if change[0] != change[1]}
    if not changes:
        return []
    for name, (_, after) in changes.items():
        setattr(current, name, after)
    current.save(update_fields=list(changes))
    record(
        Event.STAFF_CHANGED,
        account=None,
        actor=actor,
        target=plan,
        target_name=plan.name,
        by_staff=True,
        changes=changes,
    )
    lost = changes.get("api_access") == [True, False]
    reason = f"The plan {former.name} lost API access" if lost else f"The plan {former.name} changed"
    now, done = timezone.now(), []
    for account in current.accounts.order_by("pk"):
        locked = lock_account(account)
        if not locked.trial_is_over(now, plan=current):
            Account.objects.filter(pk=locked.pk).update(trial_ended_at=None)  # it was given more days
            locked.trial_ended_at = None
        change = Change(
            account=locked,
            before=standing_of(locked, now=now, plan=former),
            after=standing_of(locked, now=now, plan=current),
            now=now,
            actor=actor,
            by_staff=True,
            reason=reason,
        )
        for sentence in [*carry_out(change), *end_trial_if_over(account=locked, now=now)]:
            done.append(f"{locked}: {sentence}")
    return done


@transaction.atomic
def create_plan(*, actor: User, terms: dict[str, Any]) -> Plan:
    """Offer another plan."""
    plan = Plan.objects.create(**terms)
    record(
        Event.STAFF_CHANGED,
        account=None,
        actor=actor,
        target=plan,
        target_name=plan.name,
        by_staff=True,
        created=True,
    )
    return plan
