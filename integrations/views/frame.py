"""What all pages of one integration share: where it is found, its tabs and its switch."""

from urllib.parse import urlencode

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from accounts.access import Can, may
from integrations.models import Integration

TABS = (
    ("Summary", "integration-summary"),
    ("Tables to Replicate", "integration-tables"),
    ("Extractions", "integration-extractions"),
    ("Loads", "integration-loads"),
    ("Settings", "integration-settings"),
)


def find_integration(request: HttpRequest, integration_id: int) -> Integration:
    """Return the account's integration, or answer 404: deleted, another account's, or none."""
    integration = get_object_or_404(request.account.integrations.live(), pk=integration_id)
    integration.account = request.account
    return integration


def url_of(integration: Integration, name: str, **more: object) -> str:
    """Return the address of one of the integration's pages."""
    kwargs = {"client_id": integration.account.client_id, "integration_id": integration.pk} | more
    return reverse(f"integrations:{name}", kwargs=kwargs)


def frame(request: HttpRequest, integration: Integration, tab: str) -> dict[str, object]:
    """Return the context of `integration_base.html` with one tab active."""
    may_pause = may(request.membership, Can.PAUSE_INTEGRATIONS)
    return {
        "nav_active": "integrations",
        "integration": integration,
        "integration_tabs": [
            {"label": label, "url": url_of(integration, name), "active": name == tab} for label, name in TABS
        ],
        "toggle": switch(integration, back=request.get_full_path(), may_pause=may_pause),
    }


def switch(integration: Integration, *, back: str, may_pause: bool) -> dict[str, object]:
    """Return what a toggle shows and does. Pausing asks first: senders are refused from then on (app.md 9.8)."""
    on = not integration.is_paused
    url = url_of(integration, "integration-pause" if on else "integration-resume")
    return {
        "on": on,
        "url": url,
        "ask_url": f"{url}?{urlencode({'next': back})}" if on else "",
        "next": back,
        "disabled": not may_pause,
    }


def way_back(request: HttpRequest, integration: Integration) -> str:
    """Return the page that a toggle was pressed on; the Summary when that is not told, or not ours."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    pages = reverse("integrations:dashboard", kwargs={"client_id": integration.account.client_id})
    ours = wanted == pages or wanted.startswith((f"{pages}?", f"{pages}/"))
    if ours and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None):
        return wanted
    return url_of(integration, "integration-summary")
