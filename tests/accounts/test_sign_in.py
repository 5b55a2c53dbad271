"""Signing in and out (app.md 4.2, 4.4; promises S5, S6, A2; decision D37)."""

import logging

import pytest
from django.test import Client

from accounts.models import AuditEvent
from accounts.services import authentication
from tests.factories import make_account, make_member, make_user

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"
MESSAGE = ["The email address or the password is not correct."]


@pytest.fixture
def ann():
    return make_member(email="ann@example.com", password=PASSWORD)


def send(client, password=PASSWORD, email="ann@example.com", **more):
    return client.post("/session/create", {"email": email, "password": password}, **more)


def errors(response):
    return response.context["form"].non_field_errors()


def test_T12_signing_in_opens_the_account(client, ann):
    assert client.get("/session/create").status_code == 200
    response = send(client)
    assert (response.status_code, response["Location"]) == (302, "/")
    client_id = ann.memberships.get().account.client_id
    assert client.get("/")["Location"].startswith(f"/client/{client_id}/")


def test_the_address_may_be_typed_in_capitals(client, ann):
    assert send(client, email=" ANN@Example.com ").status_code == 302


def test_the_page_has_the_link_for_a_forgotten_password(client):
    assert '<a href="/password/forgot">Forgot?</a>' in client.get("/session/create").content.decode()


def test_a_visitor_is_sent_to_sign_in_and_returned(client, ann):
    page = f"/client/{ann.memberships.get().account.client_id}/account/profile"
    asked = client.get(page)
    assert asked["Location"] == f"/session/create?next={page}"
    form = client.get(asked["Location"])
    assert f'action="/session/create?next={page.replace("/", "%2F")}"' in form.content.decode()
    response = client.post(asked["Location"], {"email": ann.email, "password": PASSWORD})
    assert response["Location"] == page


@pytest.mark.parametrize("elsewhere", ["https://example.com/", "//example.com", "javascript:alert(1)"])
def test_nobody_is_sent_to_another_site(client, ann, elsewhere):
    response = client.post(f"/session/create?next={elsewhere}", {"email": ann.email, "password": PASSWORD})
    assert response["Location"] == "/"


def test_T08_one_message_for_every_refusal(client, ann):
    """Who was deactivated is refused like somebody with a wrong password (app.md 4.2)."""
    make_member(email="gone@example.com", password=PASSWORD, is_active=False)
    former = make_member(email="former@example.com", password=PASSWORD)
    former.memberships.update(deactivated_at="2026-01-01T00:00:00Z")
    answers = [
        send(client, password="wrong wrong wrong"),
        send(client, email="nobody@example.com"),
        send(client, email="gone@example.com"),
        send(client, email="former@example.com"),
    ]
    assert [answer.status_code for answer in answers] == [422] * 4
    assert [errors(answer) for answer in answers] == [MESSAGE] * 4
    bodies = {
        strip_what_was_typed(answer.content.decode(), answer.context["form"]["email"].value())
        for answer in answers
    }
    assert len(bodies) == 1


def strip_what_was_typed(page, email):
    import re

    return re.sub(r'(csrfmiddlewaretoken" value|X-CSRFToken": )[="\w ]+', "", page.replace(email, ""))


@pytest.mark.parametrize("email", ["ann@example.com", "nobody@example.com", "gone@example.com"])
def test_S6_every_refusal_costs_one_hash(client, ann, email, monkeypatch):
    """A guesser learns nothing from the clock: known or not, one password hash and one event."""
    from django.contrib.auth.hashers import MD5PasswordHasher

    make_member(email="gone@example.com", password=PASSWORD, is_active=False)
    calls = []
    original = MD5PasswordHasher.encode
    monkeypatch.setattr(
        MD5PasswordHasher, "encode", lambda self, *a, **k: calls.append(1) or original(self, *a, **k)
    )
    send(client, password="wrong wrong wrong", email=email)
    assert len(calls) == 1
    assert AuditEvent.objects.filter(event="user.sign_in_failed").count() == 1


def test_S5_a_new_session_key_at_every_sign_in(client, ann):
    client.get("/session/create")
    session = client.session
    session["x"] = 1
    session.save()
    before = session.session_key
    send(client)
    assert client.session.session_key != before


def test_S6_ten_failures_and_then_a_delay(client, ann):
    for _ in range(10):
        assert errors(send(client, password="wrong wrong wrong")) == MESSAGE
    refused = send(client)
    assert refused.status_code == 422
    assert errors(refused) == [
        "Too many failed sign-ins. Try again in 15 minutes, or set a new password with the link Forgot?"
    ]
    assert "_auth_user_id" not in client.session


def test_S6_the_delay_ends_by_itself(client, ann, monkeypatch):
    for _ in range(10):
        send(client, password="wrong wrong wrong")
    from django.utils import timezone

    later = timezone.now() + timezone.timedelta(minutes=15, seconds=1)
    monkeypatch.setattr("django.core.cache.backends.db.tz_now", lambda: later)
    assert send(client).status_code == 302


def test_S6_the_delay_is_for_address_and_place_together(client, ann):
    """D37: somebody else's failures elsewhere never keep the owner out."""
    for _ in range(10):
        send(client, password="wrong wrong wrong", REMOTE_ADDR="198.51.100.7")
    assert errors(send(client, REMOTE_ADDR="198.51.100.7")) != MESSAGE
    assert send(client, REMOTE_ADDR="203.0.113.9").status_code == 302


def test_S6_one_place_of_ipv6_is_64_bits(client, ann):
    for number in range(10):
        send(client, password="wrong wrong wrong", REMOTE_ADDR=f"2001:db8:1:2::{number:x}")
    assert errors(send(client, REMOTE_ADDR="2001:db8:1:2:ffff::1")) != MESSAGE
    assert send(client, REMOTE_ADDR="2001:db8:1:3::1").status_code == 302


def test_S6_by_the_address_alone_it_is_slow_and_never_refused(client, ann, monkeypatch):
    slept = []
    monkeypatch.setattr(authentication.time, "sleep", slept.append)
    for number in range(25):
        send(client, password="wrong wrong wrong", REMOTE_ADDR=f"198.51.100.{number}")
    assert len(slept) == 5
    assert send(client, REMOTE_ADDR="203.0.113.9").status_code == 302


def test_S6_good_sign_ins_are_not_counted(client, ann):
    for _ in range(12):
        assert send(client).status_code == 302
        client.post("/session/end")


def test_S8_a_forged_header_does_not_change_the_place(client, ann):
    for number in range(10):
        send(client, password="wrong wrong wrong", headers={"X-Forwarded-For": f"198.51.100.{number}"})
    assert errors(send(client, headers={"X-Forwarded-For": "203.0.113.9"})) != MESSAGE


def test_S8_a_trusted_proxy_tells_the_place(client, ann, settings):
    settings.TRUSTED_PROXIES = ["127.0.0.1"]
    for _ in range(10):
        send(client, password="wrong wrong wrong", headers={"X-Forwarded-For": "198.51.100.1"})
    assert send(client, headers={"X-Forwarded-For": "198.51.100.2"}).status_code == 302


def test_A2_sign_ins_failures_and_sign_outs_are_events(client, ann):
    send(client, password="wrong wrong wrong", REMOTE_ADDR="198.51.100.7")
    send(client)
    client.post("/session/end")
    account = ann.memberships.get().account
    events = AuditEvent.objects.order_by("pk")
    assert [event.event for event in events] == [
        "user.sign_in_failed",
        "user.signed_in",
        "user.signed_out",
    ]
    assert {(event.account, event.actor, event.route) for event in events} == {
        (account, ann, "session/create"),
        (account, ann, "session/end"),
    }
    assert events[0].address == "198.51.100.7"
    assert all(len(event.request_id) == 32 for event in events)


def test_A2_a_failure_for_an_unknown_address_names_nobody(client):
    send(client, email="nobody@example.com")
    event = AuditEvent.objects.get()
    assert (event.account, event.actor, event.object_name) == (None, None, "")
    assert event.detail == {"reason": "unknown address"}


def test_A2_a_person_in_two_accounts_leaves_the_event_in_both(client, ann):
    from accounts.models import Membership

    second = make_account()
    Membership.objects.create(account=second, user=ann)
    send(client)
    assert AuditEvent.objects.filter(event="user.signed_in").values("account").distinct().count() == 2


def test_P3_a_password_is_in_no_log(client, ann, caplog):
    caplog.set_level(logging.DEBUG)
    send(client, password="wrong horse battery staple")
    send(client)
    assert "horse battery" not in caplog.text


def test_D5_home_opens_the_account_used_last(client, ann):
    from accounts.models import Membership

    second = make_account()
    Membership.objects.create(account=second, user=ann)
    send(client)
    client.get(f"/client/{second.client_id}/account/profile")
    client.post("/session/end")
    send(client)
    assert client.get("/")["Location"].startswith(f"/client/{second.client_id}/")


def test_a_person_in_no_account_is_told_so(client):
    client.force_login(make_user())
    response = client.get("/")
    assert response.status_code == 200
    assert "You are in no account" in response.content.decode()
    assert "/admin/" not in response.content.decode()


def test_D19_staff_in_no_account_are_led_to_their_pages(client):
    client.force_login(make_user(is_staff=True))
    assert 'href="/admin/"' in client.get("/").content.decode()


def test_S5_a_membership_taken_away_ends_at_once(client, ann):
    send(client)
    membership = ann.memberships.get()
    page = f"/client/{membership.account.client_id}/account/profile"
    assert client.get(page).status_code == 200
    ann.memberships.update(deactivated_at="2026-01-01T00:00:00Z")
    assert client.get(page).status_code == 404
    assert "You are in no account" in client.get("/").content.decode()


def test_S5_a_deactivated_person_has_no_session(client, ann):
    send(client)
    ann.is_active = False
    ann.save(update_fields=["is_active"])
    assert client.get("/")["Location"] == "/session/create"


def test_signing_out_ends_the_session_and_its_pages(client, ann):
    send(client)
    page = f"/client/{ann.memberships.get().account.client_id}/account/profile"
    assert "no-store" in client.get(page)["Cache-Control"]
    other_tab = Client()
    other_tab.cookies = client.cookies.copy()
    response = client.post("/session/end")
    assert (response["Location"], response["Clear-Site-Data"]) == ("/session/create", '"cache"')
    assert client.get(page)["Location"] == f"/session/create?next={page}"
    assert other_tab.get(page).status_code == 302


def test_signing_out_is_never_a_link(client, ann):
    send(client)
    assert client.get("/session/end").status_code == 405
    assert "_auth_user_id" in client.session


def test_an_idle_session_ends_after_twelve_hours_and_a_used_one_goes_on(client, ann):
    import time

    send(client)
    page = f"/client/{ann.memberships.get().account.client_id}/account/profile"
    session = client.session
    session["seen_at"] = int(time.time()) - 11 * 60
    session.save()
    client.get(page)
    assert client.session["seen_at"] >= int(time.time()) - 5
    assert client.session.get_expiry_age() == 12 * 60 * 60


def test_a_form_sent_too_late_leads_back_to_the_page_it_stood_on(client, ann):
    page = f"/client/{ann.memberships.get().account.client_id}/account/profile"
    sent = client.post(page + "/password", headers={"Referer": f"http://testserver{page}?tab=1"})
    assert sent["Location"] == f"/session/create?next={page}%3Ftab%3D1"
    forged = client.post(page + "/password", headers={"Referer": "https://example.com/evil"})
    assert forged["Location"] == f"/session/create?next={page}/password"


def test_a_panel_asked_for_too_late_opens_the_whole_sign_in_page(client, ann):
    page = f"/client/{ann.memberships.get().account.client_id}/account/profile"
    headers = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{page}"}
    response = client.get(page + "/password", headers=headers)
    assert (response.status_code, response["HX-Redirect"]) == (200, f"/session/create?next={page}")


def test_the_first_wrong_field_has_the_focus(client):
    response = client.post("/session/create", {"email": "ann@example.com", "password": ""})
    fields = response.context["form"].fields
    assert "autofocus" not in fields["email"].widget.attrs
    assert fields["password"].widget.attrs["autofocus"] is True
