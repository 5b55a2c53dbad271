"""Who may enter the account's pages: role x route x plan, other tenants, the signed out, a missing CSRF token."""

import uuid

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Account, ApiKey, Role
from tests.factories import make_account, make_api_key, make_member

pytestmark = pytest.mark.django_db
GATED = ("api-key-create", "api-key-enable")
# (route, what its address needs, method, what is sent)
PAGES = [
    ("account-settings", "", "get", {}),
    ("company-update", "", "post", {"company_name": "Northwind"}),
    ("api-key-create", "", "get", {}),
    ("api-key-create", "", "post", {"description": "Words", "form_id": str(uuid.uuid4())}),
    ("api-key-disable", "api_key_id", "post", {}),
    ("api-key-enable", "api_key_id", "post", {}),
    ("api-key-delete", "api_key_id", "get", {}),
    ("api-key-delete", "api_key_id", "post", {}),
    ("audit", "", "get", {}),
    ("audit-export", "", "get", {}),
    ("billing", "", "get", {}),
    ("plan-list", "", "get", {}),
    ("plan-change", "plan_slug", "get", {}),
    ("plan-change", "plan_slug", "post", {}),
]
every_page = pytest.mark.parametrize(
    ("route", "needs", "method", "sent"), PAGES, ids=[f"{method} {route}" for route, _, method, _ in PAGES]
)


def address(account, route, needs, key=None):
    values = {"api_key_id": key.pk if key else 0, "plan_slug": "premium"}
    kwargs = {"client_id": account.client_id} | ({needs: values[needs]} if needs else {})
    return reverse(f"accounts:{route}", kwargs=kwargs)


CHANGES = [(route, needs, sent) for route, needs, method, sent in PAGES if method == "post"]


def state():
    return (
        list(ApiKey.objects.order_by("pk").values_list("pk", "disabled_at")),
        list(Account.objects.order_by("pk").values_list("pk", "company_name", "plan")),
    )


@every_page
@pytest.mark.parametrize("role", Role.values)
@pytest.mark.parametrize("plan", ["free_trial", "standard", "advanced", "premium"])
def test_K09_K12_role_by_route_by_plan(client, route, needs, method, sent, role, plan):
    account = make_account(plan=plan)
    client.force_login(make_member(account, role=role))
    key, _ = make_api_key(account, disabled_at=timezone.now())
    refused = plan == "standard" and route in GATED
    response = getattr(client, method)(address(account, route, needs, key), sent)
    assert response.status_code in ((403,) if refused else (200, 302))


@every_page
def test_P11_another_account_s_pages_do_not_exist(client, route, needs, method, sent):
    account = make_account()
    make_member(account)
    key, _ = make_api_key(account)
    client.force_login(make_member())
    before = state()
    response = getattr(client, method)(address(account, route, needs, key), sent)
    account.client_id = 1
    missing = getattr(client, method)(address(account, route, needs, key), sent)
    assert response.status_code == missing.status_code == 404
    assert state() == before


@pytest.mark.parametrize("route", ["api-key-disable", "api-key-enable", "api-key-delete"])
def test_P11_another_account_s_key_does_not_exist_in_one_s_own_account(client, route):
    other = make_account()
    make_member(other)
    key, _ = make_api_key(other)
    account = make_account()
    client.force_login(make_member(account))
    before = state()
    assert client.post(address(account, route, "api_key_id", key)).status_code == 404
    assert state() == before


@every_page
def test_a_deactivated_member_finds_nothing(client, route, needs, method, sent):
    account = make_account()
    person = make_member(account)
    key, _ = make_api_key(account)
    client.force_login(person)
    person.memberships.update(deactivated_at=timezone.now())
    before = state()
    assert getattr(client, method)(address(account, route, needs, key), sent).status_code == 404
    assert state() == before


@every_page
def test_the_signed_out_are_sent_to_sign_in(client, route, needs, method, sent):
    account = make_account()
    make_member(account)
    key, _ = make_api_key(account)
    before = state()
    response = getattr(client, method)(address(account, route, needs, key), sent)
    assert response.status_code == 302
    assert response.url.startswith("/session/create?next=")
    assert state() == before


@pytest.mark.parametrize(("route", "needs", "sent"), CHANGES)
def test_S4_a_change_without_its_csrf_token_is_refused(route, needs, sent):
    account = make_account()
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_member(account))
    key, _ = make_api_key(account)
    before = state()
    assert client.post(address(account, route, needs, key), sent).status_code == 403
    assert state() == before


@every_page
def test_S4_a_bearer_key_opens_no_page(client, route, needs, method, sent):
    account = make_account()
    make_member(account)
    key, secret = make_api_key(account)
    response = getattr(client, method)(
        address(account, route, needs, key), sent, headers={"Authorization": f"Bearer {secret}"}
    )
    assert response.status_code == 302
    assert response.url.startswith("/session/create?next=")


@pytest.mark.parametrize(("route", "needs", "sent"), CHANGES)
def test_A1_A2_every_change_leaves_an_event_with_actor_address_and_route(client, route, needs, sent):
    account = make_account()
    person = make_member(account)
    client.force_login(person)
    key, _ = make_api_key(account, disabled_at=timezone.now() if route == "api-key-enable" else None)
    path = address(account, route, needs, key)
    response = client.post(path, sent, REMOTE_ADDR="192.0.2.7")
    assert response.status_code in (200, 302)
    event = account.audit_events.get()
    assert (event.actor, event.address, event.by_staff) == (person, "192.0.2.7", False)
    assert event.request_id == response["X-Request-Id"]
    assert event.route.startswith("client/<int:client_id>/account/")
