"""Who may call the Connect API (connect-api.md 1.3; P7, P9, P10, S3, S4, K-12, K-29)."""

import json
import re

import pytest
from django.test import Client
from django.utils import timezone

from accounts import secrets
from accounts.models import Membership, Plan
from accounts.services.api_keys import delete_api_key, disable_api_key, enable_api_key
from accounts.services.plans import change_plan
from stitchapp.routes import every_route
from tests.factories import make_access_token, make_account, make_api_key, make_integration, make_member

UNAUTHORIZED = b'{"error":"Unauthorized","message":"Not Authorized"}'
ROUTES = sorted(
    {
        re.sub(r"<(?:\w+:)?\w+>", "1000000", route)
        for route, _, view in every_route()
        if getattr(getattr(view, "access", None), "scope", "") == "connect"
    }
)


def refused_headers(account):
    """Yield every way in which a request is not the account's."""
    member = account.memberships.get().user
    _, disabled = make_api_key(account, disabled_at=timezone.now())
    deleted_key, deleted = make_api_key(account)
    delete_api_key(key=deleted_key, actor=member)
    standard = make_account(plan="standard")
    make_member(standard)
    _, unpaid = make_api_key(standard)
    run_out = make_account(plan="free_trial", trial_started_at=timezone.now() - timezone.timedelta(days=15))
    make_member(run_out)
    _, late = make_api_key(run_out)
    left = make_account()
    leaver = make_member(left)
    _, orphaned = make_api_key(left, leaver)
    Membership.objects.filter(user=leaver).update(deactivated_at=timezone.now())
    _, import_token = make_access_token(make_integration(account))
    unknown = secrets.generate(secrets.API_KEY_PREFIX)
    yield "missing", {}
    yield "empty", {"Authorization": ""}
    yield "the word alone", {"Authorization": "Bearer"}
    yield "malformed", {"Authorization": "Bearer nothing"}
    yield "not ASCII", {"Authorization": "Bearer ünicode"}
    yield "a typo", {"Authorization": f"Bearer {unknown[:-1]}{'x' if unknown[-1] != 'x' else 'y'}"}
    yield "unknown", {"Authorization": f"Bearer {unknown}"}
    yield "disabled", {"Authorization": f"Bearer {disabled}"}
    yield "deleted", {"Authorization": f"Bearer {deleted}"}
    yield "plan without API access", {"Authorization": f"Bearer {unpaid}"}
    yield "trial run out", {"Authorization": f"Bearer {late}"}
    yield "creator has left", {"Authorization": f"Bearer {orphaned}"}
    yield "an Import API token", {"Authorization": f"Bearer {import_token}"}


def test_P9_K12_K29_every_refusal_is_the_same(client, account):
    seen = {}
    for reason, headers in refused_headers(account):
        response = client.get("/v4/sources", headers=headers)
        varying = {name: value for name, value in response.items() if name != "X-Request-Id"}
        seen[reason] = (response.status_code, response.content, tuple(sorted(varying.items())))
    assert len(set(seen.values())) == 1, seen
    status, body, _ = seen["missing"]
    assert (status, body) == (401, UNAUTHORIZED)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
def test_S4_no_route_reads_the_session_cookie(route, method, account):
    """S4: a signed-in person without a key is refused, with and without CSRF checks."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(account.memberships.get().user)
    response = client.generic(method, f"/{route}", b"{}", content_type="application/json")
    assert (response.status_code, response.content) == (401, UNAUTHORIZED)


def test_S4_a_key_needs_no_csrf_token_and_opens_no_page(account):
    _, secret = make_api_key(account)
    client = Client(enforce_csrf_checks=True, headers={"Authorization": f"Bearer {secret}"})
    body = json.dumps({"type": "import_api", "display_name": "Shop"})
    assert client.post("/v4/sources", body, content_type="application/json").status_code == 200
    assert client.get("/admin/").status_code == 302


@pytest.mark.parametrize("form", ["Bearer {}", "bearer {}", "BEARER  {}", "{}"])
def test_the_word_bearer_may_be_absent_or_spelt_otherwise(client, account, form):
    _, secret = make_api_key(account)
    assert client.get("/v4/sources", headers={"Authorization": form.format(secret)}).status_code == 200


@pytest.mark.parametrize("content_type", ["", "application/x-www-form-urlencoded", "text/plain"])
def test_a_body_is_json_whatever_its_content_type_says(client, account, content_type):
    _, secret = make_api_key(account)
    response = client.generic(
        "POST",
        "/v4/sources",
        b'{"type": "import_api", "display_name": "Shop"}',
        content_type=content_type,
        headers={"Authorization": f"Bearer {secret}"},
    )
    assert (response.status_code, response.json()["name"]) == (200, "shop")


def test_P7_disabling_deleting_and_a_downgrade_hold_from_the_next_request(call, account):
    actor = account.memberships.get().user
    assert call("GET", "/v4/sources").status_code == 200
    disable_api_key(key=call.key, actor=actor)
    assert call("GET", "/v4/sources").status_code == 401
    enable_api_key(key=call.key, actor=actor)
    assert call("GET", "/v4/sources").status_code == 200
    change_plan(account=account, actor=actor, plan=Plan.objects.get(slug="standard"))
    assert call("GET", "/v4/sources").status_code == 401
    change_plan(account=account, actor=actor, plan=Plan.objects.get(slug="advanced"))
    assert call("GET", "/v4/sources").status_code == 401
    enable_api_key(key=call.key, actor=actor)
    assert call("GET", "/v4/sources").status_code == 200
    delete_api_key(key=call.key, actor=actor)
    assert call("GET", "/v4/sources").status_code == 401


@pytest.mark.parametrize("route", ROUTES)
def test_P10_every_route_notes_the_use_of_its_key(call, route):
    call("GET", f"/{route}")
    call.key.refresh_from_db()
    assert timezone.now() - call.key.last_used_at < timezone.timedelta(seconds=60)
    assert call.key.last_used_address == "127.0.0.1"
    assert re.sub(r"<[^>]*>", "1000000", call.key.last_used_route) == route


@pytest.mark.parametrize("route", [*ROUTES, "v4/openapi.json"])
def test_S3_plain_http_is_refused_not_redirected(client, account, settings, route):
    settings.LOCAL_MODE = False
    settings.SECURE_SSL_REDIRECT = True
    key, secret = make_api_key(account)
    headers = {"Authorization": f"Bearer {secret}"}
    response = client.post(f"/{route}", b"{}", content_type="application/json", headers=headers)
    assert response.status_code == 403
    key.refresh_from_db()
    assert key.last_used_at is None
    assert client.get(f"/{route}", headers=headers, secure=True).status_code != 403
