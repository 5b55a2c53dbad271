"""The Billing tab, and changing the plan (app.md 13, decision D7)."""

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import Can, allow, may
from accounts.models import Plan
from accounts.plan_words import losses, plan_facts, price_words, trial_words
from accounts.services.plans import (
    change_plan,
    keys_disabled_by,
    keys_still_disabled_after,
    plans_to_choose,
    require_self_service,
)
from accounts.services.usage import credits_of, usage_of
from accounts.settings_tabs import settings_tabs
from stitchapp.charts import cumulative_bars, cycle_bars, quota
from stitchapp.rendering import render_page


@allow(Can.VIEW_ACCOUNT)
@require_safe
def billing(request: HttpRequest) -> HttpResponse:
    """Show the plan, its limits, and the usage of this period."""
    account, now = request.account, timezone.now()
    usage, limit = usage_of(account, now=now), account.plan.rows_per_month
    context = {
        "settings_tabs": settings_tabs(account, "accounts:billing"),
        "plan": account.plan,
        "price": price_words(account.plan),
        "facts": plan_facts(account.plan),
        "trial": trial_words(account, now),
        "trial_is_over": account.trial_is_over(now),
        "usage": usage,
        "remaining": None if limit is None else max(limit - usage.counted, 0),
        "quota": quota(usage.counted, limit),
        "cycle_chart": cumulative_bars(usage.days, cycle_days=(usage.reset_day - usage.first_day).days),
        "previous_chart": cycle_bars(
            [(cycle.first_day, cycle.last_day, cycle.rows) for cycle in usage.previous]
        ),
        "credits": credits_of(account, now=now),
        "may_change_plan": settings.PLAN_SELF_SERVICE and may(request.membership, Can.MANAGE_PLAN),
        "self_service": settings.PLAN_SELF_SERVICE,
    }
    return render_page(request, "accounts/billing.html", context)


@allow(Can.MANAGE_PLAN)
@require_safe
def plan_list(request: HttpRequest) -> HttpResponse:
    """Show the plans to choose from."""
    require_self_service()
    plans = [
        {
            "plan": plan,
            "price": price_words(plan),
            "facts": plan_facts(plan),
            "is_current": plan == request.account.plan,
        }
        for plan in plans_to_choose(request.account)
    ]
    return render_page(request, "accounts/plan_list.html", {"plans": plans})


@allow(Can.MANAGE_PLAN)
@require_http_methods(["GET", "POST"])
def plan_change(request: HttpRequest, plan_slug: str) -> HttpResponse:
    """Say what changing to a plan does; then do it, at once."""
    require_self_service()
    account, plan = request.account, chosen_plan(request, plan_slug)
    if request.method == "POST":
        disabled = change_plan(account=account, actor=request.user, plan=plan)
        messages.success(request, f"Your plan is now {plan.name}.{disabled_words(disabled)}")
        return redirect("accounts:billing", client_id=account.client_id)
    context = {
        "plan": plan,
        "change": {
            "plan": plan,
            "before": account.plan,
            "price": price_words(plan),
            "losses": losses(account.plan, plan),
            "keys": keys_disabled_by(account=account, plan=plan),
            "still_disabled": keys_still_disabled_after(account=account, plan=plan),
        },
        "title": f"Change your plan to {plan.name}?",
        "verb": f"Change to {plan.name}",
    }
    return render_page(request, "accounts/plan_change.html", context)


def chosen_plan(request: HttpRequest, plan_slug: str) -> Plan:
    """Return the plan of the address, if it can be chosen; 404 otherwise."""
    for plan in plans_to_choose(request.account):
        if plan.slug == plan_slug and plan.trial_days is None:
            return plan
    raise Http404


def disabled_words(count: int) -> str:
    """Return what happened to the API access keys, as a further sentence."""
    return f" {count} API access key{' was' if count == 1 else 's were'} disabled." if count else ""
