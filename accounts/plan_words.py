"""What a plan offers, in words (app.md 13.2)."""

from datetime import datetime, timedelta
from math import ceil

from accounts.models import Account, Plan
from stitchapp.formats import key_time, thousands

LIMITS = (
    ("Rows a month", "rows_per_month"),
    ("Team members", "max_members"),
    ("Destinations", "max_destinations"),
    ("Integration types", "max_integration_types"),
)
# Only what exists is told of: a feature gets its line here together with its pages.
FEATURES = (("API access keys", "api_access"), ("Post-load hooks", "post_load_hooks"))


def plan_facts(plan: Plan) -> list[tuple[str, str]]:
    """Return the plan's limits and features as (name, value)."""
    limits = [(name, limit_words(getattr(plan, field))) for name, field in LIMITS]
    features = [(name, "Included" if getattr(plan, field) else "Not included") for name, field in FEATURES]
    return [*limits, *features, ("Loading reports", f"{plan.report_days} days")]


def limit_words(limit: int | None) -> str:
    """Return a limit with its commas; "Unlimited" for none."""
    return "Unlimited" if limit is None else thousands(limit)


def price_words(plan: Plan) -> str:
    """Return the public price, or how the plan is had without one."""
    if plan.price_usd:
        return f"From USD {thousands(plan.price_usd)} a month"
    return f"Free for {plan.trial_days} days" if plan.trial_days else "Free"


def trial_words(account: Account, now: datetime) -> str:
    """Return how the account's trial stands; nothing on a plan without one."""
    if account.plan.trial_days is None:
        return ""
    ends_at = account.trial_ends_at
    if ends_at is None:
        return f"Your {account.plan.trial_days}-day free trial begins when your first row is loaded."
    if account.trial_is_over(now):
        return f"Your free trial ended on {key_time(ends_at)}. Choose a plan, then resume your integrations."
    left = ceil((ends_at - now) / timedelta(days=1))
    return f"Your free trial ends on {key_time(ends_at)}. {left} day{' is' if left == 1 else 's are'} left."


def losses(before: Plan, after: Plan) -> list[str]:
    """Return a sentence for each limit and feature that shrinks from one plan to the other."""
    return [*limit_changes(before, after, more=False), *feature_changes(before, after, "no longer included")]


def gains(before: Plan, after: Plan) -> list[str]:
    """Return a sentence for each limit and feature that grows from one plan to the other."""
    more_days = after.report_days > before.report_days
    days = f"Loading reports: {after.report_days} days instead of {before.report_days}."
    return [
        *limit_changes(before, after, more=True),
        *feature_changes(after, before, "included"),
        *([days] if more_days else []),
    ]


def limit_changes(before: Plan, after: Plan, *, more: bool) -> list[str]:
    """Return a sentence for each limit that grew, or for each that shrank."""
    sentences = []
    for name, field in LIMITS:
        old, new = getattr(before, field), getattr(after, field)
        if old != new and (new is None or (old is not None and new > old)) is more:
            sentences.append(f"{name}: {limit_words(new).lower()} instead of {limit_words(old).lower()}.")
    return sentences


def feature_changes(having: Plan, lacking: Plan, words: str) -> list[str]:
    """Return a sentence for each feature that one plan has and the other lacks."""
    return [
        f"{name}: {words}."
        for name, field in FEATURES
        if getattr(having, field) and not getattr(lacking, field)
    ]
