"""Switch between the accounts of a person, staying on the same kind of page (decision D5)."""

from dataclasses import dataclass
from functools import cache

from django.http import HttpRequest
from django.urls import reverse

from accounts.models import Membership, Role
from accounts.services.other_accounts import Place, other_places

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


def place_of(membership: Membership) -> Place:
    """Return what an entry tells of a membership."""
    account = membership.account
    return Place(account.company_name, account.client_id, membership.role)


def entry_of(place: Place, *, kind: str = DASHBOARD, current: bool = False) -> Entry:
    """Return the entry that opens a kind of page in the account of a place."""
    return Entry(
        company_name=place.company_name,
        client_id=place.client_id,
        role=Role(place.role).label,
        url=address_of(kind, place.client_id),
        current=current,
    )


def address_of(route: str, client_id: int) -> str:
    """Return the address of one of the pages that every account has; each is resolved once."""
    return address_of_none(route).replace("/0/", f"/{client_id}/", 1)


@cache
def address_of_none(route: str) -> str:
    return reverse(route, kwargs={"client_id": 0})


def switch_entries(request: HttpRequest) -> list[Entry]:
    """Return the accounts to switch between, the present one first; nothing for a person in one account.

    Templates call it: one query, and none for most people.
    """
    here = getattr(request, "membership", None)
    if here is None or not here.has_others:
        return []
    kind = kind_of_page(request.path, here.account.client_id)
    others = [entry_of(other, kind=kind) for other in other_places(here)]
    return [entry_of(place_of(here), kind=kind, current=True), *others]


def kind_of_page(path: str, client_id: int) -> str:
    """Return the route of the page, or of the list or tab it belongs to."""
    folders = {route: address_of(route, client_id) for route in KINDS}
    within = [route for route, folder in folders.items() if f"{path}/".startswith(f"{folder}/")]
    if within:
        return max(within, key=lambda route: len(folders[route]))
    settings = folders["accounts:account-settings"].rpartition("/")[0]
    return "accounts:account-settings" if path.startswith(f"{settings}/") else DASHBOARD
