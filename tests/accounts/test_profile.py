"""Your Profile (app.md 4.5)."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from allauth.account.models import EmailAddress
from django.db import connections
from django.test import Client

from accounts.models import AuditEvent
from accounts.services.profile import update_profile
from tests.factories import make_account, make_member
from tests.mailbox import sent_mails

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"
NEW = "an entirely new password"


@pytest.fixture
def ann(client):
    person = make_member(email="ann@example.com", password=PASSWORD, first_name="Ann", last_name="van Bell")
    client.force_login(person)
    return person


def page(person, tail=""):
    return f"/client/{person.memberships.get().account.client_id}/account/profile{tail}"


def passwords(**changes):
    return {"old_password": PASSWORD, "new_password": NEW, "confirm_new_password": NEW} | changes


def test_the_tab_shows_its_literal_labels(client, ann):
    text = client.get(page(ann)).content.decode()
    for label in (
        "Settings",
        "Your Profile",
        "Your user profile",
        "Full Name",
        "Email Address",
        "Send this address email notifications about errors affecting your data",
        "Update Profile",
        "Old Password",
        "New Password",
        "Confirm New Password",
        "Change Password",
    ):
        assert label in text


def test_name_and_choice_of_mail_change(client, ann):
    response = client.post(page(ann), {"full_name": "Anna Maria Bell", "email": ann.email})
    assert response["Location"] == page(ann)
    ann.refresh_from_db()
    assert (ann.first_name, ann.last_name, ann.error_mail) == ("Anna Maria", "Bell", False)
    assert AuditEvent.objects.filter(event="user.profile_updated", actor=ann).count() == 1
    assert "Your profile is updated." in client.get(page(ann)).content.decode()


def test_an_unchanged_name_keeps_its_parts(client, ann):
    client.post(page(ann), {"full_name": "Ann van Bell", "email": ann.email, "error_mail": "on"})
    ann.refresh_from_db()
    assert (ann.first_name, ann.last_name) == ("Ann", "van Bell")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Ann", "Enter a first and a last name."),
        ("", "This field is required."),
        ("Ann\u2028Bell", "Use one line of text without control characters."),
        ("A" * 101 + " B", "Use at most 100 characters for each name."),
    ],
)
def test_a_name_needs_two_parts_in_one_line(client, ann, name, message):
    response = client.post(page(ann), {"full_name": name, "email": ann.email})
    assert response.status_code == 422
    assert response.context["profile_form"].errors["full_name"] == [message]


def test_S5_a_new_password_ends_all_other_sessions_within_one_request(client, ann):
    others = [Client() for _ in range(3)]
    for other in others:
        other.force_login(ann)
        assert other.get(page(ann)).status_code == 200
    before = client.session.session_key
    response = client.post(page(ann, "/password"), passwords())
    assert response["Location"] == page(ann)
    assert client.get(page(ann)).status_code == 200
    assert client.session.session_key != before
    assert [other.get(page(ann)).status_code for other in others] == [302] * 3
    assert sent_mails()[-1].subject == "Stitch: Your password was changed"
    assert AuditEvent.objects.filter(event="user.password_changed", actor=ann).count() == 1


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"old_password": "wrong wrong wrong"}, "old_password", "This is not your password."),
        ({"confirm_new_password": "x" * 20}, "confirm_new_password", "The two passwords are not the same."),
        (
            {"new_password": "short", "confirm_new_password": "short"},
            "new_password",
            "This password is too short. It must contain at least 12 characters.",
        ),
    ],
)
def test_errors_stand_under_their_field(client, ann, changes, field, message):
    response = client.post(page(ann, "/password"), passwords(**changes))
    assert response.status_code == 422
    assert response.context["password_form"].errors == {field: [message]}
    assert f'id="id_{field}_error"' in response.content.decode()
    ann.refresh_from_db()
    assert ann.check_password(PASSWORD)


def test_S6_the_old_password_cannot_be_guessed_here(client, ann):
    for _ in range(10):
        client.post(page(ann, "/password"), passwords(old_password="wrong wrong wrong"))
    refused = client.post(page(ann, "/password"), passwords())
    assert "Too many failed sign-ins." in refused.context["password_form"].errors["old_password"][0]


def test_the_profile_of_another_account_is_not_found(client, ann):
    other = make_account()
    assert client.get(f"/client/{other.client_id}/account/profile").status_code == 404
    assert client.get("/client/1/account/profile").status_code == 404


def test_a_general_user_has_a_profile_too(client):
    person = make_member(role="general_user")
    client.force_login(person)
    assert client.get(page(person)).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_a_profile_saved_by_several_at_once_asks_for_its_new_address_once():
    person = make_member(email="ann@example.com")
    ready = Barrier(4)

    def save(_):
        ready.wait()
        try:
            update_profile(
                person=type(person).objects.get(pk=person.pk),
                first_name="Ann",
                last_name="van Bell",
                email="new@example.com",
                error_mail=True,
            )
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(save, range(4)))
    assert EmailAddress.objects.filter(user=person, email="new@example.com").count() == 1
