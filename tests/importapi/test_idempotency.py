"""Idempotency-Key on /batch and /push (I3)."""

import http.client
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from integrations.models import Batch, IdempotencyKey
from tests.factories import make_access_token, make_account, make_integration, make_member

ACCEPTED = b'{"status":"OK","message":"Batch Accepted!"}'


def batch_of(number):
    return {
        "table_name": "boats",
        "schema": {"properties": {"id": {"type": "integer"}}},
        "messages": [{"action": "upsert", "sequence": 1, "data": {"id": number}}],
    }


@pytest.fixture
def send(client, db):
    account = make_account(client_id=7)
    make_member(account)
    secret = make_access_token(make_integration(account))[1]

    def send(request, *, path="batch", **headers):
        return client.post(
            f"/v2/import/{path}",
            json.dumps(request),
            content_type="application/json",
            headers={"authorization": f"Bearer {secret}"} | headers,
        )

    return send


def push_of(number):
    record = {"client_id": 7, "table_name": "boats", "sequence": 1, "action": "upsert", "key_names": []}
    return [record | {"data": {"id": number}}]


@pytest.mark.parametrize(("path", "request_of"), [("batch", batch_of), ("push", push_of)])
def test_I3_the_same_request_again_gets_the_same_answer(send, path, request_of):
    first = send(request_of(1), path=path, idempotency_key="a")
    again = send(request_of(1), path=path, idempotency_key="a")
    assert (first.status_code, first.content) == (again.status_code, again.content) == (201, ACCEPTED)
    assert first["X-Batch-Id"] == again["X-Batch-Id"] == str(Batch.objects.get().receipt)
    assert "Idempotent-Replayed" not in first
    assert again["Idempotent-Replayed"] == "true"

    other = send(request_of(2), path=path, idempotency_key="a")
    assert (other.status_code, other.content) == (
        409,
        b'{"status":"ERROR","message":"This Idempotency-Key was sent with another request in the last 24 hours."}',
    )
    assert other["X-Error-Code"] == "idempotency_key_reused"
    assert Batch.objects.count() == 1


def test_without_a_key_each_request_is_a_batch(send):
    assert send(batch_of(1))["X-Batch-Id"] != send(batch_of(1))["X-Batch-Id"]
    assert IdempotencyKey.objects.count() == 0


def test_I3_a_refused_request_leaves_its_key_free(send):
    assert send({"table_name": "boats"}, idempotency_key="a").status_code == 400
    assert send(batch_of(1), idempotency_key="a").status_code == 201


def test_validate_takes_no_notice_of_a_key(send):
    assert send(push_of(1), path="validate", idempotency_key="a").status_code == 200
    assert send(push_of(2), path="validate", idempotency_key="a").status_code == 200
    assert IdempotencyKey.objects.count() == 0


@pytest.mark.parametrize("key", ["k", "k" * 254, "k" * 255, '"0f5e-11 ~"'])
def test_I6_keys_up_to_255_characters_are_taken(send, key):
    assert send(batch_of(1), idempotency_key=key).status_code == 201


@pytest.mark.parametrize("key", ["", "k" * 256, "schlüssel", "tab\tbed"])
def test_I6_other_keys_are_refused_and_nothing_is_stored(send, key):
    response = send(batch_of(1), idempotency_key=key)
    assert (response.status_code, response.content) == (
        400,
        b'{"status":"ERROR","message":"Idempotency-Key should be 1 to 255 printable ASCII characters"}',
    )
    assert response["X-Error-Code"] == "idempotency_key_invalid"
    assert response.headers.get("X-Error-Actual") == ("256" if len(key) > 255 else None)
    assert Batch.objects.count() == 0


@pytest.mark.live
def test_I3_100_copies_at_once_over_http_make_one_batch(product):
    together = threading.Barrier(100)
    body = json.dumps(batch_of(1)).encode()
    headers = {
        "Authorization": f"Bearer {product.access['secret']}",
        "Content-Type": "application/json",
        "Idempotency-Key": "one-of-a-hundred",
    }

    def copy(_):
        connection = http.client.HTTPConnection("127.0.0.1", product.port, timeout=60)
        together.wait()
        connection.request("POST", "/v2/import/batch", body, headers)
        response = connection.getresponse()
        response.read()
        connection.close()
        return response.status, response.headers["X-Batch-Id"], response.headers["Idempotent-Replayed"]

    with ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(copy, range(100)))

    assert {status for status, _, _ in answers} == {201}
    assert len({receipt for _, receipt, _ in answers}) == 1
    assert [replayed for _, _, replayed in answers].count(None) == 1
