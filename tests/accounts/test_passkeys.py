"""Passkeys: adding, listing, removing, signing in (issue 4 B; promises P11, P12, S6, S9)."""

import json
import uuid

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from accounts.models import AuditEvent
from accounts.services import passkeys, throttle
from tests.accounts.passkeys import Passkey, add_passkey, ask, options_on
from tests.accounts.second_factors import recovery_codes_on
from tests.factories import make_member, make_user
from tests.mailbox import sent_mails

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"


def browser():
    return Client(HTTP_HOST="localhost")


@pytest.fixture
def ann():
    return make_member(email="ann@example.com", password=PASSWORD)


@pytest.fixture
def here(ann):
    client = browser()
    client.force_login(ann)
    return client


def sign_in(client, passkey, path="/session/passkey"):
    return client.post(path, {"credential": passkey.show(ask(client))})


def is_signed_in(client):
    return client.get("/security").status_code == 200


def test_adding_a_passkey_shows_recovery_codes_and_lists_it_by_name(here, ann):
    _, answer = add_passkey(here, "Work laptop")
    assert answer.status_code == 200
    assert len(recovery_codes_on(answer.content.decode())) == 10
    page = here.get("/security").content.decode()
    assert "Work laptop" in page
    assert "<dd>On</dd>" in page
    _, second = add_passkey(here, "Telephone")
    assert second["Location"] == "/security"
    events = AuditEvent.objects.filter(event="user.passkey_added", actor=ann)
    assert {event.detail["passkey"] for event in events} == {"Work laptop", "Telephone"}
    assert [mail.subject for mail in sent_mails()] == ["Stitch: A passkey was added"] * 2


def test_a_passkey_signs_in_without_password_and_code_and_is_a_fresh_sign_in(here, ann):
    passkey, _ = add_passkey(here)
    client = browser()
    answer = sign_in(client, passkey)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert is_signed_in(client)
    assert client.get("/security/passkeys/new").status_code == 200  # P12: no question
    assert Authenticator.objects.get(type="webauthn").last_used_at is not None
    assert AuditEvent.objects.filter(event="user.signed_in", actor=ann).count() == 1


def test_a_passkey_leads_where_the_person_wanted_to_go(here):
    passkey, _ = add_passkey(here)
    assert sign_in(browser(), passkey, "/session/passkey?next=/security")["Location"] == "/security"
    assert sign_in(browser(), passkey, "/session/passkey?next=https://example.com/")["Location"] == "/"


def test_the_password_alone_stops_at_the_second_step_where_the_passkey_is_offered(here, ann):
    passkey, _ = add_passkey(here)
    client = browser()
    answer = client.post("/session/create", {"email": ann.email, "password": PASSWORD})
    assert answer["Location"] == "/session/second-step"
    page = client.get("/session/second-step").content.decode()
    assert "Show your passkey, or enter one of your recovery codes" in page
    assert 'data-passkey="get"' in page
    sign_in(client, passkey)
    assert is_signed_in(client)


def test_P12_a_passkey_confirms_that_it_is_you(here, ann):
    passkey, _ = add_passkey(here)
    session = here.session
    session["signed_in_at"] = 0
    session.save()
    asked = here.get("/security/passkeys/new")["Location"]
    assert "Confirm with a Passkey" in here.get(asked).content.decode()
    someone, other = browser(), make_member()
    someone.force_login(other)
    stranger, _ = add_passkey(someone)
    refused = here.post(asked, {"passkey_again": stranger.show(ask(here))})
    assert refused.status_code == 422
    assert "This passkey was not accepted." in refused.content.decode()
    assert (
        here.post(asked, {"passkey_again": passkey.show(ask(here))})["Location"] == "/security/passkeys/new"
    )
    assert here.get("/security/passkeys/new").status_code == 200


def test_P12_D40_a_form_sent_too_late_goes_on_with_a_passkey(here, ann):
    passkey, _ = add_passkey(here)
    session = here.session
    session["signed_in_at"] = 0
    session.save()
    path = f"/client/{ann.memberships.get().account.client_id}/account/api-keys/new"
    asked = here.post(path, {"description": "Typed with care"})
    assert asked.status_code == 422
    assert asked.content.decode().count('value="Typed with care"') == 2
    sent = {"description": "Typed with care", "form_id": str(uuid.uuid4())}
    sent |= {"passkey_again": passkey.show(ask(here))}
    assert "Generated API Access Key" in here.post(path, sent).content.decode()


@pytest.mark.parametrize("blank", [" ", "\t", "\r\n", "\u3000"])
def test_P12_blanks_for_a_passkey_confirm_nothing(here, ann, blank):
    session = here.session
    session["signed_in_at"] = 0
    session.save()
    for path in ("/session/confirm", "/security/sign-in-alerts"):
        assert here.post(path, {"passkey_again": blank}).status_code == 422
    assert here.session["signed_in_at"] == 0


@pytest.mark.parametrize(
    "spoil",
    [
        lambda answer: answer["response"].update(signature="AAAA"),
        lambda answer: answer["response"].update(userHandle="OTk5OTk5"),
        lambda answer: answer["response"].update(userHandle=None),
        lambda answer: answer["response"].pop("authenticatorData"),
        lambda answer: answer["response"].update(authenticatorData="AA"),
        lambda answer: answer["response"].update(authenticatorData="A" * 42 + "CFAAAAABk"),
        lambda answer: answer["response"].update(clientDataJSON="bm8ganNvbg"),
        lambda answer: answer.update(response=[]),
        lambda answer: answer.update(id="AAAA", rawId="AAAA"),
        lambda answer: answer.clear(),
    ],
)
def test_S9_a_spoilt_answer_is_refused_in_one_sentence(here, spoil):
    passkey, _ = add_passkey(here)
    client = browser()
    answer = json.loads(passkey.show(ask(client)))
    spoil(answer)
    refused = client.post("/session/passkey", {"credential": json.dumps(answer)})
    assert refused["Location"] == "/session/create"
    assert "This passkey was not accepted." in client.get("/session/create").content.decode()
    assert not is_signed_in(client)


@pytest.mark.parametrize("credential", ["", "null", "[]", '"x"', "{", "1", "x" * 30_000, "[" * 20_000])
def test_S9_what_is_no_answer_at_all_is_refused_too(here, credential):
    client = browser()
    assert client.post("/session/passkey", {"credential": credential})["Location"] == "/session/create"
    added = here.post("/security/passkeys/new", {"name": "Laptop", "credential": credential})
    assert added.status_code == 422
    assert not Authenticator.objects.exists()


def test_an_answer_works_once_and_for_its_own_challenge(here):
    passkey, _ = add_passkey(here)
    client = browser()
    credential = passkey.show(ask(client))
    client.post("/session/passkey", {"credential": credential})
    client.post("/session/end")
    client.post("/session/passkey", {"credential": credential})
    assert not is_signed_in(client)
    ask(client)
    client.post("/session/passkey", {"credential": credential})
    assert not is_signed_in(client)


def test_a_passkey_for_another_site_is_refused(here):
    page = here.get("/security/passkeys/new").content.decode()
    credential = Passkey(origin="https://evil.example").make(options_on(page))
    assert here.post("/security/passkeys/new", {"name": "x", "credential": credential}).status_code == 422


def test_a_passkey_that_asks_nobody_is_not_added_and_opens_nothing(here):
    _, answer = add_passkey(here, verifies=False)
    assert answer.status_code == 422
    assert not Authenticator.objects.exists()
    passkey, _ = add_passkey(here)
    passkey.flags = 1  # present, and not verified
    client = browser()
    sign_in(client, passkey)
    assert not is_signed_in(client)


def test_who_was_deactivated_does_not_come_in_with_a_passkey(here, ann):
    passkey, _ = add_passkey(here)
    ann.memberships.update(deactivated_at="2026-01-01T00:00:00Z")
    client = browser()
    sign_in(client, passkey)
    assert client.get("/security").status_code == 302


def test_a_removed_passkey_opens_nothing_and_takes_the_recovery_codes_along(here, ann):
    passkey, _ = add_passkey(here)
    pk = Authenticator.objects.get(type="webauthn").pk
    asked = here.get(f"/security/passkeys/{pk}/remove").content.decode()
    assert "“Laptop” does not sign you in any more" in asked
    assert "Two-factor authentication is off then" in asked
    assert here.post(f"/security/passkeys/{pk}/remove")["Location"] == "/security"
    assert not Authenticator.objects.exists()
    client = browser()
    sign_in(client, passkey)
    assert not is_signed_in(client)
    assert AuditEvent.objects.filter(event="user.passkey_removed").count() == 1


def test_P11_another_persons_passkey_is_unknown(here):
    add_passkey(here)
    pk = Authenticator.objects.get(type="webauthn").pk
    stranger = browser()
    stranger.force_login(make_member())
    assert stranger.get(f"/security/passkeys/{pk}/remove").status_code == 404
    assert stranger.post(f"/security/passkeys/{pk}/remove").status_code == 404
    assert Authenticator.objects.filter(pk=pk).exists()


def test_ten_passkeys_are_the_most(here, ann):
    for number in range(passkeys.MAX_PASSKEYS):
        add_passkey(here, f"Key {number}")
    assert here.get("/security/passkeys/new").status_code == 409
    assert Authenticator.objects.filter(type="webauthn").count() == 10


def test_a_name_is_one_line(here):
    page = here.get("/security/passkeys/new").content.decode()
    credential = Passkey().make(options_on(page))
    answer = here.post("/security/passkeys/new", {"name": "A\u2028B", "credential": credential})
    assert answer.context["form"].errors["name"] == ["Use one line of text without control characters."]


def test_S6_one_place_does_not_ask_for_ever_and_the_password_still_works(ann):
    client = browser()
    for _ in range(passkeys.TRIES_FROM_HERE.most):
        throttle.take_place(passkeys.TRIES_FROM_HERE, "127.0.0.1")
    refused = client.post("/session/passkey/options")
    assert (refused.status_code, refused.json()) == (
        429,
        {"message": "Too many passkeys were tried from here. Try again in 15 minutes, or use your password."},
    )
    client.post("/session/create", {"email": ann.email, "password": PASSWORD})
    assert is_signed_in(client)


def test_the_pages_say_what_takes_javascript(here):
    assert "takes JavaScript" in here.get("/security/passkeys/new").content.decode()
    assert "takes JavaScript" in browser().get("/session/create").content.decode()


def test_staff_sign_in_to_the_admin_with_a_passkey():
    staff, client = make_user(is_staff=True, is_superuser=True), browser()
    client.force_login(staff)
    passkey, _ = add_passkey(client)
    other = browser()
    assert sign_in(other, passkey, "/session/passkey?next=/admin/")["Location"] == "/admin/"
    assert other.get("/admin/").status_code == 200
