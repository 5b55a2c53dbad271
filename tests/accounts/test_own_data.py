"""Downloading one's own data, and leaving an account (issue 4 B; promises P3, P12, D30)."""

import json

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import ApiKey, AuditEvent, Role
from accounts.services.members import change_role
from tests.accounts.passkeys import add_passkey
from tests.accounts.second_factors import with_app
from tests.factories import (
    make_access_token,
    make_account,
    make_api_key,
    make_integration,
    make_member,
    make_notification,
    make_notification_address,
    make_user,
)

SERVER = "http://testserver"
pytestmark = pytest.mark.django_db


def client_of(person):
    client = Client(HTTP_HOST="localhost")
    client.force_login(person)
    return client


def download(client):
    answer = client.post("/security/data")
    assert answer.status_code == 200
    assert answer["Content-Disposition"] == 'attachment; filename="my-data.json"'
    assert "no-store" in answer["Cache-Control"]
    return json.loads(b"".join(answer.streaming_content))


@pytest.fixture
def account():
    return make_account(company_name="Wool and Sons")


@pytest.fixture
def ann(account):
    return make_member(account, email="ann@example.com", first_name="Ann", last_name="Bell")


def test_the_file_holds_what_is_held_on_the_person(account, ann):
    client = client_of(ann)
    key, secret = make_api_key(account, ann, description="Nightly")
    token, token_secret = make_access_token(make_integration(account, created_by=ann, display_name="Shop"))
    make_notification_address(account, email="list@example.com", created_by=ann)
    make_notification(account=account, dismissed_at=timezone.now(), dismissed_by=ann)
    app_secret, codes = with_app(ann)  # it ends the sessions that were opened before
    client.force_login(ann)
    add_passkey(client, "Laptop")
    data = download(client)
    assert data["profile"]["email"] == "ann@example.com"
    assert [(row["client_id"], row["role"]) for row in data["memberships"]] == [
        (account.client_id, "Administrator")
    ]
    assert [(row["description"], row["last_four"]) for row in data["api_access_keys"]] == [
        ("Nightly", key.last_four)
    ]
    assert data["integrations_made"][0]["display_name"] == "Shop"
    assert data["access_tokens_generated"][0]["integration"] == "Shop"
    assert data["notification_addresses_added"][0]["email"] == "list@example.com"
    assert data["notifications_dismissed"][0]["kind"] == "Error persisting table data"
    assert data["sign_in"]["passkeys"][0]["name"] == "Laptop"
    assert data["sign_in"]["unused_recovery_codes"] == 10
    assert len(data["sessions"]) >= 1
    assert "user.passkey_added" in {event["event"] for event in data["activity"]}
    text = json.dumps(data)
    assert not [found for found in (secret, token_secret, app_secret, *codes) if found in text]
    assert token.digest.hex() not in text
    assert ann.password not in text
    assert AuditEvent.objects.filter(event="user.data_downloaded", actor=ann).count() == 1


def test_nothing_of_others_is_in_it(account, ann):
    bob = make_member(account, email="bob@example.com")
    make_api_key(account, bob, description="Bobs own")
    client = client_of(ann)
    change_role(
        membership=account.memberships.get(user=bob), actor=ann, role=Role.GENERAL_USER, server=SERVER
    )
    text = json.dumps(download(client))
    assert AuditEvent.objects.filter(actor=ann, object_name="bob@example.com").exists()
    assert "bob" not in text.lower()


def test_P12_the_file_takes_a_fresh_sign_in(ann):
    client = client_of(ann)
    session = client.session
    session["signed_in_at"] = 0
    session.save()
    assert client.post("/security/data").status_code == 422


def test_a_person_in_no_account_has_a_file_too():
    data = download(client_of(make_user(is_staff=True)))
    assert data["memberships"] == []


def leave(client, account, method="post"):
    return getattr(client, method)(f"/client/{account.client_id}/account/leave")


def test_D30_leaving_says_before_what_becomes_of_the_keys_and_does_it(account, ann):
    make_member(account)
    key, _ = make_api_key(account, ann, description="Nightly <load>")
    client = client_of(ann)
    asked = leave(client, account, "get").content.decode()
    assert "disabled in the same moment" in asked
    assert f"Nightly &lt;load&gt;, ending in {key.last_four}" in asked
    assert leave(client, account)["Location"] == "/"
    assert ApiKey.objects.get(pk=key.pk).disabled_at is not None
    assert client.get(f"/client/{account.client_id}/account/profile").status_code == 404
    assert AuditEvent.objects.filter(event="member.left", actor=ann, account=account).count() == 1


def test_the_last_administrator_stays_and_is_told_what_to_do(account, ann):
    make_member(account, role=Role.GENERAL_USER)
    client = client_of(ann)
    asked = leave(client, account, "get").content.decode()
    assert "You are the only Administrator of" in asked
    assert "Leave the Account" not in asked
    assert leave(client, account).status_code == 409
    assert account.memberships.active().filter(user=ann).exists()


def test_the_profile_leads_there(account, ann):
    page = client_of(ann).get(f"/client/{account.client_id}/account/profile").content.decode()
    assert f'href="/client/{account.client_id}/account/leave"' in page
