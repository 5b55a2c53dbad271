"""The tabs of Settings: only pages that exist (app.md 2.3)."""

from django.urls import reverse

from accounts.models import Account

TABS = (
    ("Your Profile", "accounts:profile"),
    ("Security", "accounts:security"),
    ("Account Settings", "accounts:account-settings"),
    ("Members", "accounts:members"),
    ("Notification Settings", "integrations:notification-settings"),
    ("Activity", "accounts:audit"),
    ("Billing", "accounts:billing"),
)


OF_THE_PERSON = {"accounts:security"}  # the same page in every account


def settings_tabs(account: Account, active: str) -> list[dict[str, object]]:
    """Return the tabs for settings_base.html; `active` is the route of the open one."""
    return [
        {
            "label": label,
            "url": reverse(route, kwargs={} if route in OF_THE_PERSON else {"client_id": account.client_id}),
            "active": route == active,
        }
        for label, route in TABS
    ]
