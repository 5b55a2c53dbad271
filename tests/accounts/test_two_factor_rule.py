"""An account that requires two-factor authentication of every member (issue 4 B)."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.access import Access
from accounts.models import AuditEvent, Role
from tests.accounts.second_factors import code_of, sealed_on, secret_on, with_app
from tests.factories import make_account, make_api_key, make_member
from tests.mailbox import sent_mails
from tests.url_table import ROUTES, World

pytestmark = pytest.mark.django_db


def client_of(person):
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def account():
    return make_account(company_name="Wool and Sons")


@pytest.fixture
def boss(account):
    person = make_member(account, email="boss@example.com", first_name="Bea", last_name="Boss")
    with_app(person)
    return person


@pytest.fixture
def worker(account, boss):
    return make_member(account, role=Role.GENERAL_USER, email="worker@example.com")


def page(account, name="two-factor-members"):
    return reverse(f"accounts:{name}", kwargs={"client_id": account.client_id})


def require(account, boss):
    return client_of(boss).post(page(account, "two-factor-require"))


def test_who_switches_it_on_must_have_it_themselves(account):
    naked = make_member(account)
    shown = client_of(naked).get(page(account)).content.decode()
    assert "you would lock yourself out" in shown
    assert require(account, naked).status_code == 409
    account.refresh_from_db()
    assert account.two_factor_required_at is None


def test_switching_it_on_says_whom_it_stops_and_tells_them(account, boss, worker):
    asked = client_of(boss).get(page(account, "two-factor-require")).content.decode()
    assert "<strong>1 of 2</strong> members have it" in asked
    assert "API access keys and API access tokens go on working" in asked
    assert require(account, boss)["Location"] == page(account)
    require(account, boss)  # twice is once
    event = AuditEvent.objects.get(event="account.two_factor_required")
    assert (event.account, event.actor, event.detail) == (account, boss, {"members_without": 1})
    mails = [mail for mail in sent_mails() if "requires two-factor" in mail.subject]
    assert [mail.to for mail in mails] == [["worker@example.com"]]
    assert "Bea Boss decided" in mails[0].body


def test_every_page_of_the_account_leads_to_the_door_and_none_else(account, boss, worker):
    require(account, boss)
    client, world = client_of(worker), World(member=worker, account=account)
    door, opened = page(account, "two-factor-missing"), 0
    for route, _, view in ROUTES:
        access = getattr(view, "access", None)
        if isinstance(access, Access) and access.kind == "member":
            address = world.address(route)
            if access.without_second_factor:
                assert client.get(address).status_code == 200, route
                opened += 1
            else:
                for answer in (client.get(address), client.post(address)):
                    assert answer["Location"].startswith(f"{door}?next="), route
    assert opened == 2  # the door itself, and leaving


def test_a_panel_leads_to_the_door_as_a_page(account, boss, worker):
    require(account, boss)
    answer = client_of(worker).get(page(account, "billing"), headers={"HX-Request": "true"})
    assert answer["HX-Redirect"].startswith(page(account, "two-factor-missing"))


def test_enrolling_at_the_door_leads_back_to_where_the_person_wanted_to_go(account, boss, worker):
    require(account, boss)
    client, wanted = client_of(worker), page(account, "billing")
    door = client.get(wanted)["Location"]
    shown = client.get(door).content.decode()
    assert '<strong class="wraps">Wool and Sons</strong> requires two-factor authentication' in shown
    begin = f"/security/authenticator/new?next={wanted.replace('/', '%2F')}"
    assert begin in shown
    form = client.get(begin).content.decode()
    fields = {"enrolment": sealed_on(form), "code": code_of(secret_on(form)), "next": wanted}
    codes = client.post("/security/authenticator/new", fields).content.decode()
    assert f'href="{wanted}"' in codes
    assert client.get(wanted).status_code == 200
    assert client.get(door)["Location"] == wanted


def test_other_accounts_of_the_person_stay_open(account, boss, worker):
    from accounts.models import Membership

    second = make_account()
    Membership.objects.create(account=second, user=worker)
    require(account, boss)
    client = client_of(worker)
    assert client.get(page(second, "billing")).status_code == 200
    assert "Your other accounts are open" in client.get(page(account, "two-factor-missing")).content.decode()


def test_programs_go_on_working(account, boss, worker):
    _, secret = make_api_key(account, worker)
    require(account, boss)
    assert Client().get("/v4/sources", headers={"Authorization": f"Bearer {secret}"}).status_code == 200


def test_removing_the_last_factor_says_which_accounts_close(account, boss):
    require(account, boss)
    client = client_of(boss)
    asked = client.get("/security/authenticator/remove").content.decode()
    assert "Wool and Sons</strong> requires it" in asked
    client.post("/security/authenticator/remove")
    assert client.get(page(account)).status_code == 302


def test_it_can_be_required_no_more(account, boss, worker):
    require(account, boss)
    client = client_of(boss)
    assert "Stop Requiring" in client.get(page(account, "two-factor-stop")).content.decode()
    client.post(page(account, "two-factor-stop"))
    client.post(page(account, "two-factor-stop"))
    assert client_of(worker).get(page(account, "billing")).status_code == 200
    assert AuditEvent.objects.filter(event="account.two_factor_not_required").count() == 1


def test_the_list_says_who_has_it_under_a_constant_number_of_queries(account, boss, worker):
    client = client_of(boss)
    with CaptureQueriesContext(connection) as few:
        shown = client.get(page(account)).content.decode()
    listed = shown.partition("<tbody>")[2]
    assert listed.index("worker@example.com") < listed.index("boss@example.com")
    assert "1 of 2 members have it" in shown
    for _ in range(60):
        make_member(account)
    with CaptureQueriesContext(connection) as many:
        answer = client.get(page(account))
    assert len(many) == len(few)
    assert len(answer.context["members"]) == 50


def test_account_settings_say_it_to_everybody_and_count_for_administrators(account, boss, worker):
    settings = page(account, "account-settings")
    assert "1 of 2 have it" in client_of(boss).get(settings).content.decode()
    shown = client_of(worker).get(settings).content.decode()
    assert "Leaves it to each member" in shown
    assert "have it" not in shown
    assert client_of(worker).get(page(account)).status_code == 403


def test_single_sign_on_is_said_to_be_missing(account, boss):
    shown = client_of(boss).get(page(account, "account-settings")).content.decode()
    assert '<h2 id="single-sign-on-heading">Single Sign-on</h2>' in shown
    assert "is not available on this server yet" in shown
    assert "Enable SSO" not in shown
