"""The Billing tab, and changing the plan (app.md 13, decision D7)."""

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import Can, allow, may
from accounts.models import Plan
from accounts.plan_words import gains, losses, plan_facts, price_words, trial_words
from accounts.services.plan_effects import digest_of
from accounts.services.plans import (
    EffectsChanged,
    change_plan,
    effects_of_plan,
    effects_of_trial_end,
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
        "trial_effects": effects_of_trial_end(account=account, now=now),
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
        "may_cancel": may(request.membership, Can.CANCEL_ACCOUNT),
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
    """Say everything that changing to a plan does; then do it, at once, if it is still the same."""
    require_self_service()
    account, plan = request.account, chosen_plan(request, plan_slug)
    refusal: EffectsChanged | None = None
    if request.method == "POST":
        try:
            done = change_plan(
                account=account, actor=request.user, plan=plan, told=request.POST.get("told", "")
            )
        except EffectsChanged as error:
            refusal = error
        else:
            messages.success(request, " ".join([f"Your plan is now {plan.name}.", *done]))
            return redirect("accounts:billing", client_id=account.client_id)
    effects = effects_of_plan(account=account, plan=plan, now=timezone.now())
    context = {
        "plan": plan,
        "change": {
            "plan": plan,
            "before": account.plan,
            "price": price_words(plan),
            "takes_away": [effect for effect in effects if effect.takes_away],
            "brings": [effect for effect in effects if not effect.takes_away],
            "losses": losses(account.plan, plan),
            "gains": gains(account.plan, plan),
            "refusal": refusal.message if refusal else "",
        },
        "told": [{"name": "told", "value": digest_of(effects)}],
        "title": f"Change your plan to {plan.name}?",
        "verb": f"Change to {plan.name}",
    }
    return render_page(
        request, "accounts/plan_change.html", context, status=refusal.status if refusal else 200
    )


def chosen_plan(request: HttpRequest, plan_slug: str) -> Plan:
    """Return the plan of the address, if it can be chosen; 404 otherwise."""
    for plan in plans_to_choose(request.account):
        if plan.slug == plan_slug and plan.trial_days is None:
            return plan
    raise Http404
