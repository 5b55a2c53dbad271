"""Sign-up (app.md 4.1): one form, one account, its Administrator, a trail, and the dashboard."""

import re
import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.hashers import identify_hasher
from django.db import connections
from django.test import Client

from accounts.models import Account, AuditEvent, Membership, User
from tests.factories import make_user
from tests.mailbox import sent_mails

pytestmark = pytest.mark.django_db


def fields(**changes):
    return {
        "first_name": "Ann",
        "last_name": "Bell",
        "email": "Ann@Example.com",
        "company_name": "Bell Ltd",
        "password": "correct horse battery staple",
        "region": "eu",
        "form_id": secrets.token_urlsafe(16),
    } | changes


def test_T08_signing_up_creates_person_account_and_administrator(client):
    response = client.post("/signup", fields())
    assert (response.status_code, response["Location"]) == (302, "/")
    person = User.objects.get()
    assert (person.email, person.get_full_name()) == ("ann@example.com", "Ann Bell")
    membership = Membership.objects.get()
    assert (membership.user, membership.role) == (person, "administrator")
    account = Account.objects.get()
    assert (account.company_name, account.region, account.plan.slug) == ("Bell Ltd", "eu", "free_trial")
    assert 100_000 <= account.client_id <= 999_999
    assert client.session["_auth_user_id"] == str(person.pk)
    assert client.get("/")["Location"].startswith(f"/client/{account.client_id}/")


def test_A1_signing_up_leaves_its_events(client):
    client.post("/signup", fields())
    events = list(AuditEvent.objects.order_by("pk").values_list("event", "object_name"))
    assert events == [
        ("account.created", "Bell Ltd"),
        ("member.joined", "ann@example.com"),
        ("user.email_confirmation_sent", "ann@example.com"),
        ("user.signed_in", "ann@example.com"),
    ]
    assert set(AuditEvent.objects.values_list("account", flat=True)) == {Account.objects.get().pk}


def test_the_link_to_confirm_the_address_does_not_stand_in_the_way(client):
    client.post("/signup", fields())
    [message] = sent_mails()
    assert (message.to, message.subject) == (["ann@example.com"], "Stitch: Confirm your email address")
    assert "http://testserver/email/confirm/" in message.body
    assert message.alternatives[0].mimetype == "text/html"


def test_an_address_in_use_gets_the_documented_message(client):
    make_user(email="ann@example.com")
    response = client.post("/signup", fields())
    assert response.status_code == 422
    assert response.context["form"].errors == {
        "email": ["This email address is already associated with an active user."]
    }
    assert (User.objects.count(), Account.objects.count()) == (1, 0)


def test_what_was_typed_stays_and_the_password_does_not(client):
    response = client.post("/signup", fields(last_name=""))
    page = response.content.decode()
    assert response.status_code == 422
    assert response.context["form"].errors == {"last_name": ["This field is required."]}
    assert 'value="Bell Ltd"' in page
    assert "correct horse" not in page
    assert 'id="id_last_name_error"' in page


def test_the_page_names_its_fields_for_people_and_for_password_managers(client):
    page = client.get("/signup").content.decode()
    for label in (
        "First Name",
        "Last Name",
        "Email Address",
        "Company Name",
        "Password",
        "Data pipeline region",
    ):
        assert re.search(rf"<label [^>]*>\s*{label}\s*</label>", page)
    for token in ("given-name", "family-name", "email", "organization", "new-password"):
        assert f'autocomplete="{token}"' in page
    assert "Create Account" in page


@pytest.mark.parametrize("name", ["first_name", "last_name", "company_name"])
def test_A4_a_name_cannot_forge_a_line(client, name):
    response = client.post("/signup", fields(**{name: "Ann\u2028account.created"}))
    assert response.status_code == 422
    assert list(response.context["form"].errors) == [name]


def test_sending_the_form_twice_makes_one_account(client):
    form = fields()
    first, second = client.post("/signup", form), Client().post("/signup", form)
    assert (first.status_code, second.status_code) == (302, 302)
    assert (User.objects.count(), Account.objects.count()) == (1, 1)


def test_another_form_with_the_same_address_and_password_is_no_way_in(client):
    client.post("/signup", fields())
    stranger = Client()
    assert stranger.post("/signup", fields()).status_code == 422
    assert "_auth_user_id" not in stranger.session


def test_the_same_form_with_another_password_is_no_way_in(client):
    form = fields()
    client.post("/signup", form)
    assert Client().post("/signup", form | {"password": "another long password"}).status_code == 422


def test_signing_up_starts_a_new_session(client):
    """S5"""
    client.get("/signup")
    session = client.session
    session["before"] = True
    session.save()
    before = session.session_key
    client.post("/signup", fields())
    assert client.session.session_key != before


@pytest.mark.parametrize("password", ["elevenchars", "qwerty123456", "password1234", "", "short"])
def test_S7_short_and_common_passwords_are_refused(client, password):
    response = client.post("/signup", fields(password=password))
    assert response.status_code == 422
    assert list(response.context["form"].errors) == ["password"]


@pytest.mark.parametrize(
    "password",
    [
        "twelve chars",
        "x" * 11 + "yz",
        "ä€𝄞 " * 32,
        " leading and trailing ",
        "q7" * 64,
        "only lower case letters",
    ],
)
def test_S7_any_characters_up_to_128_and_more_are_accepted(client, password):
    assert client.post("/signup", fields(password=password)).status_code == 302
    assert User.objects.get().check_password(password)
    client.post("/session/end")
    signed_in = client.post("/session/create", {"email": "ann@example.com", "password": password})
    assert signed_in.status_code == 302


def test_S7_every_password_of_the_common_list_is_refused():
    from django.contrib.auth.password_validation import CommonPasswordValidator, validate_password
    from django.core.exceptions import ValidationError

    common = CommonPasswordValidator().passwords
    assert len(common) > 3000
    for password in common:
        with pytest.raises(ValidationError):
            validate_password(password)


def test_P4_passwords_are_kept_as_argon2(client, settings):
    settings.PASSWORD_HASHERS = settings.SHIPPED_PASSWORD_HASHERS
    client.post("/signup", fields())
    assert identify_hasher(User.objects.get().password).algorithm == "argon2"


def test_the_default_plan_is_a_setting(client, settings):
    settings.DEFAULT_PLAN = "standard"
    client.post("/signup", fields())
    assert Account.objects.get().plan.slug == "standard"


def test_a_signed_in_person_is_taken_home(client):
    client.force_login(make_user())
    assert client.get("/signup")["Location"] == "/"


@pytest.mark.django_db(transaction=True)
def test_ten_sign_ups_at_once_make_one_account():
    form = fields()

    def send(_):
        try:
            return Client().post("/signup", form).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(10) as threads:
        assert set(threads.map(send, range(10))) == {302}
    assert (User.objects.count(), Account.objects.count(), Membership.objects.count()) == (1, 1, 1)


def test_nobody_asks_the_form_about_thousands_of_addresses(client, monkeypatch):
    from accounts.services import sign_up, throttle

    monkeypatch.setattr(sign_up, "SIGN_UPS_FROM_HERE", throttle.Limit("sign-up", most=3, seconds=3600))
    make_user(email="ann@example.com")
    for _ in range(3):
        assert list(client.post("/signup", fields()).context["form"].errors) == ["email"]
    refused = client.post("/signup", fields())
    assert refused.context["form"].non_field_errors() == [
        "Too many accounts were asked for from here. Please try again in an hour."
    ]
