"""The gate's `fresh=True` (decisions D9 and D40, promise P12)."""

import time

import pytest
from django.http import HttpResponse
from django.urls import include, path

from accounts.access import Can, allow
from accounts.models import AuditEvent
from tests.factories import make_account, make_member

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]
PASSWORD = "correct horse battery staple"


@allow(Can.MANAGE_API_KEYS, fresh=True)
def key_form(request):
    return HttpResponse(f"{request.method} {request.POST.get('description', '')}")


urlpatterns = [
    path("client/<int:client_id>/keys/new", key_form, name="key-form"),
    path("", include("accounts.urls")),
    path("", include("integrations.urls")),
]


@pytest.fixture
def account():
    return make_account()


@pytest.fixture
def stale(client, account):
    """A browser whose person signed in sixteen minutes ago."""
    client.force_login(make_member(account, password=PASSWORD))
    set_age(client, 16 * 60)
    return client


def set_age(client, seconds):
    session = client.session
    session["signed_in_at"] = int(time.time()) - seconds
    session.save()


def url(account):
    return f"/client/{account.client_id}/keys/new"


def test_P12_just_signed_in_never_notices(client, account):
    client.force_login(make_member(account))
    assert client.get(url(account)).content == b"GET "
    assert client.post(url(account), {"description": "Nightly"}).content == b"POST Nightly"


def test_P12_fourteen_minutes_are_fresh_and_sixteen_are_not(stale, account):
    set_age(stale, 14 * 60)
    assert stale.get(url(account)).status_code == 200
    set_age(stale, 16 * 60)
    assert stale.get(url(account)).status_code == 302


def test_P12_an_old_sign_in_is_asked_for_the_password_when_the_form_opens(stale, account):
    response = stale.get(url(account) + "?a=1")
    assert response.status_code == 302
    assert (
        response["Location"] == f"/session/confirm?next=%2Fclient%2F{account.client_id}%2Fkeys%2Fnew%3Fa%3D1"
    )
    wrong = stale.post(response["Location"], {"password_again": "something else entirely"})
    assert wrong.status_code == 422
    assert stale.get(url(account)).status_code == 302
    right = stale.post(response["Location"], {"password_again": PASSWORD})
    assert (right.status_code, right["Location"]) == (302, url(account) + "?a=1")
    assert stale.get(url(account)).content == b"GET "


def test_P12_what_was_typed_survives_the_question(stale, account):
    """D40: the page that asks carries the fields, and the same request goes on."""
    asked = stale.post(url(account), {"description": "Nightly <load>", "client_secret": "hush"})
    assert asked.status_code == 422
    assert asked["Cache-Control"].find("no-store") >= 0
    assert asked.context["carried"] == [("description", "Nightly <load>"), ("left_out", "client_secret")]
    assert 'name="description" value="Nightly &lt;load&gt;"' in asked.content.decode()
    assert "hush" not in asked.content.decode()
    fields = {"description": "Nightly <load>"}
    wrong = stale.post(url(account), fields | {"password_again": "something else entirely"})
    assert (wrong.status_code, wrong.context["carried"]) == (422, [("description", "Nightly <load>")])
    done = stale.post(url(account), fields | {"password_again": PASSWORD})
    assert done.content == b"POST Nightly <load>"
    events = list(AuditEvent.objects.filter(account=account).values_list("event", flat=True))
    assert events == ["user.sign_in_confirmed", "user.sign_in_failed"]


def test_P12_htmx_is_sent_to_the_question_as_a_page(stale, account):
    opened = stale.get(url(account), headers={"HX-Request": "true"})
    assert (opened.status_code, opened["HX-Redirect"][:21]) == (200, "/session/confirm?next")
    sent = stale.post(url(account), {"description": "x"}, headers={"HX-Request": "true"})
    assert (sent.status_code, sent["HX-Retarget"], sent["HX-Reswap"]) == (422, "body", "innerHTML")


def test_P12_a_session_without_a_time_is_not_fresh(stale, account):
    session = stale.session
    del session["signed_in_at"]
    session.save()
    assert stale.get(url(account)).status_code == 302


def test_the_next_page_is_never_another_site(stale):
    response = stale.post("/session/confirm?next=https://example.com/", {"password_again": PASSWORD})
    assert response["Location"] == "/"


def test_P12_a_member_of_another_account_learns_nothing(client, account):
    client.force_login(make_member())
    set_age(client, 16 * 60)
    assert client.get(url(account)).status_code == 404


def test_D40_a_form_learns_which_secrets_were_left_out_and_not_of_empty_ones(stale, account):
    typed = {"description": "x", "client_secret": "", "left_out": "password"}
    asked = stale.post(url(account), typed)
    assert asked.context["carried"] == [("description", "x"), ("left_out", "password")]


def test_P12_keys_and_tokens_change_hands_only_after_a_fresh_sign_in():
    """D9: creating or deleting a key, generating or revoking a token; and where an account's data goes."""
    from stitchapp.routes import every_route

    fresh = {
        name for _, name, view in every_route() if getattr(getattr(view, "access", None), "fresh", False)
    }
    assert fresh - {"key-form"} == {
        "accounts:account-close",
        "accounts:account-leave",
        "accounts:account-reopen",
        "accounts:api-key-create",
        "accounts:api-key-delete",
        "accounts:authenticator-create",
        "accounts:authenticator-remove",
        "accounts:member-deactivate",
        "accounts:own-data-download",
        "accounts:passkey-create",
        "accounts:passkey-remove",
        "accounts:recovery-codes-create",
        "accounts:sign-in-alerts-update",
        "accounts:two-factor-require",
        "accounts:two-factor-stop",
        "integrations:import-api-create",
        "integrations:access-token-create",
        "integrations:access-token-revoke",
        "integrations:destination-create",
        "integrations:destination-edit",
        "integrations:destination-embedded",
        "integrations:destination-remove",
    }
