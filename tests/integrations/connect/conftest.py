"""An account with sources in every state, and a caller with its key."""

import json
from datetime import UTC, datetime

import pytest

from integrations.models import Destination
from tests.factories import make_access_token, make_account, make_api_key, make_integration, make_member

MARCH = datetime(2024, 3, 5, 21, tzinfo=UTC)
APRIL = datetime(2024, 3, 6, 21, tzinfo=UTC)


class Caller:
    """Sends requests as a program does: a key, JSON, no cookies."""

    def __init__(self, client, secret):
        self.client, self.secret = client, secret

    def __call__(self, method, path, body=None, *, raw=None, headers=None):
        data = raw if raw is not None else "" if body is None else json.dumps(body)
        headers = {"Authorization": f"Bearer {self.secret}"} if headers is None else headers
        return self.client.generic(
            method,
            path,
            data.encode("utf-8", "surrogateescape"),
            content_type="application/json",
            headers=headers,
        )


@pytest.fixture
def account(db):
    account = make_account()
    make_member(account)
    return account


@pytest.fixture
def call(client, account):
    key, secret = make_api_key(account)
    caller = Caller(client, secret)
    caller.key = key
    return caller


@pytest.fixture
def objects(account):
    """What the rows of the contract name: `<shop>` is the id of a source, and so on."""
    times = {"created_at": MARCH, "updated_at": MARCH}
    shop = make_integration(account, display_name="Shop", schema_name="shop", **times)
    gone = make_integration(account, display_name="Gone", schema_name="gone", deleted_at=APRIL, **times)
    full = make_integration(account, display_name="Full", schema_name="full", **times)
    revoked, _ = make_access_token(full, created_at=MARCH, revoked_at=APRIL)
    first, _ = make_access_token(full, created_at=MARCH)
    second, _ = make_access_token(full, created_at=MARCH)
    other = make_account()
    make_member(other)
    foreign = make_integration(other)
    foreign_token, _ = make_access_token(foreign)
    return {
        "client": account.client_id,
        "shop": shop.pk,
        "gone": gone.pk,
        "full": full.pk,
        "token1": first.pk,
        "token2": second.pk,
        "revoked": revoked.pk,
        "foreign": foreign.pk,
        "foreign_token": foreign_token.pk,
        "destination": make_destination(account).pk,
        "foreign_destination": make_destination(other).pk,
    }


def make_destination(account):
    return Destination.objects.create(account=account, type="duckdb", display_name="Warehouse")
