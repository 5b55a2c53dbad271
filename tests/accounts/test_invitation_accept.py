"""Accepting an invitation through the client: every visitor, every state of the link (app.md 8.3, D5, D6, S6)."""

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.utils import timezone

from accounts.models import Account, Invitation, Membership, Plan, Role, User
from accounts.services.invitation_links import code_to_copy, code_to_mail
from accounts.services.leavers import deactivate_member
from tests.factories import make_account, make_invitation, make_member, make_user
from tests.pages import Page

pytestmark = pytest.mark.django_db
HERE = "/invitation/new"
PASSWORD = "a long enough passphrase"
PERSON = {"first_name": "New", "last_name": "Comer", "password": PASSWORD, "form_id": "one"}


def read(response) -> str:
    return " ".join(response.content.decode().split())


@pytest.fixture
def account():
    return make_account(company_name="Acme")


@pytest.fixture
def admin(account):
    return make_member(account, first_name="Ada", last_name="Lovelace", email="ada@example.com")


@pytest.fixture
def invitation(account, admin):
    return make_invitation(account, email="new@example.com")


@pytest.fixture
def link(invitation):
    return f"/invitation/{code_to_mail(invitation)}"


def test_the_code_leaves_the_address_line_before_the_page_shows(client, link):
    response = client.get(link)
    assert (response.status_code, response.url) == (302, HERE)
    shown = client.get(HERE)
    assert shown.status_code == 200
    assert "no-store" in shown["Cache-Control"]
    assert link.rpartition("/")[2] not in read(shown)


def test_somebody_new_joins_with_name_and_password(client, account, invitation, link):
    text = read(client.get(link, follow=True))
    assert "Join Acme" in text
    assert (
        "Ada Lovelace (ada@example.com) invited <strong>new@example.com</strong>, as a General User." in text
    )
    response = client.post("/invitation/new/register", PERSON)
    assert response.url == f"/client/{account.client_id}/pipeline/connections"
    assert "Welcome to Acme." in read(client.get(response.url))
    person = User.objects.get(email="new@example.com")
    assert person.check_password(PASSWORD)
    assert EmailAddress.objects.get(user=person).verified
    assert [event.event for event in account.audit_events.order_by("pk")] == [
        "member.joined",
        "invitation.accepted",
        "user.email_confirmed",
        "user.signed_in",
    ]


def test_a_copied_link_leaves_the_address_unconfirmed(client, invitation):
    client.get(f"/invitation/{code_to_copy(invitation, by=invitation.account.memberships.first())}")
    client.post("/invitation/new/register", PERSON)
    assert not EmailAddress.objects.get(email="new@example.com").verified


@pytest.mark.parametrize(
    "wrong",
    [
        {"first_name": ""},
        {"last_name": " "},
        {"password": "short"},
        {"first_name": "a\x00b"},
        {"form_id": ""},
    ],
)
def test_D6_an_invalid_form_does_not_spend_the_link(client, account, invitation, link, wrong):
    client.get(link)
    response = client.post("/invitation/new/register", PERSON | wrong)
    assert response.status_code == 422
    assert account.memberships.count() == 1
    assert client.post("/invitation/new/register", PERSON).status_code == 302
    assert account.memberships.count() == 2


def test_a_form_sent_twice_makes_one_and_both_arrive(account, invitation, link):
    first, second = Client(), Client()
    for client in (first, second):
        client.get(link)
    for client in (first, second):
        assert client.post("/invitation/new/register", PERSON).status_code == 302
    assert User.objects.filter(email="new@example.com").count() == 1


def test_S6_the_link_is_spent_after_its_one_success(client, account, invitation, link):
    client.get(link)
    client.post("/invitation/new/register", PERSON)
    stranger = Client()
    response = stranger.get(link, follow=True)
    assert response.status_code == 404
    assert "This invitation is no longer valid" in read(response)
    again = client.get(link, follow=True)
    assert again.status_code == 200
    assert "You are a member already" in read(again)


@pytest.mark.parametrize(
    "end", ["expired", "cancelled", "replaced", "made up", "no code at all", "account closed"]
)
def test_S6_one_clear_page_for_every_link_that_opens_nothing(client, invitation, link, end):
    if end == "expired":
        Invitation.objects.update(expires_at=timezone.now())
    elif end == "cancelled":
        Invitation.objects.update(cancelled_at=timezone.now())
    elif end == "replaced":
        Invitation.objects.update(nonce="another")
    elif end == "account closed":
        Account.objects.update(closed_at=timezone.now())
    elif end == "made up":
        link = link[:-1] + ("A" if link[-1] != "A" else "B")
    else:
        link = HERE
    response = client.get(link, follow=True)
    assert response.status_code == 404
    assert "Ask the person who invited you to send it again." in read(response)
    assert client.post("/invitation/new/register", PERSON).status_code == 404
    assert not User.objects.filter(email="new@example.com").exists()


def test_D5_somebody_signed_in_joins_with_one_button(client, account, invitation, link):
    person = make_member(email="new@example.com")
    client.force_login(person)
    text = read(client.get(link, follow=True))
    assert "You are signed in as" in text
    assert [form.action for form in Page(client.get(HERE)).forms][-1] == "/invitation/new/join"
    response = client.post("/invitation/new/join")
    assert response.url == f"/client/{account.client_id}/pipeline/connections"
    assert person.memberships.get(account=account).role == Role.GENERAL_USER
    assert client.get("/").url == response.url  # what was joined is what opens next time


def test_D5_signed_out_one_signs_in_first_and_comes_back(client, account, invitation, link):
    make_member(email="new@example.com", password=PASSWORD)
    text = read(client.get(link, follow=True))
    assert "Somebody signs in with <strong>new@example.com</strong> already." in text
    to_sign_in = Page(client.get(HERE)).links["Sign in to accept"]
    assert to_sign_in == "/session/create?next=%2Finvitation%2Fnew"
    wrong = client.post(to_sign_in, {"email": "new@example.com", "password": "wrong"})
    assert wrong.status_code == 422
    back = client.post(to_sign_in, {"email": "new@example.com", "password": PASSWORD})
    assert back.url == HERE
    assert "Accept Invitation" in read(client.get(HERE))
    assert client.post("/invitation/new/join").status_code == 302


def test_somebody_else_is_told_and_may_switch(client, account, admin, invitation, link):
    client.force_login(make_member(email="else@example.com"))
    text = read(client.get(link, follow=True))
    assert "You are signed in as <strong>else@example.com</strong>" in text
    assert "for <strong>new@example.com</strong>" in text
    refused = client.post("/invitation/new/join")
    assert refused.status_code == 422
    assert account.memberships.count() == 1
    assert client.post("/invitation/new/switch").url == HERE
    assert "First Name" in read(client.get(HERE))
    assert client.post("/invitation/new/register", PERSON).status_code == 302


def test_the_administrator_who_looks_at_the_link_is_somebody_else_too(client, admin, invitation, link):
    client.force_login(admin)
    assert "Sign out and go on" in read(client.get(link, follow=True))


def test_row27_a_deactivated_member_comes_back_although_it_was_the_last_account(client, account, admin):
    person = make_member(account, email="left@example.com", password=PASSWORD, role=Role.GENERAL_USER)
    deactivate_member(membership=person.memberships.get(), actor=admin, server="https://x.example")
    credentials = {"email": "left@example.com", "password": PASSWORD}
    assert client.post("/session/create", credentials).status_code == 422  # app.md 4.2
    invitation = make_invitation(account, email="left@example.com", role=Role.ADMINISTRATOR)
    client.get(f"/invitation/{code_to_mail(invitation)}")
    assert client.post("/session/create?next=/invitation/new", credentials).url == HERE
    assert client.post("/invitation/new/join").status_code == 302
    membership = person.memberships.get()
    assert (membership.deactivated_at, membership.role) == (None, Role.ADMINISTRATOR)


def test_a_plan_that_filled_up_is_named_and_the_link_stays(client, account, invitation, link):
    account.plan = Plan.objects.get(slug="standard")
    account.save()
    for _ in range(4):
        make_member(account)
    client.get(link)
    response = client.post("/invitation/new/register", PERSON)
    assert response.status_code == 422
    assert "Acme has the 5 team members that its plan includes." in read(response)
    account.memberships.last().delete()
    assert client.post("/invitation/new/register", PERSON).status_code == 302


def test_who_is_signed_in_makes_no_second_person(client, invitation, link):
    client.force_login(make_member())
    client.get(link)
    assert client.post("/invitation/new/register", PERSON).url == HERE
    assert not User.objects.filter(email="new@example.com").exists()


def test_an_address_that_came_into_use_is_asked_to_sign_in(client, invitation, link):
    client.get(link)
    make_user(email="new@example.com")
    response = client.post("/invitation/new/register", PERSON)
    assert "Sign in to accept" in read(response)


def test_joining_an_account_twice_at_once_is_one_membership(client, account, invitation, link):
    person = make_member(email="new@example.com")
    client.force_login(person)
    client.get(link)
    client.post("/invitation/new/join")
    client.get(link)
    again = client.post("/invitation/new/join")
    assert "You are a member already" in read(again)
    assert Membership.objects.filter(user=person, account=account).count() == 1
