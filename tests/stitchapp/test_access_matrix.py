"""The permission table: every member route against every role, plan and state of membership, generated.

The rows come from the URL table, so a new page is in the matrix without being named here.
"""

import pytest
from django.test import Client
from django.utils import timezone

from accounts.access import GRANTS, Access, Can
from accounts.models import Plan, Role
from accounts.plans import Feature, has_feature
from tests.factories import make_account, make_member
from tests.url_table import ROUTES, World

pytestmark = pytest.mark.django_db
MEMBER_ROUTES = [
    (route, view.access)
    for route, _, view in ROUTES
    if isinstance(getattr(view, "access", None), Access) and view.access.kind == "member"
]
TOKEN_ROUTES = [
    (route, view.access)
    for route, _, view in ROUTES
    if isinstance(getattr(view, "access", None), Access) and view.access.kind == "token"
]
every_member_route = pytest.mark.parametrize(
    ("route", "access"), MEMBER_ROUTES, ids=[route for route, _ in MEMBER_ROUTES]
)


def make_tenant() -> World:
    account = make_account()
    return World(member=make_member(account), account=account)


def signed_in(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_there_are_member_routes():
    assert len(MEMBER_ROUTES) >= 30


def expected(access, role, account) -> str:
    """Return who turns the member away, by the data alone: the grants and what the plan sells."""
    if access.permission not in GRANTS[role]:
        return "role"
    if access.feature is not None and not has_feature(account, access.feature, timezone.now()):
        return "plan"
    return "nobody"


def met(response) -> str:
    """Return who turned the member away."""
    if response.status_code != 403:
        return "nobody"
    templates = {template.name for template in response.templates}
    return "plan" if "errors/plan_required.html" in templates else "role"


@every_member_route
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_K09_K12_role_by_route_by_plan(route, access, method):
    """app.md 14.2: each combination is answered as the table of grants and the table of plans say."""
    for plan in Plan.objects.all():
        for role in Role.values:
            mine = World(member=make_member(account := make_account(plan=plan.slug)), account=account)
            client = signed_in(make_member(account, role=role))
            response = client.generic(method, mine.address(route))
            assert response.status_code < 500, (role, plan.slug)
            assert met(response) == expected(access, role, account), (role, plan.slug)


@every_member_route
def test_a_role_that_is_turned_away_changes_nothing(route, access):
    """Hidden controls are refused all the same: the trail stays as it was."""
    for role in Role.values:
        if access.permission not in GRANTS[role]:
            mine = make_tenant()
            client = signed_in(make_member(mine.account, role=role))
            address = mine.address(route)
            client.post(address, {"role": Role.ADMINISTRATOR, "email": "new@example.com"})
            assert not mine.account.audit_events.exists(), role


def test_every_role_and_every_permission_is_decided():
    assert set(GRANTS) == set(Role.values)
    assert GRANTS[Role.ADMINISTRATOR] == frozenset(Can)
    assert {access.permission for _, access in MEMBER_ROUTES} <= set(Can)


@pytest.mark.parametrize(("route", "access"), TOKEN_ROUTES, ids=[route for route, _ in TOKEN_ROUTES])
def test_D35_a_secret_by_route_by_plan(route, access):
    """API access keys work on the plans that sell them; Import API tokens work on every plan (app.md 13.2)."""
    for plan in Plan.objects.all():
        mine = World(member=make_member(account := make_account(plan=plan.slug)), account=account)
        imports = route.startswith("v2/import/")
        secret = mine.access_token[1] if imports else mine.api_key[1]
        address = mine.address(route)
        response = Client(headers={"Authorization": f"Bearer {secret}"}).get(address)
        admitted = imports or has_feature(account, Feature.CONNECT_API, timezone.now())
        assert (response.status_code == 401) == (not admitted), plan.slug


@every_member_route
def test_who_is_not_signed_in_or_was_deactivated_stays_outside(route, access):
    mine = make_tenant()
    response = Client().get(mine.address(route))
    assert response.status_code == 302
    assert response["Location"].startswith("/session/create?next=/")
    mine.account.memberships.update(deactivated_at=timezone.now())
    assert signed_in(mine.member).get(mine.address(route)).status_code == 404
