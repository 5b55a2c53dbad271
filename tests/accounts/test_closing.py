"""Cancel Your Account, and reopening it (issue 4 B; app.md 13.1; promises P7, P8, P12)."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.access import Access
from accounts.models import Account, ApiKey, AuditEvent, Invitation, Role
from accounts.services.key_authentication import RefusalReason, find_api_key, reason_to_refuse
from tests.factories import (
    make_access_token,
    make_account,
    make_api_key,
    make_integration,
    make_invitation,
    make_member,
)
from tests.mailbox import sent_mails
from tests.url_table import ROUTES, World

pytestmark = pytest.mark.django_db
NAME = "Wool and Sons"


def client_of(person):
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def account():
    return make_account(company_name=NAME)


@pytest.fixture
def ann(account):
    return make_member(account, email="ann@example.com", first_name="Ann", last_name="Bell")


def path(account, name):
    return reverse(f"accounts:{name}", kwargs={"client_id": account.client_id})


def close(client, account, name=NAME):
    return client.post(path(account, "account-close"), {"company_name": name})


def push(secret):
    return Client().post(
        "/v2/import/push",
        b"[]",
        content_type="application/json",
        headers={"Authorization": f"Bearer {secret}"},
    )


def test_the_page_names_what_stops_and_what_is_deleted_when(account, ann):
    make_integration(account, display_name="Web Shop")
    key, _ = make_api_key(account, ann, description="Nightly")
    make_member(account)
    client = client_of(ann)
    assert "Cancel Your Account" in client.get(path(account, "billing")).content.decode()
    shown = client.get(path(account, "account-close")).content.decode()
    for words in (
        "Web Shop",
        f"Nightly</strong> (ending in {key.last_four})",
        "for 1 other member too",
        "(UTC)",
    ):
        assert words in shown
    assert "A PostgreSQL database of yours is not touched" in shown


def test_the_name_has_to_be_typed(account, ann):
    answer = close(client_of(ann), account, "Wool")
    assert answer.status_code == 422
    assert "This is not the name of the account." in answer.content.decode()
    account.refresh_from_db()
    assert account.closed_at is None


def test_P7_P8_closing_stops_pushes_and_keys_in_the_same_moment(account, ann):
    _, secret = make_access_token(make_integration(account))
    _, key_secret = make_api_key(account, ann)
    assert push(secret).status_code != 401
    assert close(client_of(ann), account)["Location"] == path(account, "account-closed")
    refused = push(secret)
    assert refused.status_code == 401
    assert b"Connection is not active" in refused.content
    bearer = {"Authorization": f"Bearer {key_secret}"}
    assert Client().get("/v4/sources", headers=bearer).status_code == 401
    assert not ApiKey.objects.enabled().exists()
    account.refresh_from_db()
    assert (account.deletes_at - account.closed_at).days == 30
    events = list(AuditEvent.objects.filter(account=account).order_by("pk").values_list("event", flat=True))
    assert events[-2:] == ["api_key.disabled", "account.closed"]


def test_P7_a_key_that_slipped_through_is_refused_too(account, ann):
    _, secret = make_api_key(account, ann)
    Account.objects.update(closed_at=timezone.now())
    assert reason_to_refuse(find_api_key(secret), now=timezone.now()) is RefusalReason.CLOSED


def test_members_are_told_and_invitations_end(account, ann):
    make_member(account, email="bob@example.com", role=Role.GENERAL_USER)
    client = client_of(ann)
    make_invitation(account)
    assert Invitation.objects.open().count() == 1
    close(client, account)
    assert Invitation.objects.open().count() == 0
    mails = [mail for mail in sent_mails() if mail.subject == f"Stitch: {NAME} was closed"]
    assert sorted(mail.to[0] for mail in mails) == ["ann@example.com", "bob@example.com"]
    assert "An Administrator can reopen it until" in mails[0].body


def test_every_page_of_a_closed_account_leads_to_the_one_that_says_so(account, ann):
    client = client_of(ann)
    world = World(member=ann, account=account)
    addresses = {
        world.address(route): view.access
        for route, _, view in ROUTES
        if isinstance(getattr(view, "access", None), Access) and view.access.kind == "member"
    }
    close(client, account)
    door = path(account, "account-closed")
    for address, access in addresses.items():
        led = client.get(address).headers.get("Location", "").startswith(f"{door}?next=")
        assert led != access.while_closed, address
    open_ones = {path(account, name) for name in ("account-closed", "account-leave", "account-reopen")}
    assert {address for address, access in addresses.items() if access.while_closed} == {
        *open_ones,
        path(account, "two-factor-missing"),
    }


def test_an_administrator_reopens_it_and_nobody_else(account, ann):
    worker = make_member(account, role=Role.GENERAL_USER)
    _, secret = make_access_token(make_integration(account))
    make_api_key(account, ann)
    close(client_of(worker), account)  # the published matrix: every role may cancel
    assert "An Administrator of the account can reopen it" in (
        client_of(worker).get(path(account, "account-closed")).content.decode()
    )
    assert client_of(worker).post(path(account, "account-reopen")).status_code == 403
    client = client_of(ann)
    assert "Reopen the Account" in client.get(path(account, "account-closed")).content.decode()
    assert client.post(path(account, "account-reopen"))["Location"] == path(account, "account-settings")
    client.post(path(account, "account-reopen"))
    assert push(secret).status_code != 401
    assert not ApiKey.objects.enabled().exists()  # somebody has to want each of them back
    assert AuditEvent.objects.filter(event="account.reopened").count() == 1
    assert client.get(path(account, "account-closed"))["Location"].endswith("/pipeline/connections")


def test_after_the_grace_period_it_is_too_late(account, ann):
    client = client_of(ann)
    close(client, account)
    Account.objects.update(deletes_at=timezone.now())
    assert "it is being deleted" in client.get(path(account, "account-closed")).content.decode()
    assert client.post(path(account, "account-reopen")).status_code == 409


def test_closing_twice_is_closing_once(account, ann):
    from accounts.services.closing import close_account

    first = close_account(account=account, actor=ann, server="http://testserver")
    second = close_account(account=account, actor=ann, server="http://testserver")
    assert first.closed_at == second.closed_at
    assert AuditEvent.objects.filter(event="account.closed").count() == 1


def test_the_grace_period_is_a_setting(account, ann, settings):
    settings.ACCOUNT_GRACE_DAYS = 3
    close(client_of(ann), account)
    account.refresh_from_db()
    assert (account.deletes_at - account.closed_at).days == 3
