"""What all pages of one integration share: where it is found, its tabs and its switch."""

from collections.abc import Callable
from urllib.parse import urlencode

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from accounts.access import Can, may
from accounts.models import Account
from integrations.models import Integration, SetUpStep
from integrations.sources.registry import find_source_type

PUSH_ICON, SOURCE_ICON = "integration-import-api", "integration-source"  # of static/img
SUPPORT_WORDS = {
    "certified": ("Certified", "Built into this server and tested with it."),
    "community": ("Community Supported", "Built on a tap of the Singer community."),
}
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


def urls_of(account: Account, name: str) -> Callable[[Integration], str]:
    """Return what gives the address of a page for each of many integrations, resolved once."""
    kwargs = {"client_id": account.client_id, "integration_id": 0}
    before, _, after = reverse(f"integrations:{name}", kwargs=kwargs).rpartition("/0/")
    return lambda integration: f"{before}/{integration.pk}/{after}"


def frame(request: HttpRequest, integration: Integration, tab: str) -> dict[str, object]:
    """Return the context of `integration_base.html` with one tab active."""
    may_pause = may(request.membership, Can.PAUSE_INTEGRATIONS)
    return {
        "nav_active": "integrations",
        "integration": integration,
        "integration_icon": icon_of(integration),
        "integration_support": support_of(integration),
        "integration_tabs": [
            {"label": label, "url": url_of(integration, name), "active": name == tab} for label, name in TABS
        ],
        "setup_url": setup_url(integration),
        "toggle": switch(integration, back=request.get_full_path(), may_pause=may_pause),
    }


def setup_url(integration: Integration) -> str:
    """Return where the set-up of a source goes on; empty once it is fully configured."""
    pages = {
        SetUpStep.FORM: "integration-settings",
        SetUpStep.DISCOVER_SCHEMA: "connection-check",
        SetUpStep.FIELD_SELECTION: "data-choice",
    }
    name = pages.get(SetUpStep(integration.step))
    return url_of(integration, name) if name else ""


def clone_url(request: HttpRequest, integration: Integration) -> str:
    """Return where the integration is cloned; empty for a viewer or a type that cannot."""
    source_type = find_source_type(integration.type)
    cloneable = source_type is not None and not source_type.unavailable_reason
    if not cloneable or not may(request.membership, Can.ADD_INTEGRATIONS):
        return ""
    return url_of(integration, "integration-clone")


def icon_of(integration: Integration) -> str:
    """Return the name of its picture in static/img."""
    return PUSH_ICON if integration.is_push else SOURCE_ICON


def support_of(integration: Integration) -> dict[str, str]:
    """Say who stands behind its type (app.md 9.9), and what that means."""
    found = find_source_type(integration.type)
    label, help_text = SUPPORT_WORDS[found.support if found is not None else "community"]
    return {"label": label, "help": help_text}


def switch(integration: Integration, *, back: str, may_pause: bool) -> dict[str, object]:
    """Return what a toggle shows and does. Pausing asks first: senders are refused from then on (app.md 9.8)."""
    return switches(integration.account, back=back, may_pause=may_pause)(integration)


def switches(account: Account, *, back: str, may_pause: bool) -> Callable[[Integration], dict[str, object]]:
    """Return what gives the toggle of each of many integrations."""
    pause_url, resume_url = urls_of(account, "integration-pause"), urls_of(account, "integration-resume")
    asked_back = urlencode({"next": back})

    def toggle(integration: Integration) -> dict[str, object]:
        on = not integration.is_paused
        url = pause_url(integration) if on else resume_url(integration)
        ask_url = f"{url}?{asked_back}" if on else ""
        return {"on": on, "url": url, "ask_url": ask_url, "next": back, "disabled": not may_pause}

    return toggle


def way_back(request: HttpRequest, integration: Integration) -> str:
    """Return the page that a toggle was pressed on; the Summary when that is not told, or not ours."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    pages = reverse("integrations:dashboard", kwargs={"client_id": integration.account.client_id})
    ours = wanted == pages or wanted.startswith((f"{pages}?", f"{pages}/"))
    if ours and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None):
        return wanted
    return url_of(integration, "integration-summary")
