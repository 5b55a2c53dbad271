"""A1: every change by the Connect API stands in the trail, with the key that made it."""

import re
import secrets

import pytest

from accounts.audit import Event
from accounts.models import AuditEvent
from tests.factories import (
    make_hook,
    make_job,
    make_notification_address,
    make_postgres_destination,
    make_source,
    make_stream,
)

WHERE = {
    "host": "db.acme.example",
    "port": 5432,
    "username": "loader",
    "password": secrets.token_hex(),
    "database": "wh",
    "ssl": True,
}
EMAILS = "/notifications/public/v1/api/custom-emails"
HOOKS = "/notifications/public/v1/api/hooks"
CREATE = {"type": "import_api", "display_name": "Customer Records"}
CHOICE = {
    "streams": [
        {
            "tap_stream_id": "shop-public-orders",
            "metadata": [{"breadcrumb": [], "metadata": {"selected": True}}],
        }
    ]
}
CHANGES = [
    ("POST", "/v4/sources", CREATE, Event.INTEGRATION_CREATED),
    ("PUT", "/v4/sources/{shop}", {"display_name": "Kiosk"}, Event.INTEGRATION_RENAMED),
    ("PUT", "/v4/sources/{shop}", {"paused_at": "2024-03-05T21:00:00Z"}, Event.INTEGRATION_PAUSED),
    ("PUT", "/v4/sources/{paused}", {"paused_at": None}, Event.INTEGRATION_RESUMED),
    ("PUT", "/v4/sources/{shop}", {"destination_id": "{destination}"}, Event.INTEGRATION_MAPPED),
    ("DELETE", "/v4/sources/{shop}", None, Event.INTEGRATION_DELETED),
    ("POST", "/v4/sources/{shop}/tokens", None, Event.ACCESS_TOKEN_CREATED),
    ("DELETE", "/v4/sources/{full}/tokens/{token1}", None, Event.ACCESS_TOKEN_REVOKED),
    ("POST", "/v4/sources/{crm}/sync", None, Event.EXTRACTION_STARTED),
    ("DELETE", "/v4/sources/{busy}/sync", None, Event.EXTRACTION_STOPPED),
    ("PUT", "/v4/sources/{crm}/streams/metadata", CHOICE, Event.SELECTION_CHANGED),
    ("POST", "/v4/destinations", {"type": "postgres", "properties": WHERE}, Event.DESTINATION_ADDED),
    ("PUT", "/v4/destinations/{staging}", {"name": "Lake"}, Event.DESTINATION_UPDATED),
    ("DELETE", "/v4/destinations/{staging}", None, Event.DESTINATION_REMOVED),
    ("POST", "/v3/destinations", {"type": "postgres", "connection": WHERE}, Event.DESTINATION_ADDED),
    (
        "PUT",
        "/v3/destinations/{staging}",
        {"type": "postgres", "connection": {"database": "lake"}},
        Event.DESTINATION_UPDATED,
    ),
    ("POST", EMAILS, {"email_address": "new@acme.example"}, Event.NOTIFICATION_ADDRESS_ADDED),
    ("PUT", EMAILS + "/{ops}", {"disabled_at": "2024-03-05T21:00:00Z"}, Event.NOTIFICATION_ADDRESS_DISABLED),
    ("PUT", EMAILS + "/{off}", {"disabled_at": None}, Event.NOTIFICATION_ADDRESS_ENABLED),
    ("DELETE", EMAILS + "/{ops}", None, Event.NOTIFICATION_ADDRESS_DELETED),
    (
        "POST",
        HOOKS,
        {
            "type": "post_load",
            "destination_id": "{destination}",
            "config": {"url": "https://203.0.113.7/z"},
        },
        Event.HOOK_CREATED,
    ),
    ("PUT", HOOKS + "/{hook}", {"enable": False}, Event.HOOK_DISABLED),
    ("PUT", HOOKS + "/{disabled}", {"enable": True}, Event.HOOK_ENABLED),
    ("DELETE", HOOKS + "/{hook}", None, Event.HOOK_DELETED),
]


@pytest.mark.parametrize(
    ("method", "path", "body", "event"), CHANGES, ids=[f"{row[0]} {row[1]} {row[3].value}" for row in CHANGES]
)
def test_A1_a_change_is_recorded_with_its_key(call, objects, account, method, path, body, event):
    account.integrations.filter(pk=objects["full"]).update(paused_at="2024-03-05T21:00:00Z")
    objects["paused"] = objects["full"]
    if not (method == "POST" and path == "/v3/destinations"):  # which has one PostgreSQL destination at most
        objects["staging"] = make_postgres_destination(account).pk
    crm, busy = make_source(account), make_source(account)
    make_stream(crm, "orders")
    make_job(busy, completed_at=None)
    objects.update(crm=crm.pk, busy=busy.pk)
    objects["ops"] = make_notification_address(account).pk
    objects["off"] = make_notification_address(account, disabled_at="2024-03-05T21:00:00Z").pk
    objects["hook"] = make_hook(account).pk
    objects["disabled"] = make_hook(account, disabled_at="2024-03-05T21:00:00Z").pk
    if body and "destination_id" in body:
        body = body | {"destination_id": objects["destination"]}
    response = call(method, path.format(**objects), body)
    assert response.status_code == 200, response.content
    recorded = AuditEvent.objects.get()
    assert (recorded.event, recorded.account, recorded.actor) == (event, account, call.key.created_by)
    assert recorded.api_key_last_four == call.key.last_four
    assert recorded.request_id == response["X-Request-Id"]
    assert call.secret not in str(recorded.detail)


def test_A1_every_changing_operation_is_in_the_list_above(client, db):
    names = re.compile(r"{\w+}")
    documented = {
        (method.upper(), names.sub("{}", path))
        for path, operations in client.get("/v4/openapi.json").json()["paths"].items()
        for method in operations
        if method != "get"
    }
    assert documented == {(method, names.sub("{}", path)) for method, path, _, _ in CHANGES}


def test_A1_a_refused_part_undoes_the_whole_update(call, objects, account):
    body = {"paused_at": "2024-03-05T21:00:00Z", "display_name": "full"}
    assert call("PUT", f"/v4/sources/{objects['shop']}", body).status_code == 400
    assert not AuditEvent.objects.exists()
    assert account.integrations.get(pk=objects["shop"]).paused_at is None


def test_P3_P5_a_new_token_is_stored_nowhere_in_clear(call, objects, account):
    response = call("POST", f"/v4/sources/{objects['shop']}/tokens")
    assert response["Cache-Control"] == "no-store"
    secret = response.json()["access_token"]
    listed = call("GET", f"/v4/sources/{objects['shop']}/tokens").content.decode()
    assert secret not in listed
    assert secret not in str(list(AuditEvent.objects.values()))
