"""I6: every limit of the Import API at one below, at it, and one above; refusals state limit or actual."""

import gzip
import json

import pytest
from django.conf import settings

from integrations.importapi.batches import parse_batch
from integrations.importapi.pushes import parse_push
from integrations.importapi.refusals import Refusal
from integrations.models import Batch
from tests.factories import make_access_token, make_account, make_integration, make_member

CLIENT_ID = 7


def batch_body(*, records=1, data=None):
    message = {"action": "upsert", "sequence": 1, "data": data or {"id": 1}}
    body = {"table_name": "t", "schema": {"properties": {"id": {}}}, "messages": [message] * records}
    return json.dumps(body).encode()


def push_body(*, records=1, data=None):
    record = {
        "client_id": CLIENT_ID,
        "table_name": "t",
        "sequence": 1,
        "action": "upsert",
        "key_names": ["id"],
        "data": data or {"id": 1},
    }
    return json.dumps([record] * records).encode()


def refusal(parse, *args, **kwargs):
    with pytest.raises(Refusal) as caught:
        parse(*args, **kwargs)
    return caught.value.status, caught.value.payload


@pytest.mark.parametrize("records", [1, 19_999, 20_000])
def test_I6_up_to_20000_records_are_taken(records):
    assert parse_batch(batch_body(records=records)).tables == [("t", records)]
    assert parse_push(push_body(records=records), client_id=CLIENT_ID).tables == [("t", records)]


def test_I6_20001_records_are_refused():
    text = "Request failed validation:#/messages: expected maximum item count: 20000, found: 20001"
    assert refusal(parse_batch, batch_body(records=20_001)) == (400, {"error": text})
    message = "An array of at most 20000 records is expected"
    assert refusal(parse_push, push_body(records=20_001), client_id=CLIENT_ID) == (
        400,
        {"status": "ERROR", "message": message},
    )


def record_of(points):
    """A record with so many values, most of them nested."""
    return {"id": 1, "nested": [{"a": [None] * (points - 3), "b": {}}, "x"]}


@pytest.mark.parametrize("points", [9_999, 10_000])
def test_I6_up_to_10000_data_points_are_taken(points):
    assert parse_batch(batch_body(data=record_of(points)))
    assert parse_push(push_body(data=record_of(points)), client_id=CLIENT_ID)


def test_I6_10001_data_points_are_refused():
    text = "Record 0 exceeds the maximum of 10000 data points"
    assert refusal(parse_batch, batch_body(data=record_of(10_001))) == (400, {"error": text})
    status, payload = refusal(parse_push, push_body(data=record_of(10_001)), client_id=CLIENT_ID)
    reason = {"data": ["data cannot contain more than 10000 data points"]}
    assert (status, payload["errors"]) == (422, [{"reason": reason}])


def test_at_most_100_failing_records_are_listed():
    status, payload = refusal(parse_push, push_body(records=150, data={"x": 1}), client_id=CLIENT_ID)
    assert (status, len(payload["errors"])) == (422, 100)


def padded(size):
    """A valid batch of exactly so many bytes."""
    body = batch_body()
    return body + b" " * (size - len(body))


@pytest.fixture
def send(client):
    account = make_account()
    make_member(account)
    secret = make_access_token(make_integration(account))[1]

    def send(body, **headers):
        return client.post(
            "/v2/import/batch",
            body,
            content_type="application/json",
            headers={"authorization": f"Bearer {secret}"} | headers,
        )

    return send


@pytest.mark.django_db
@pytest.mark.parametrize("size", [2_600_000, settings.MAX_BODY_BYTES - 1, settings.MAX_BODY_BYTES])
def test_I6_bodies_up_to_20_MiB_are_taken(send, size):
    """Django's own cap of 2.5 MB for forms must not be in the way."""
    assert send(padded(size)).status_code == 201


@pytest.mark.django_db
def test_I6_one_byte_more_is_refused(send):
    response = send(padded(settings.MAX_BODY_BYTES + 1))
    assert response.status_code == 413
    assert response.json() == {
        "status": "ERROR",
        "message": "Request rejected: request size (20971521 bytes) exceeds the maximum",
    }
    assert Batch.objects.count() == 0


@pytest.mark.django_db
def test_a_gzip_body_is_stored_decompressed(send):
    body = padded(100_000)
    assert send(gzip.compress(body), content_encoding="gzip").status_code == 201
    assert Batch.objects.get().size == len(body)


@pytest.mark.django_db
def test_I7_a_gzip_bomb_is_refused_at_the_limit(send):
    bomb = gzip.compress(bytes(4 * settings.MAX_BODY_BYTES))
    assert len(bomb) < 100_000
    response = send(bomb, content_encoding="gzip")
    assert response.status_code == 413
    assert Batch.objects.count() == 0


@pytest.mark.django_db
def test_gzip_members_in_a_row_are_one_body(send):
    body = padded(200_000)
    members = b"".join(gzip.compress(body[start : start + 70_000]) for start in range(0, len(body), 70_000))
    assert send(members, content_encoding="gzip").status_code == 201
    assert Batch.objects.get().size == len(body)


@pytest.mark.django_db
def test_I7_a_swarm_of_gzip_members_is_refused(send):
    swarm = gzip.compress(batch_body()) + gzip.compress(b"") * 10_000
    assert send(swarm, content_encoding="gzip").status_code == 400
    assert Batch.objects.count() == 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    "body",
    [b"not gzip", gzip.compress(b"{}")[:-4], gzip.compress(b"{}") + b"more"],
    ids=["other bytes", "cut off", "more behind it"],
)
def test_a_broken_gzip_body_is_malformed(send, body):
    response = send(body, content_encoding="gzip")
    assert (response.status_code, response.json()) == (400, {"error": "Malformed json in the body!"})


@pytest.mark.django_db
def test_another_content_encoding_is_refused(send):
    response = send(b"{}", content_encoding="br")
    assert response.status_code == 415
    assert "content-encoding br" in response.json()["message"]
