"""The section Post-load hooks of Notification Settings, as its page shows it (app.md 12.4)."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse

from accounts.access import Can, may
from accounts.models import Account
from accounts.plans import Feature, has_feature
from integrations.models import MAX_HOOKS, DeliveryState, Hook
from integrations.services.destinations import main_destination
from integrations.services.hooks import HookLimitReached, NoDestination


@dataclass(frozen=True, slots=True)
class HookRow:
    """One hook: what the row shows, and what its menu offers."""

    hook: Hook
    enabled: bool
    menu: list[dict[str, object]]
    deliveries_url: str

    @property
    def status(self) -> str:
        return "Enabled" if self.enabled else "Disabled"

    @property
    def menu_label(self) -> str:
        return f"Actions for the webhook {self.hook.url}"


def hook_section(request: HttpRequest, *, now: datetime) -> dict[str, object]:
    """Return the context of `integrations/_hooks.html`, in two or three queries."""
    account = request.account
    sold = has_feature(account, Feature.POST_LOAD_HOOKS, now)
    may_manage = may(request.membership, Can.MANAGE_HOOKS)
    rows = hook_rows(account, sold=sold, may_manage=may_manage)
    at_limit = len(rows) >= MAX_HOOKS
    why_not = ""
    if not sold:
        why_not = Feature.POST_LOAD_HOOKS.explanation
    elif at_limit:
        why_not = HookLimitReached.message
    elif main_destination(account=account) is None:
        why_not = NoDestination.message
    return {
        "hook_rows": rows,
        "max_hooks": MAX_HOOKS,
        "may_manage_hooks": may_manage,
        "may_add_hook": may_manage and not why_not,
        "why_no_hook": why_not,
        "may_change_plan": not sold and may(request.membership, Can.MANAGE_PLAN),
    }


def hook_rows(account: Account, *, sold: bool, may_manage: bool) -> list[HookRow]:
    """Return the rows of all hooks, newest first; on a plan without hooks every one counts as disabled."""
    bad = Q(deliveries__state=DeliveryState.FAILED)
    hooks = account.hooks.select_related("destination", "created_by").annotate(
        waiting=Count("deliveries", filter=Q(deliveries__state=DeliveryState.WAITING)),
        failed=Count("deliveries", filter=bad),
    )
    return [
        HookRow(
            hook=hook,
            enabled=hook.is_enabled and sold,
            menu=menu_of(hook, account, sold=sold) if may_manage else [],
            deliveries_url=hook_url(hook, account, "hook-deliveries"),
        )
        for hook in hooks
    ]


def menu_of(hook: Hook, account: Account, *, sold: bool) -> list[dict[str, object]]:
    """Return the row menu: switch off or on, where the plan has hooks at all, and delete."""

    def item(label: str, route: str, **more: object) -> dict[str, object]:
        return {"label": label, "url": hook_url(hook, account, route)} | more

    switch = (
        item("Disable this webhook", "hook-disable", method="post")
        if hook.is_enabled
        else item("Re-enable this webhook", "hook-enable", method="post")
    )
    delete = item("Delete this webhook", "hook-delete", method="dialog", danger=True)
    return [switch, delete] if sold else [delete]


def hook_url(hook: Hook, account: Account, route: str, **more: object) -> str:
    """Return the address of a route of the hook."""
    parts = {"client_id": account.client_id, "hook_id": hook.pk} | more
    return reverse(f"integrations:{route}", kwargs=parts)
