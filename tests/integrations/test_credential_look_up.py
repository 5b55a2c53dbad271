"""The staff page that says whose a pasted key or token is (decision D19; A1, A4, P3, P5)."""

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from accounts import secrets
from accounts.audit import Event
from accounts.models import AuditEvent, Plan
from tests.factories import (
    make_access_token,
    make_account,
    make_api_key,
    make_integration,
    make_member,
    make_user,
)

PAGE = "/staff/credential"


@pytest.fixture
def account(db):
    account = make_account(company_name="Acme")
    make_member(account)
    return account


@pytest.fixture
def support(client, db):
    person = make_user(is_staff=True)
    person.groups.add(Group.objects.get(name="Support"))
    client.force_login(person)
    return person


def text_of(response):
    return " ".join(response.content.decode().split())


def test_a_good_key(client, support, account):
    key, secret = make_api_key(account, description="Nightly")
    response = client.post(PAGE, {"secret": f"Bearer {secret}"})
    text = text_of(response)
    assert response.status_code == 200
    assert f"Acme ({account.client_id})" in text
    assert "would be admitted." in text
    assert "no-store" in response["Cache-Control"]
    event = AuditEvent.objects.get()
    assert (event.event, event.account, event.by_staff, event.actor) == (
        Event.CREDENTIAL_LOOKED_UP,
        account,
        True,
        support,
    )
    assert (event.object_id, event.object_name) == (key.pk, "Nightly")


def test_D30_a_key_that_was_handed_over_names_its_owner(client, support, account):
    heir = make_member(account, email="heir@example.com")
    _, secret = make_api_key(account, handed_to=heir)
    assert "Owned by" in (text := text_of(client.post(PAGE, {"secret": secret})))
    assert "heir@example.com" in text


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ("disabled", "The key is disabled."),
        ("plan", "The account&#x27;s plan does not include API access."),
        ("left", "The key&#x27;s owner is no longer an active member."),
    ],
)
def test_a_key_that_would_be_refused(client, support, account, state, sentence):
    key, secret = make_api_key(account)
    if state == "disabled":
        type(key).objects.update(disabled_at=timezone.now())
    elif state == "plan":
        account.plan = Plan.objects.get(slug="standard")
        account.save()
    else:
        account.memberships.update(deactivated_at=timezone.now())
    assert f"would be refused. {sentence}" in text_of(client.post(PAGE, {"secret": secret}))


@pytest.mark.parametrize(
    ("integration", "token", "sentence"),
    [
        ({}, {}, ""),
        ({}, {"revoked_at": timezone.now()}, "The token was revoked."),
        ({"paused_at": timezone.now()}, {}, "The integration is paused."),
        ({"deleted_at": timezone.now()}, {}, "The integration was deleted."),
    ],
    ids=["good", "revoked", "paused", "deleted"],
)
def test_a_token(client, support, account, integration, token, sentence):
    _, secret = make_access_token(make_integration(account, display_name="Shop", **integration), **token)
    text = text_of(client.post(PAGE, {"secret": secret}))
    assert "<td>Shop</td>" in text
    assert (f"would be refused. {sentence}" if sentence else "would be admitted.") in text
    assert AuditEvent.objects.get().account == account


@pytest.mark.parametrize("prefix", [secrets.API_KEY_PREFIX, secrets.ACCESS_TOKEN_PREFIX])
def test_an_unknown_one_and_a_typo(client, support, prefix):
    secret = secrets.generate(prefix)
    assert "No such" in text_of(client.post(PAGE, {"secret": secret}))
    typo = secret[:-1] + ("x" if secret[-1] != "x" else "y")
    assert "does not have the form" in text_of(client.post(PAGE, {"secret": typo}))
    assert "neither" in text_of(client.post(PAGE, {"secret": "password"}))
    assert {(event.account, event.detail["found"]) for event in AuditEvent.objects.all()} == {(None, False)}


def test_P3_the_secret_is_neither_echoed_nor_stored_nor_logged(client, support, account, caplog):
    caplog.set_level("DEBUG")
    _, known = make_api_key(account)
    unknown = secrets.generate(secrets.API_KEY_PREFIX)
    for secret in (known, unknown, "x" * 501):
        response = client.post(PAGE, {"secret": secret})
        assert secret not in response.content.decode()
        assert secret not in caplog.text
        assert secret not in str(list(AuditEvent.objects.values()))
        assert secret not in str(dict(client.session))
    assert response.status_code == 422


def test_it_is_never_taken_from_the_address(client, support, account):
    _, secret = make_api_key(account)
    assert "Acme" not in client.get(PAGE, {"secret": secret}).content.decode()
    assert not AuditEvent.objects.exists()


def test_the_index_leads_to_it(client, support):
    assert f'href="{PAGE}"' in client.get("/admin/").content.decode()


def test_it_is_for_staff_with_the_permission(client, account):
    client.force_login(make_user(is_staff=True))
    assert client.get(PAGE).status_code == 403
    assert client.post(PAGE, {"secret": "x"}).status_code == 403
    client.logout()
    assert client.get(PAGE).status_code == 302
    assert not AuditEvent.objects.filter(event=Event.CREDENTIAL_LOOKED_UP).exists()
