"""Confirming an address, and changing it (app.md 4.5)."""

import re

import pytest
from allauth.account.models import EmailAddress
from django.core import signing

from accounts.models import AuditEvent
from accounts.services.email_addresses import is_confirmed
from accounts.services.passwords import reset_password, reset_path
from tests.factories import make_member, make_user
from tests.mailbox import sent_mails

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"


@pytest.fixture
def ann(client):
    person = make_member(email="ann@example.com", password=PASSWORD)
    client.force_login(person)
    return person


def page(person, tail=""):
    return f"/client/{person.memberships.get().account.client_id}/account/profile{tail}"


def link():
    return re.search(r"http://testserver(/email/confirm/\S+)", sent_mails()[-1].body)[1]


def fields(person, **changes):
    return {"full_name": person.get_full_name(), "email": person.email, "error_mail": "on"} | changes


def test_a_quiet_notice_sends_the_link_again(client, ann):
    assert "is not confirmed yet" in client.get(page(ann)).content.decode()
    response = client.post(page(ann, "/confirm-email"))
    assert response["Location"] == page(ann)
    assert "on its way to ann@example.com" in client.get(page(ann)).content.decode()
    assert len(sent_mails()) == 1


def test_the_link_confirms_by_a_button(client, ann):
    client.post(page(ann, "/confirm-email"))
    shown = client.get(link())
    assert shown.status_code == 200
    assert not is_confirmed(ann)
    assert client.post(link())["Location"] == "/"
    assert is_confirmed(ann)
    assert "is not confirmed yet" not in client.get(page(ann)).content.decode()
    assert AuditEvent.objects.filter(event="user.email_confirmed", actor=ann).count() == 1


def test_a_spent_or_forged_or_old_link_confirms_nothing(client, ann, monkeypatch):
    client.post(page(ann, "/confirm-email"))
    path = link()
    real = signing.time.time
    monkeypatch.setattr(signing.time, "time", lambda: real() + 3 * 24 * 60 * 60 + 60)
    assert client.get(path).status_code == 404
    monkeypatch.undo()
    client.post(path)
    for spent in (client.get(path), client.post(path), client.get("/email/confirm/MTI:1x:y")):
        assert spent.status_code == 404
        assert "This link was used before" in spent.content.decode()


def test_no_more_than_five_mails_an_hour(client, ann):
    for _ in range(5):
        client.post(page(ann, "/confirm-email"))
    client.post(page(ann, "/confirm-email"))
    assert len(sent_mails()) == 5
    assert "Five mails went to this address" in client.get(page(ann)).content.decode()


def test_a_new_address_counts_once_it_is_confirmed(client, ann):
    response = client.post(page(ann), fields(ann, email="Ann.Bell@Example.com"))
    assert response["Location"] == page(ann)
    ann.refresh_from_db()
    assert ann.email == "ann@example.com"
    assert sent_mails()[-1].to == ["ann.bell@example.com"]
    assert "until <strong>ann.bell@example.com</strong>" in re.sub(
        r"\s+", " ", client.get(page(ann)).content.decode()
    )
    client.post(link())
    ann.refresh_from_db()
    assert ann.email == "ann.bell@example.com"
    assert list(EmailAddress.objects.values_list("email", "verified", "primary")) == [
        ("ann.bell@example.com", True, True)
    ]
    assert (sent_mails()[-1].to, sent_mails()[-1].subject) == (
        ["ann@example.com"],
        "Stitch: Your email address was changed",
    )


def test_keeping_the_address_calls_the_change_off_and_says_so(client, ann):
    client.post(page(ann), fields(ann, email="new@example.com"))
    waiting = link()
    client.post(page(ann), fields(ann))
    told = client.get(page(ann)).content.decode()
    assert "You keep ann@example.com: the link sent to new@example.com leads nowhere now." in told
    assert client.post(waiting).status_code == 404


def test_S5_a_new_password_by_mail_ends_the_link_of_an_address_asked_for_before(client, ann):
    client.post(page(ann), fields(ann, email="intruder@example.com"))
    waiting = link()
    reset_password(code=reset_path(ann.pk).rpartition("/")[2], password=PASSWORD[::-1], server="")
    assert client.post(waiting).status_code == 404
    ann.refresh_from_db()
    assert ann.email == "ann@example.com"
    assert is_confirmed(ann) is False


def test_an_address_of_somebody_else_is_refused(client, ann):
    make_user(email="taken@example.com")
    response = client.post(page(ann), fields(ann, email="taken@example.com"))
    assert response.status_code == 422
    assert response.context["profile_form"].errors == {
        "email": ["This email address is already associated with an active user."]
    }
    assert sent_mails() == []


def test_an_alias_is_another_address(client, ann):
    make_user(email="bob@example.com")
    assert client.post(page(ann), fields(ann, email="bob+stitch@example.com")).status_code == 302


def test_an_address_taken_meanwhile_is_not_taken_over(client, ann):
    client.post(page(ann), fields(ann, email="new@example.com"))
    make_user(email="new@example.com")
    assert client.post(link()).status_code == 409
    ann.refresh_from_db()
    assert ann.email == "ann@example.com"


def test_an_address_taken_in_the_same_moment_is_refused_too(client, ann, monkeypatch):
    client.post(page(ann), fields(ann, email="bob@example.com"))
    make_user(email="bob@example.com")
    monkeypatch.setattr("accounts.services.email_addresses.is_taken", lambda **who: False)
    assert client.post(link()).status_code == 409


def test_P12_a_new_address_needs_a_fresh_sign_in_and_a_new_name_does_not(client, ann):
    session = client.session
    session["signed_in_at"] = 0
    session.save()
    assert client.post(page(ann), fields(ann, full_name="Anna Bell")).status_code == 302
    asked = client.post(page(ann), fields(ann, email="new@example.com", full_name="Anna Bell"))
    assert (asked.status_code, len(sent_mails())) == (422, 0)
    again = dict(asked.context["carried"]) | {"password_again": PASSWORD}
    assert client.post(page(ann), again).status_code == 302
    assert sent_mails()[-1].to == ["new@example.com"]
