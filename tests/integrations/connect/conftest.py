"""An account with sources in every state, and a caller with its key."""

import json

import pytest

from tests.contracts.connect.states import prepare
from tests.factories import make_account, make_api_key, make_member


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
    """Sources in every state: `objects["shop"]` is the id of one, and so on."""
    return prepare("sources", account)
