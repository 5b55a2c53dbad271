"""Which features a plan sells, and whether an account has one now (app.md 13.2, 6.3)."""

from datetime import datetime
from enum import Enum

from accounts.errors import PlanRequired
from accounts.models import Account


class Feature(Enum):
    """A sold feature: the value is the plan's column."""

    CONNECT_API = "api_access"
    POST_LOAD_HOOKS = "post_load_hooks"
    ADVANCED_SCHEDULING = "advanced_scheduling"
    UPPER_INTEGRATIONS = "upper_integrations"

    @property
    def explanation(self) -> str:
        """The sentence that names the plans with this feature."""
        return f"{SOLD_AS[self]} with the Advanced and Premium plans and with the free trial."


SOLD_AS = {
    Feature.CONNECT_API: "API access comes",
    Feature.POST_LOAD_HOOKS: "Post-load hooks come",
    Feature.ADVANCED_SCHEDULING: "Advanced scheduling comes",
    Feature.UPPER_INTEGRATIONS: "This integration comes",
}


def has_feature(account: Account, feature: Feature, now: datetime) -> bool:
    """Tell whether the account has the feature: on a plan that sells it, with no trial run out."""
    return bool(getattr(account.plan, feature.value)) and not account.trial_is_over(now)


def require_feature(account: Account, feature: Feature, now: datetime) -> None:
    """Raise PlanRequired unless the account has the feature."""
    if not has_feature(account, feature, now):
        raise PlanRequired(feature.explanation, feature)
