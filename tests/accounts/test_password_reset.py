"""A forgotten password (app.md 4.3; promises S5, S6)."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from django.test import Client

from accounts.models import AuditEvent
from tests.factories import make_member
from tests.mailbox import sent_mails

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"
NEW = "an entirely new password"
EXPIRED = "This link has expired. It works once, within an hour of being sent."


@pytest.fixture
def ann():
    return make_member(email="ann@example.com", password=PASSWORD)


def ask(client, email="ann@example.com", **more):
    return client.post("/password/forgot", {"email": email}, **more)


def link():
    return re.search(r"http://testserver(/password/reset/\S+)", sent_mails()[-1].body)[1]


def set_password(client, path, password=NEW, again=None):
    opened = client.get(path)
    if opened.status_code != 302:
        return opened
    return client.post(
        opened["Location"], {"new_password": password, "confirm_new_password": again or password}
    )


def test_a_link_sets_a_new_password(client, ann):
    assert client.get("/password/forgot").status_code == 200
    assert ask(client)["Location"] == "/password/forgot/sent"
    assert "15 minutes" in client.get("/password/forgot/sent").content.decode()
    response = set_password(client, link())
    assert (response.status_code, response["Location"]) == (302, "/session/create")
    assert "Your password is changed." in client.get("/session/create").content.decode()
    ann.refresh_from_db()
    assert ann.check_password(NEW)
    assert [message.subject for message in sent_mails()] == [
        "Stitch: Set a new password",
        "Stitch: Your password was changed",
    ]


def test_the_code_leaves_the_address_line_before_the_form_shows(client, ann):
    ask(client)
    opened = client.get(link())
    assert opened["Location"] == "/password/reset/new"
    form = client.get(opened["Location"])
    assert (form.status_code, form["Referrer-Policy"]) == (200, "same-origin")
    assert link().rpartition("-")[2] not in form.content.decode()


def test_S6_a_link_works_once(client, ann):
    ask(client)
    path = link()
    set_password(client, path)
    again = set_password(Client(), path, "another new password")
    assert again.status_code == 404
    assert EXPIRED in again.content.decode()
    ann.refresh_from_db()
    assert ann.check_password(NEW)


def test_S6_a_failed_try_does_not_use_the_link_up(client, ann):
    ask(client)
    short = set_password(client, link(), "short")
    assert short.status_code == 422
    differing = set_password(client, link(), NEW, "an entirely other password")
    assert differing.context["form"].errors == {
        "confirm_new_password": ["The two passwords are not the same."]
    }
    assert set_password(client, link()).status_code == 302


def test_S6_a_link_works_for_an_hour(client, ann, monkeypatch):
    from datetime import datetime, timedelta

    from django.contrib.auth.tokens import PasswordResetTokenGenerator

    ask(client)
    path = link()
    now = datetime.now()
    monkeypatch.setattr(PasswordResetTokenGenerator, "_now", lambda self: now + timedelta(minutes=59))
    assert client.get(path).status_code == 302
    monkeypatch.setattr(PasswordResetTokenGenerator, "_now", lambda self: now + timedelta(minutes=61))
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("code", ["new", "x", "1-2-3", "zzzzzzzzzzzzzzzzzzzz-abc", "1", "%00-a", "ä-ö"])
def test_a_code_that_nobody_was_sent_shows_as_expired(client, ann, code):
    response = client.get(f"/password/reset/{code}")
    assert response.status_code == 404
    assert EXPIRED in response.content.decode()


def test_S6_the_answer_is_the_same_for_an_unknown_address(client, ann):
    make_member(email="gone@example.com", is_active=False)
    answers = [ask(client, email) for email in ("ann@example.com", "nobody@example.com", "gone@example.com")]
    assert {(answer.status_code, answer["Location"], answer.content) for answer in answers} == {
        (302, "/password/forgot/sent", b"")
    }
    assert [message.to for message in sent_mails()] == [["ann@example.com"]]


@pytest.mark.parametrize("email", ["ann@example.com", "nobody@example.com"])
def test_S6_five_requests_in_a_day_and_then_it_says_so(client, ann, email):
    for _ in range(5):
        assert ask(client, email).status_code == 302
    sixth = ask(client, email)
    assert sixth.status_code == 422
    assert sixth.context["form"].non_field_errors() == [
        "A new password was asked for five times within 24 hours. Use the newest mail, or try tomorrow."
    ]
    assert ask(client, email, REMOTE_ADDR="203.0.113.9").status_code == 302


def test_S6_a_reset_lets_the_owner_in_again_at_once(client, ann):
    for _ in range(10):
        client.post("/session/create", {"email": ann.email, "password": "wrong wrong wrong"})
    refused = client.post("/session/create", {"email": ann.email, "password": PASSWORD})
    assert refused.status_code == 422
    ask(client)
    set_password(client, link())
    assert client.post("/session/create", {"email": ann.email, "password": NEW}).status_code == 302


def test_S5_a_reset_ends_every_session(client, ann):
    thief = Client()
    thief.force_login(ann)
    page = f"/client/{ann.memberships.get().account.client_id}/account/profile"
    assert thief.get(page).status_code == 200
    ask(client)
    set_password(client, link())
    assert thief.get(page).status_code == 302


def test_a_reset_signs_out_whoever_was_signed_in_there(client, ann):
    client.force_login(make_member())
    ask(client)
    set_password(client, link())
    assert "_auth_user_id" not in client.session


def test_A2_request_and_change_are_events(client, ann):
    ask(client)
    set_password(client, link())
    events = list(AuditEvent.objects.order_by("pk").values_list("event", "actor", "account"))
    account = ann.memberships.get().account_id
    assert events == [
        ("user.password_reset_requested", ann.pk, account),
        ("user.password_changed", ann.pk, account),
    ]


def test_a_mail_server_that_fails_changes_no_answer(client, ann, monkeypatch):
    def fail(*args, **kwargs):
        raise ConnectionRefusedError

    monkeypatch.setattr("django.core.mail.EmailMultiAlternatives.send", fail)
    assert ask(client)["Location"] == "/password/forgot/sent"


def test_links_are_built_on_the_public_address(client, ann, settings):
    settings.PUBLIC_URL = "https://pipeline.example.com"
    ask(client)
    assert "https://pipeline.example.com/password/reset/" in sent_mails()[0].body


def test_a_newcomer_on_a_server_without_mail_is_told_where_it_is(client, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = "/srv/stitchapp/mail"
    assert "/srv/stitchapp/mail" in client.get("/password/forgot/sent").content.decode()


@pytest.mark.django_db(transaction=True)
def test_S6_one_link_used_ten_times_at_once_succeeds_once(client):
    ann = make_member(email="ann@example.com", password=PASSWORD)
    ask(client)
    path = link()

    def use(number):
        browser = Client()
        try:
            opened = browser.get(path)
            if opened.status_code != 302:
                return opened.status_code
            password = f"an entirely new password {number}"
            fields = {"new_password": password, "confirm_new_password": password}
            return browser.post(opened["Location"], fields).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(10) as threads:
        assert sorted(threads.map(use, range(10))) == [302] + [404] * 9
    assert AuditEvent.objects.filter(event="user.password_changed", actor=ann).count() == 1


def test_one_caller_does_not_ask_for_everybody(client, monkeypatch):
    from accounts.services import passwords, throttle

    monkeypatch.setattr(passwords, "REQUESTS_FROM_HERE", throttle.Limit("here", most=3, seconds=3600))
    for number in range(3):
        assert ask(client, f"person{number}@example.com").status_code == 302
    assert ask(client, "another@example.com").status_code == 422
    assert ask(client, "another@example.com", REMOTE_ADDR="203.0.113.9").status_code == 302
