"""The admin has no way in of its own: its visitors come through the one page that signs people in."""

import pytest

from accounts.models import AuditEvent
from tests.factories import make_member, make_user

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"


def test_a_visitor_of_the_admin_signs_in_on_our_page(client):
    make_user(email="staff@example.com", password=PASSWORD, is_staff=True, is_superuser=True)
    asked = client.get("/admin/", follow=True)
    assert [url for url, _ in asked.redirect_chain] == [
        "/admin/login/?next=/admin/",
        "/session/create?next=%2Fadmin%2F",
    ]
    response = client.post(
        "/session/create?next=%2Fadmin%2F", {"email": "staff@example.com", "password": PASSWORD}
    )
    assert response["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200
    assert AuditEvent.objects.filter(event="user.signed_in").count() == 1


def test_the_admin_accepts_no_password_itself(client):
    make_user(email="staff@example.com", password=PASSWORD, is_staff=True)
    fields = {"username": "staff@example.com", "password": PASSWORD}
    assert client.post("/admin/login/", fields).status_code == 405
    assert "_auth_user_id" not in client.session


def test_a_member_is_refused_and_not_sent_in_circles(client):
    client.force_login(make_member())
    assert client.get("/admin/", follow=True).status_code == 403


def test_signing_out_of_the_admin_leaves_its_event(client):
    person = make_member(is_staff=True)
    client.force_login(person)
    assert client.post("/admin/logout/")["Location"] == "/session/create"
    assert AuditEvent.objects.filter(event="user.signed_out", actor=person).count() == 1


def test_staff_change_their_password_by_mail(client):
    client.force_login(make_user(is_staff=True))
    assert client.get("/admin/password_change/")["Location"] == "/password/forgot"
