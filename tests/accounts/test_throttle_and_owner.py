"""Whatever strangers do elsewhere, the owner comes in (promise S6, decision D37)."""

import pytest
from django.test import Client

from accounts.services import authentication, passwords, second_step
from tests.accounts.second_factors import code_of, with_app, wrong_code
from tests.factories import make_member
from tests.mailbox import sent_mails

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"
HOME = "192.0.2.10"


@pytest.fixture
def ann():
    return make_member(email="ann@example.com", password=PASSWORD)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(authentication.time, "sleep", lambda seconds: None)


def stranger(number):
    return Client(REMOTE_ADDR=f"198.51.100.{number}")


def give_password(client, password=PASSWORD):
    return client.post("/session/create", {"email": "ann@example.com", "password": password})


def give_code(client, code):
    return client.post("/session/second-step", {"code": code})


def ask_for_reset(client):
    return client.post("/password/forgot", {"email": "ann@example.com"})


def reset_mails():
    return [mail for mail in sent_mails() if mail.subject == "Stitch: Set a new password"]


def test_S6_D37_wrong_passwords_from_everywhere_keep_nobody_out(ann):
    for number in range(60):
        give_password(stranger(number), "wrong wrong wrong")
    assert give_password(Client(REMOTE_ADDR=HOME)).status_code == 302
    assert give_password(Client(REMOTE_ADDR="203.0.113.9")).status_code == 302


def test_S6_D37_wrong_codes_from_everywhere_keep_nobody_out(ann):
    secret, codes = with_app(ann)
    home = Client(REMOTE_ADDR=HOME)
    give_password(home)
    give_code(home, code_of(secret))
    for number in range(second_step.WRONG_CODES_FROM_ANYWHERE.most + 5):
        client = stranger(number)
        give_password(client)
        give_code(client, wrong_code(secret))
    again = Client(REMOTE_ADDR=HOME)
    give_password(again)
    assert give_code(again, code_of(secret, later=1)).status_code == 302
    travelling = Client(REMOTE_ADDR="203.0.113.9")
    give_password(travelling)
    assert give_code(travelling, codes[0]).status_code == 302


def test_S6_D37_a_flood_of_reset_requests_fills_no_mailbox_and_keeps_nobody_out(ann):
    home = Client(REMOTE_ADDR=HOME)
    give_password(home)
    home.post("/session/end")
    answers = [ask_for_reset(stranger(number)) for number in range(40)]
    assert {(answer.status_code, answer["Location"]) for answer in answers} == {
        (302, "/password/forgot/sent")
    }
    flooded = len(reset_mails())
    assert flooded == passwords.REQUESTS_FROM_ANYWHERE.most + 1  # and one an hour from then on
    assert ask_for_reset(home).status_code == 302
    assert len(reset_mails()) == flooded + 1


def test_S6_nobody_learns_from_the_flood_whether_an_address_is_known(ann):
    """The answers are the same for an address that nobody has."""
    known = [ask_for_reset(stranger(number)).status_code for number in range(30)]
    unknown = [
        stranger(number).post("/password/forgot", {"email": "nobody@example.com"}).status_code
        for number in range(30)
    ]
    assert known == unknown


def test_S6_wrong_passwords_at_the_question_count_as_failed_sign_ins(ann):
    """Whoever found a session open does not guess there."""
    client = Client(REMOTE_ADDR=HOME)
    give_password(client)
    for _ in range(10):
        client.post("/session/confirm", {"password_again": "wrong wrong wrong"})
    session = client.session
    session["signed_in_at"] = 0
    session.save()
    refused = client.post("/session/confirm", {"password_again": PASSWORD})
    assert refused.status_code == 422
    assert "Too many failed sign-ins" in refused.content.decode()
