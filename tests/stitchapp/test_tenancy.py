"""P11: another account's object is answered exactly like one that does not exist; no route is left out.

The matrix is made from the URL table: each route × each object in its address × each method, on pages and on the
APIs. On the Import API a token is its integration, and the only object that an address names is a receipt.
"""

import re

import pytest
from django.test import Client

from accounts.access import Access
from accounts.models import Membership
from integrations.models import Hook
from stitchapp.routes import declared_access
from tests.factories import (
    make_access_token,
    make_account,
    make_api_key,
    make_batch,
    make_delivery,
    make_hook,
    make_integration,
    make_invitation,
    make_job,
    make_loaded_table,
    make_member,
    make_notification,
    make_notification_address,
    make_postgres_destination,
    make_rejected,
    make_stream,
    make_user,
)
from tests.url_table import ROUTES, World

pytestmark = [pytest.mark.django_db, pytest.mark.either_database]
UNKNOWN = "987654321"
UNKNOWN_RECEIPT = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
NAMES = {"receipt": UNKNOWN_RECEIPT, "job_name": f"876543210.876543211.sync.{UNKNOWN_RECEIPT}"}
NONE_DELETED = b"[0]"  # what the API says of an address to delete that the account does not have
METHODS = ("GET", "POST", "PUT", "DELETE")
ONE_TIME = re.compile(rb'name="csrfmiddlewaretoken" value="[^"]*"|"X-CSRFToken": "[^"]*"|[0-9a-f]{32}')
# Routes without an object of an account in their address, by who may enter them.
EXCUSED = {"public", "signed in", "staff"}


def access_of(route, name, view) -> Access | str:
    return declared_access(view, route)


def kind_of(access) -> str:
    return access.kind if isinstance(access, Access) else access


def objects_in(route) -> list[str]:
    return [name for name in re.findall(r"<(?:\w+:)?(\w+)>", route) if name.endswith("_id") or name in NAMES]


MATRIX = [
    (route, kind_of(access_of(route, name, view)), parameter)
    for route, name, view in ROUTES
    if kind_of(access_of(route, name, view)) in ("member", "token")
    for parameter in objects_in(route)
]


def make_tenant() -> World:
    account = make_account()
    return World(member=make_member(account), account=account)


def rival() -> dict[str, str]:
    """Make another account with one of each thing; return their ids, which occur in no page by chance."""
    account = make_account(client_id=876_543_210)
    make_member(account)
    membership = Membership.objects.create(account=account, user=make_user(), pk=876_543_217)
    integration = make_integration(account, pk=876_543_211)
    token, _ = make_access_token(integration, pk=876_543_212)
    key, _ = make_api_key(account, pk=876_543_213)
    table = make_loaded_table(integration, pk=876_543_214)
    return {
        "client_id": str(account.client_id),
        "destination_id": str(make_postgres_destination(account, pk=876_543_215).pk),
        "integration_id": str(integration.pk),
        "source_id": str(integration.pk),
        "token_id": str(token.pk),
        "api_key_id": str(key.pk),
        "membership_id": str(membership.pk),
        "invitation_id": str(make_invitation(account, pk=876_543_216).pk),
        "table_id": str(table.pk),
        "receipt": str(make_batch(integration).receipt),
        "address_id": str(make_notification_address(account, pk=876_543_217).pk),
        "notification_id": str(make_notification(integration, pk=876_543_216).pk),
        "hook_id": str(make_hook(account, pk=876_543_218).pk),
        "delivery_id": str(make_delivery(Hook.objects.get(pk=876_543_218), pk=876_543_219).pk),
        "stream_id": str(make_stream(integration, pk=876_543_220).pk),
        "job_id": str((job := make_job(integration, pk=876_543_221)).pk),
        "job_name": job.name,
        "rejected_id": str(make_rejected(integration, pk=876_543_215).pk),
    }


@pytest.mark.parametrize("method", METHODS)
def test_P11_foreign_and_unknown_are_answered_alike(method):
    mine, theirs = make_tenant(), rival()
    wrong = []
    for route, kind, parameter in MATRIX:
        foreign = answer(mine, kind, method, route, parameter, theirs[parameter])
        unknown = answer(mine, kind, method, route, parameter, NAMES.get(parameter, UNKNOWN))
        documented = (401, 404) if kind == "token" and parameter == "client_id" else (400, 404, 405)
        if foreign != unknown or (foreign[0] not in documented and foreign[1] != NONE_DELETED):
            wrong.append((route, parameter, foreign, unknown))
    assert wrong == []


def answer(world, kind, method, route, parameter, value) -> tuple:
    """Return what the world's member, or its key, is answered; without what differs between any two answers."""
    with_marker = re.sub(rf"\(\?P<{parameter}>[^)]*\)|<(?:\w+:)?{parameter}>", "MARKER", route)
    address = world.address(with_marker).replace("MARKER", value)
    client, headers = Client(), {}
    if kind == "member":
        client.force_login(world.member)
    else:
        secret = world.access_token[1] if route.startswith("v2/import/") else world.api_key[1]
        headers = {"Authorization": f"Bearer {secret}"}
    body = b"" if kind == "member" else b"{}"
    response = client.generic(method, address, body, content_type="application/json", headers=headers)
    content = ONE_TIME.sub(b"", getattr(response, "content", b"")).replace(value.encode(), b"ID")
    told = {name: text for name, text in response.items() if name not in ("X-Request-Id", "Content-Length")}
    return response.status_code, content, sorted(told.items())


def test_P11_a_list_names_nothing_of_another_account():
    """The pages and API routes that list an account's things, read by another account's member and key."""
    theirs, mine = make_tenant(), make_tenant()
    theirs.account.company_name = "Rival-Company"
    theirs.account.save()
    theirs.integration.display_name = "Rival-Integration"
    theirs.integration.save()
    key, _ = theirs.api_key
    type(key).objects.filter(pk=key.pk).update(description="Rival-Key")
    member = Client()
    member.force_login(mine.member)
    program = Client(headers={"Authorization": f"Bearer {mine.api_key[1]}"})
    opened = 0
    for route, name, view in ROUTES:
        kind = kind_of(access_of(route, name, view))
        if kind in ("member", "token"):
            client = member if kind == "member" else program
            response = client.get(mine.address(route))
            opened += response.status_code == 200
            text = b"".join(response.streaming_content) if response.streaming else response.content
            assert b"Rival-" not in text, route
    assert opened >= 15


def test_P11_every_route_is_in_the_matrix_or_excused():
    for route, name, view in ROUTES:
        kind = kind_of(access_of(route, name, view))
        tenant_objects = [name for name in objects_in(route) if name not in ("object_id", "content_type_id")]
        if kind in EXCUSED:
            assert not tenant_objects, f"{route} is {kind} and names {tenant_objects}"
        else:
            assert kind in ("member", "token"), route
            assert tenant_objects or kind == "token", f"{route} names no account"
