"""The account switcher, the list of one's accounts, and opening another one (decision D5)."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Account, Membership, Role
from accounts.services.other_accounts import MOST_IN_MENU
from accounts.switching import kind_of_page
from tests.factories import make_account, make_integration, make_member
from tests.pages import Page

pytestmark = pytest.mark.django_db


def read(response) -> str:
    return " ".join(response.content.decode().split())


def add(person, role=Role.GENERAL_USER, **fields) -> Account:
    account = make_account(**fields)
    make_member(account)
    Membership.objects.create(account=account, user=person, role=role)
    return account


def test_one_account_needs_no_switcher_and_no_query(signed_in, page):
    signed_in.get(page("members"))
    with CaptureQueriesContext(connection) as queries:
        text = read(signed_in.get(page("members")))
    assert "Switch account" not in text
    assert not [query for query in queries if "NULLS LAST" in query["sql"]]


def test_the_menu_lists_company_client_id_and_role(signed_in, page, account, member):
    other = add(member, company_name="Other Ltd")
    left = add(member, company_name="Left behind")
    Membership.objects.filter(account=left, user=member).update(deactivated_at=timezone.now())
    text = read(signed_in.get(page("members")))
    assert "Switch account" in text
    assert f"<strong>Other Ltd</strong> <span>Client ID {other.client_id}, General User</span>" in text
    assert f"<span>Client ID {account.client_id}, Administrator</span>" in text
    assert "Left behind" not in text


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("account/members", "accounts:members"),
        ("account/members/12/deactivate", "accounts:members"),
        ("account/settings", "accounts:account-settings"),
        ("account/api-keys/new", "accounts:account-settings"),
        ("account/profile", "accounts:profile"),
        ("account/billing", "accounts:billing"),
        ("account/plans/standard", "accounts:plan-list"),
        ("account/audit", "accounts:audit"),
        ("pipeline/connections", "integrations:dashboard"),
        ("pipeline/connections/7/summary", "integrations:dashboard"),
        ("pipeline/integrations/import-api", "integrations:catalogue"),
        ("destinations/3/edit", "integrations:destination"),
        ("notifications", "integrations:notifications"),
    ],
)
def test_it_keeps_to_the_same_kind_of_page(path, kind):
    assert kind_of_page(f"/client/123456/{path}", 123456) == kind


def test_every_entry_opens(signed_in, page, member):
    other = add(member)
    integration = make_integration(member.memberships.first().account)
    for address in (
        page("members"),
        page("billing"),
        reverse("integrations:destination", kwargs={"client_id": integration.account.client_id}),
    ):
        entry = next(
            url
            for label, url in Page(signed_in.get(address)).links.items()
            if label.startswith(other.company_name)
        )
        assert entry == address.replace(str(integration.account.client_id), str(other.client_id))
        assert signed_in.get(entry).status_code == 200


def test_the_menu_stays_short_and_leads_to_the_whole_list(signed_in, page, member):
    for number in range(MOST_IN_MENU + 3):
        add(member, company_name=f"Company {number:02}")
    text = signed_in.get(page("members")).content.decode()
    assert text.count("menu-account") == MOST_IN_MENU + 1
    assert read(signed_in.get("/accounts")).count('class="row-target') == MOST_IN_MENU + 4


def test_the_list_costs_the_same_with_two_and_with_five(signed_in, member):
    counts = []
    for more in (1, 3):
        for _ in range(more):
            add(member)
        with CaptureQueriesContext(connection) as queries:
            assert signed_in.get("/accounts").status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_home_opens_what_was_switched_to_even_in_a_session_older_than_the_second_account(
    signed_in, page, account, member
):
    signed_in.get(page("members"))
    other = add(member)
    signed_in.get(reverse("accounts:members", kwargs={"client_id": other.client_id}))
    assert signed_in.get("/").url.startswith(f"/client/{other.client_id}/")
    signed_in.get(page("members"))
    assert signed_in.get("/").url.startswith(f"/client/{account.client_id}/")


def test_another_account_of_one_s_own(signed_in, member):
    form = Page(signed_in.get("/accounts/new")).forms[-1].fields
    sent = {"company_name": "Second Ltd", "region": "eu", "form_id": form["form_id"]}
    opened = [signed_in.post("/accounts/new", sent).url for _ in range(2)]
    second = Account.objects.get(company_name="Second Ltd")
    assert opened == [f"/client/{second.client_id}/pipeline/connections"] * 2
    assert second.memberships.get().role == Role.ADMINISTRATOR
    assert [event.event for event in second.audit_events.order_by("pk")] == [
        "account.created",
        "member.joined",
    ]


@pytest.mark.parametrize("wrong", [{"company_name": ""}, {"company_name": "a\nb"}, {"region": "moon"}])
def test_an_account_needs_a_name_and_a_region(signed_in, wrong):
    sent = {"company_name": "Second Ltd", "region": "eu", "form_id": "1"} | wrong
    assert signed_in.post("/accounts/new", sent).status_code == 422
    assert Account.objects.count() == 1


def test_the_list_of_somebody_in_no_account_says_so(client, member):
    member.memberships.all().delete()
    client.force_login(member)
    assert "You belong to no account." in read(client.get("/accounts"))
