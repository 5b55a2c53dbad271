"""Delete this key: the question, and what follows (app.md 6.6)."""

from datetime import UTC, datetime

import pytest
from django.contrib.messages import get_messages

from accounts.models import ApiKey, Role
from tests.factories import make_account, make_api_key, make_member
from tests.pages import Page

pytestmark = pytest.mark.django_db


def test_K28_the_question_names_the_key_and_its_last_use(signed_in, page, account, member):
    key, _ = make_api_key(
        account,
        member,
        description="Nightly export",
        last_used_at=datetime(2024, 9, 18, 6, 18, tzinfo=UTC),
        last_used_address="192.0.2.7",
        last_used_client="curl/8",
    )
    shown = Page(signed_in.get(page("api-key-delete", api_key_id=key.pk)))
    assert (
        f"You are about to delete the API access key ending in {key.last_four} , “Nightly export”, "
        f"created by {member.get_full_name()} ({member.email}). "
        "It was last used on Sept 18, 2024 06:18 (UTC) from 192.0.2.7 by curl/8."
    ) in shown.words
    assert "Programs that use it are refused from their next request on." in shown.words
    assert "Delete" in shown.buttons
    assert shown.links["Cancel"] == page("account-settings")
    assert ApiKey.objects.exists()


def test_K28_a_key_that_was_never_used_says_so(signed_in, page, account):
    key, _ = make_api_key(account)
    assert "It was never used ." in Page(signed_in.get(page("api-key-delete", api_key_id=key.pk))).words


def test_K27_htmx_gets_the_dialog_alone(signed_in, page, account):
    key, _ = make_api_key(account)
    content = signed_in.get(
        page("api-key-delete", api_key_id=key.pk), headers={"HX-Request": "true"}
    ).content.decode()
    assert content.strip().startswith("<dialog")
    assert "<html" not in content


def test_K25_K28_delete_goes_through(signed_in, page, account):
    key, _ = make_api_key(account)
    response = signed_in.post(page("api-key-delete", api_key_id=key.pk))
    assert response.url == page("account-settings")
    assert [str(message) for message in get_messages(response.wsgi_request)] == [
        f"The key ending in {key.last_four} was deleted."
    ]
    assert not ApiKey.objects.exists()
    assert signed_in.post(page("api-key-delete", api_key_id=key.pk)).status_code == 404


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.GENERAL_USER])
def test_K09_every_member_may_delete_every_key(client, account, member, page, role):
    key, _ = make_api_key(account, member)
    client.force_login(make_member(account, role=role))
    client.post(page("api-key-delete", api_key_id=key.pk))
    assert not ApiKey.objects.exists()


def test_K13_a_plan_without_api_access_may_still_delete(client):
    account = make_account(plan="standard")
    client.force_login(make_member(account))
    key, _ = make_api_key(account)
    client.post(f"/client/{account.client_id}/account/api-keys/{key.pk}/delete")
    assert not ApiKey.objects.exists()


def test_P12_an_old_sign_in_is_asked_for_the_password(signed_in, page, account, settings):
    key, _ = make_api_key(account)
    settings.FRESH_SIGN_IN_SECONDS = -1
    address = page("api-key-delete", api_key_id=key.pk)
    assert signed_in.get(address).url.startswith("/session/confirm?")
    assert signed_in.get(address, headers={"HX-Request": "true"})["HX-Redirect"].startswith(
        "/session/confirm?"
    )
    assert signed_in.post(address).status_code == 422
    assert ApiKey.objects.exists()
