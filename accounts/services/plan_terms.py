"""What a plan sells, as the operators of this server set it (decision D7)."""

from typing import Any

from django.db import transaction

from accounts.audit import Event, record
from accounts.models import Plan, User
from accounts.services.account_lock import lock_account
from accounts.services.api_keys import disable_every_api_key


@transaction.atomic
def change_plan_terms(*, plan: Plan, actor: User, terms: dict[str, Any]) -> int:
    """Set a plan's columns for all of its accounts; return how many API access keys that disabled.

    A plan that loses API access disables its accounts' keys as a downgrade does (K-13, promise P8).
    """
    current = Plan.objects.select_for_update().get(pk=plan.pk)
    changes = {name: [getattr(current, name), value] for name, value in terms.items()}
    changes = {name: change for name, change in changes.items() if change[0] != change[1]}
    if not changes:
        return 0
    Plan.objects.filter(pk=plan.pk).update(**{name: after for name, (_, after) in changes.items()})
    record(
        Event.STAFF_CHANGED,
        account=None,
        actor=actor,
        target=plan,
        target_name=plan.name,
        by_staff=True,
        changes=changes,
    )
    if changes.get("api_access") != [True, False]:
        return 0
    return sum(
        disable_every_api_key(
            account=lock_account(account),
            actor=actor,
            by_staff=True,
            reason=f"The plan {plan.name} lost API access",
        )
        for account in plan.accounts.order_by("pk")
    )


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
