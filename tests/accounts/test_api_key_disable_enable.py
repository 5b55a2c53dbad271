"""Disable this key, Re-enable this key (app.md 6.5)."""

import pytest
from django.contrib.messages import get_messages
from django.utils import timezone

from accounts.models import ApiKey, Role
from tests.factories import make_account, make_api_key, make_member
from tests.pages import Page

pytestmark = pytest.mark.django_db


def messages_of(response):
    return [str(message) for message in get_messages(response.wsgi_request)]


def test_K29_disable_at_once_and_back_to_the_list(signed_in, page, account):
    key, _ = make_api_key(account)
    response = signed_in.post(page("api-key-disable", api_key_id=key.pk))
    assert response.status_code == 302
    assert response.url == page("account-settings")
    assert messages_of(response) == [
        f"The key ending in {key.last_four} is disabled. Requests with it are refused."
    ]
    assert not ApiKey.objects.get().is_enabled


def test_K30_re_enable(signed_in, page, account):
    key, _ = make_api_key(account, disabled_at=timezone.now())
    response = signed_in.post(page("api-key-enable", api_key_id=key.pk))
    assert response.url == page("account-settings")
    assert messages_of(response) == [f"The key ending in {key.last_four} is enabled again."]
    assert ApiKey.objects.get().is_enabled


@pytest.mark.parametrize("name", ["api-key-disable", "api-key-enable"])
def test_a_look_changes_nothing(signed_in, page, account, name):
    key, _ = make_api_key(account)
    assert signed_in.get(page(name, api_key_id=key.pk)).status_code == 405


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.GENERAL_USER])
def test_K09_every_member_may_switch_every_key(client, account, member, page, role):
    key, _ = make_api_key(account, member)
    client.force_login(make_member(account, role=role))
    client.post(page("api-key-disable", api_key_id=key.pk))
    assert not ApiKey.objects.get().is_enabled
    client.post(page("api-key-enable", api_key_id=key.pk))
    assert ApiKey.objects.get().is_enabled
    assert ApiKey.objects.get().created_by == member


def test_K12_re_enabling_needs_the_plan_and_disabling_does_not(client):
    account = make_account(plan="standard")
    client.force_login(make_member(account))
    key, _ = make_api_key(account)
    address = f"/client/{account.client_id}/account/api-keys/{key.pk}"
    assert client.post(f"{address}/disable").status_code == 302
    refused = client.post(f"{address}/enable")
    assert refused.status_code == 403
    assert "API access comes with the Advanced and Premium plans" in Page(refused).words
    assert not ApiKey.objects.get().is_enabled


def test_a_key_of_somebody_who_left_is_not_re_enabled(signed_in, page, account):
    leaver = make_member(account)
    key, _ = make_api_key(account, leaver, disabled_at=timezone.now())
    leaver.memberships.update(deactivated_at=timezone.now())
    response = signed_in.post(page("api-key-enable", api_key_id=key.pk))
    assert response.status_code == 409
    assert "This key's owner is not an active member of the account" in Page(response).words
    assert not ApiKey.objects.get().is_enabled
