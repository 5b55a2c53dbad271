"""P11 and the permission table: every member route against every role, plan and other account, generated.

The rows come from the URL table, so a new page is in the matrix without being named here.
"""

import re

import pytest
from django.test import Client

from accounts.access import GRANTS, Access
from accounts.models import Account, Role
from accounts.plans import Feature
from stitchapp.routes import every_route
from tests.factories import (
    make_access_token,
    make_account,
    make_api_key,
    make_integration,
    make_loaded_table,
    make_member,
)

pytestmark = pytest.mark.django_db
MEMBER_ROUTES = [
    (route, name, view.access)
    for route, name, view in every_route()
    if isinstance(getattr(view, "access", None), Access) and view.access.kind == "member"
]
IDS = [f"{name} {route}" for route, name, _ in MEMBER_ROUTES]
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
NO_SUCH_ID = 987_654_321


class Property:
    """What an account owns, by the name that URLs give it."""

    def __init__(self, account: Account):
        self.account = account
        self.user = account.memberships.first().user
        integration = make_integration(account)
        token, _ = make_access_token(integration)
        key, _ = make_api_key(account)
        self.ids = {
            "client_id": account.client_id,
            "integration_id": integration.pk,
            "token_id": token.pk,
            "api_key_id": key.pk,
            "plan_slug": "premium",
            "table_id": make_loaded_table(integration).pk,
        }


def owned(**fields) -> Property:
    account = make_account(**fields)
    make_member(account)
    return Property(account)


def fill(route: str, ids: dict) -> str:
    """Put ids into a route; an unknown parameter fails, so that nobody forgets to add it here."""
    return "/" + PARAMETER.sub(lambda match: str(ids[match.group(1)]), route)


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_there_are_member_routes():
    assert len(MEMBER_ROUTES) >= 10


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(("route", "name", "access"), MEMBER_ROUTES, ids=IDS)
def test_P11_another_accounts_pages_are_not_found(route, name, access, method):
    theirs, mine = owned(), owned()
    response = getattr(signed_in(mine.user), method)(fill(route, theirs.ids))
    assert response.status_code == 404


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    ("route", "name", "access", "parameter"),
    [
        (route, name, access, parameter)
        for route, name, access in MEMBER_ROUTES
        for parameter in PARAMETER.findall(route)
        if parameter.endswith("_id") and parameter != "client_id"
    ],
)
def test_P11_another_accounts_object_is_answered_like_none(route, name, access, parameter, method):
    theirs, mine = owned(), owned()
    client = signed_in(mine.user)
    foreign = getattr(client, method)(fill(route, mine.ids | {parameter: theirs.ids[parameter]}))
    unknown = getattr(client, method)(fill(route, mine.ids | {parameter: NO_SUCH_ID}))
    assert foreign.status_code == unknown.status_code
    assert foreign.status_code in (404, 405)


@pytest.mark.parametrize("role", Role.values)
@pytest.mark.parametrize(("route", "name", "access"), MEMBER_ROUTES, ids=IDS)
def test_a_role_opens_what_the_table_grants(route, name, access, role):
    mine = owned()
    other = make_member(mine.account, role=role)
    response = signed_in(other).get(fill(route, mine.ids))
    assert (response.status_code == 403) == (access.permission not in GRANTS[role])


@pytest.mark.parametrize("plan", ["free_trial", "standard", "advanced", "premium"])
@pytest.mark.parametrize(
    ("route", "name", "access"), [row for row in MEMBER_ROUTES if row[2].feature is not None]
)
def test_a_sold_page_opens_on_the_plans_that_sell_it(route, name, access, plan):
    mine = owned(plan=plan)
    response = signed_in(mine.user).get(fill(route, mine.ids))
    sold = plan != "standard" if access.feature in Feature else False
    assert (response.status_code != 403) == sold


@pytest.mark.parametrize(("route", "name", "access"), MEMBER_ROUTES, ids=IDS)
def test_signed_out_people_are_sent_to_sign_in(client, route, name, access):
    mine = owned()
    response = client.get(fill(route, mine.ids))
    assert response.status_code == 302
    assert response["Location"].startswith("/session/create?next=/")


@pytest.mark.parametrize(("route", "name", "access"), MEMBER_ROUTES, ids=IDS)
def test_a_deactivated_member_finds_nothing(route, name, access):
    mine = owned()
    mine.account.memberships.update(deactivated_at="2024-01-01T00:00:00Z")
    response = signed_in(mine.user).get(fill(route, mine.ids))
    assert response.status_code == 404
