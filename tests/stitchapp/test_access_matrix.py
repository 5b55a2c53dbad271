"""The permission table: every member route against every role, plan and state of membership, generated.

The rows come from the URL table, so a new page is in the matrix without being named here.
"""

import pytest
from django.test import Client
from django.utils import timezone

from accounts.access import GRANTS, Access
from accounts.models import Plan, Role
from accounts.plans import has_feature
from tests.factories import make_account, make_member
from tests.url_table import ROUTES, World

pytestmark = pytest.mark.django_db
MEMBER_ROUTES = [
    (route, view.access)
    for route, _, view in ROUTES
    if isinstance(getattr(view, "access", None), Access) and view.access.kind == "member"
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


@every_member_route
def test_a_role_opens_what_the_table_grants(route, access):
    mine = make_tenant()
    for role in Role.values:
        person = make_member(mine.account, role=role)
        response = signed_in(person).get(mine.address(route))
        assert (response.status_code == 403) == (access.permission not in GRANTS[role]), role


@pytest.mark.parametrize(("route", "access"), [row for row in MEMBER_ROUTES if row[1].feature is not None])
def test_a_sold_page_opens_on_the_plans_that_sell_it(route, access):
    mine = make_tenant()
    for plan in Plan.objects.all():
        mine.account.plan = plan
        mine.account.save(update_fields=["plan"])
        response = signed_in(mine.member).get(mine.address(route))
        sold = has_feature(mine.account, access.feature, timezone.now())
        assert (response.status_code != 403) == sold, plan


@every_member_route
def test_who_is_not_signed_in_or_was_deactivated_stays_outside(route, access):
    mine = make_tenant()
    response = Client().get(mine.address(route))
    assert response.status_code == 302
    assert response["Location"].startswith("/session/create?next=/")
    mine.account.memberships.update(deactivated_at=timezone.now())
    assert signed_in(mine.member).get(mine.address(route)).status_code == 404
