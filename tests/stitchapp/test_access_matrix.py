"""The permission table: every member route against every role, plan and state of membership, generated.

The rows come from the URL table, so a new page is in the matrix without being named here.
"""

from contextlib import ExitStack

import pytest
from django.db import connections, transaction
from django.test import Client
from django.utils import timezone

from accounts.access import GRANTS, Access, Can
from accounts.models import Plan, Role
from accounts.plans import Feature, has_feature
from tests.factories import make_account, make_member
from tests.url_table import ROUTES, World

pytestmark = [pytest.mark.django_db, pytest.mark.either_database]
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


def make_tenant() -> World:
    account = make_account()
    return World(member=make_member(account), account=account)


def signed_in(person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def undone(cookies, method, address):
    """Return the answer to a request of somebody signed in, after which everything is as it was before."""
    client = Client()
    client.cookies.update(cookies)
    with ExitStack() as stack:
        for database in connections:
            stack.enter_context(transaction.atomic(using=database))
            stack.callback(transaction.set_rollback, True, using=database)
        return client.generic(method, address)


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


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("role", Role.values)
def test_K09_K12_role_by_route_by_plan(role, method):
    """app.md 14.2: each combination is answered as the table of grants and the table of plans say."""
    wrong = []
    for plan in Plan.objects.all():
        mine = World(member=make_member(account := make_account(plan=plan.slug)), account=account)
        cookies = signed_in(make_member(account, role=role)).cookies
        for route, access in MEMBER_ROUTES:
            response = undone(cookies, method, mine.address(route))
            wanted = expected(access, role, account)
            if response.status_code >= 500 or met(response) != wanted:
                wrong.append((plan.slug, route, response.status_code, met(response), wanted))
    assert wrong == []


@pytest.mark.parametrize("role", Role.values)
def test_a_role_that_is_turned_away_changes_nothing(role):
    """Hidden controls are refused all the same: the trail stays as it was."""
    mine = make_tenant()
    client = signed_in(make_member(mine.account, role=role))
    for route, access in MEMBER_ROUTES:
        if access.permission not in GRANTS[role]:
            client.post(mine.address(route), {"role": Role.ADMINISTRATOR, "email": "new@example.com"})
            assert not mine.account.audit_events.exists(), route


def test_every_role_and_every_permission_is_decided():
    assert set(GRANTS) == set(Role.values)
    assert GRANTS[Role.ADMINISTRATOR] == frozenset(Can)
    assert {access.permission for _, access in MEMBER_ROUTES} <= set(Can)


def test_D35_a_secret_by_route_by_plan():
    """API access keys work on the plans that sell them; Import API tokens work on every plan (app.md 13.2)."""
    for plan in Plan.objects.all():
        mine = World(member=make_member(account := make_account(plan=plan.slug)), account=account)
        for route, _ in TOKEN_ROUTES:
            imports = route.startswith("v2/import/")
            secret = mine.access_token[1] if imports else mine.api_key[1]
            address = mine.address(route)
            response = Client(headers={"Authorization": f"Bearer {secret}"}).get(address)
            admitted = imports or has_feature(account, Feature.CONNECT_API, timezone.now())
            assert (response.status_code == 401) == (not admitted), (plan.slug, route)


def test_who_is_not_signed_in_or_was_deactivated_stays_outside():
    mine = make_tenant()
    addresses = [mine.address(route) for route, _ in MEMBER_ROUTES]
    for address in addresses:
        response = Client().get(address)
        assert response.status_code == 302, address
        assert response["Location"].startswith("/session/create?next=/")
    mine.account.memberships.update(deactivated_at=timezone.now())
    client = signed_in(mine.member)
    for address in addresses:
        assert client.get(address).status_code == 404, address
