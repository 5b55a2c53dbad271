"""What happens when something on this side fails: JSON, the right status, and nothing half-stored (S9, I8)."""

import json

import pytest
from django.db import OperationalError

from integrations.models import Batch
from integrations.queue.accepting import QueueFull
from tests.factories import make_access_token, make_account, make_integration, make_member

pytestmark = pytest.mark.django_db


@pytest.fixture
def send(client):
    account = make_account()
    make_member(account)
    secret = make_access_token(make_integration(account))[1]
    record = {
        "client_id": account.client_id,
        "table_name": "boats",
        "sequence": 1,
        "action": "upsert",
        "key_names": [],
        "data": {},
    }

    def send(path):
        return client.post(
            f"/v2/import/{path}",
            json.dumps([record]),
            content_type="application/json",
            headers={"authorization": f"Bearer {secret}"},
        )

    return send


def failing(monkeypatch, error, *, name="accept_batch"):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(f"integrations.importapi.views.{name}", fail)


def test_I8_a_full_queue_is_503_with_a_time_to_come_back(send, monkeypatch):
    failing(monkeypatch, QueueFull())
    response = send("push")
    assert (response.status_code, response.content) == (503, b'{"message":"Service Unavailable"}')
    assert 1 <= int(response["Retry-After"]) <= 60
    assert Batch.objects.count() == 0


def test_D28_a_database_that_does_not_answer_is_503_but_never_on_validate(send, monkeypatch):
    failing(monkeypatch, OperationalError("locked"))
    assert send("push").status_code == 503
    failing(monkeypatch, OperationalError("locked"), name="received_push")
    response = send("validate")
    assert (response.status_code, response.content) == (500, b'{"message":"Internal Server Error"}')


def test_S9_an_unexpected_error_is_JSON_without_a_word_about_the_inside(send, monkeypatch):
    failing(monkeypatch, RuntimeError("the inside"))
    response = send("push")
    assert (response.status_code, response.content) == (500, b'{"message":"Internal Server Error"}')
    assert response["Content-Type"] == "application/json;charset=UTF-8"
