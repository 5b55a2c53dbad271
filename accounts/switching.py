"""Switch between the accounts of a person, staying on the same kind of page (decision D5)."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse

from accounts.models import Membership, Role

MOST_IN_MENU = 10
DASHBOARD = "integrations:dashboard"
# Pages that every account has, and where a page that only one account has leads in another: the longest
# address that begins the present one decides.
KINDS = (
    "accounts:profile",
    "accounts:account-settings",
    "accounts:members",
    "accounts:audit",
    "accounts:billing",
    "accounts:plan-list",
    "integrations:catalogue",
    "integrations:destination",
    "integrations:notifications",
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One account as the menu and the list show it."""

    company_name: str
    client_id: int
    role: str
    url: str
    current: bool = False


def entry_of(membership: Membership, *, kind: str = DASHBOARD, current: bool = False) -> Entry:
    """Return the entry that opens a kind of page in the membership's account."""
    account = membership.account
    return Entry(
        company_name=account.company_name,
        client_id=account.client_id,
        role=Role(membership.role).label,
        url=reverse(kind, kwargs={"client_id": account.client_id}),
        current=current,
    )


def switch_entries(request: HttpRequest) -> list[Entry]:
    """Return the accounts to switch between, the present one first; nothing for a person in one account.

    Templates call it: one query, and none for most people.
    """
    here = getattr(request, "membership", None)
    if here is None or not here.has_others:
        return []
    kind = kind_of_page(request.path, here.account.client_id)
    others = request.user.memberships.active().last_used().exclude(pk=here.pk)[:MOST_IN_MENU]
    return [entry_of(here, kind=kind, current=True), *(entry_of(other, kind=kind) for other in others)]


def kind_of_page(path: str, client_id: int) -> str:
    """Return the route of the page, or of the list or tab it belongs to."""
    folders = {route: reverse(route, kwargs={"client_id": client_id}) for route in KINDS}
    within = [route for route, folder in folders.items() if f"{path}/".startswith(f"{folder}/")]
    if within:
        return max(within, key=lambda route: len(folders[route]))
    settings = folders["accounts:account-settings"].rpartition("/")[0]
    return "accounts:account-settings" if path.startswith(f"{settings}/") else DASHBOARD
