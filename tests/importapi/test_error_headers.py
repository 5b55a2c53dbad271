"""What a refusal tells programs, in headers beside the documented body (I6, I15), and /limits (I8)."""

import json

import pytest
from django.conf import settings

from integrations.importapi.batches import parse_batch
from integrations.importapi.faults import Fault
from integrations.importapi.pushes import parse_push
from integrations.importapi.refusals import MAX_SEQUENCE, MIN_SEQUENCE, Refusal
from tests.factories import make_access_token, make_account, make_integration, make_member

CLIENT_ID = 7


def message(**fields):
    return {"action": "upsert", "sequence": 1, "data": {"id": 1}} | fields


def batch(*messages, **fields):
    schema = {"properties": {"id": {"type": "integer"}, "a/b~ü": {"properties": {"x": {"type": "string"}}}}}
    return {"table_name": "t", "schema": schema, "key_names": ["id"], "messages": list(messages)} | fields


def record(**fields):
    return {
        "client_id": CLIENT_ID,
        "table_name": "t",
        "sequence": 1,
        "action": "upsert",
        "key_names": ["id"],
        "data": {"id": 1},
    } | fields


def told(parse, request, **options):
    """Return code, pointer, limit and actual of the refusal."""
    with pytest.raises(Refusal) as caught:
        parse(json.dumps(request).encode(), **options)
    headers = caught.value.fault.headers()
    return tuple(headers.get(f"X-Error-{name}") for name in ("Code", "Pointer", "Limit", "Actual"))


POINTS = {"id": 1, "many": [0] * 10_000}
BATCHES = {
    "a value of the wrong type": (
        batch(message(), message(data={"id": "one"})),
        ("record_invalid", "#/messages/1/data/id", None, None),
    ),
    "a name that needs escapes": (
        batch(message(data={"id": 1, "a/b~ü": {"x": 1}})),
        ("record_invalid", "#/messages/0/data/a~1b~0%C3%BC/x", None, None),
    ),
    "a key that is null": (
        batch(message(data={"id": None})),
        ("key_missing", "#/messages/0/data/id", None, None),
    ),
    "a key that is missing": (
        batch(message(), message(data={})),
        ("key_missing", "#/messages/1/data", None, None),
    ),
    "a key unknown to the schema": (
        batch(message(), key_names=["id", "nr"]),
        ("key_missing", "#/key_names/1", None, None),
    ),
    "a message that fits no form": (
        batch(message(), {"sequence": 1, "data": {}}),
        ("request_invalid", "#/messages/1", None, None),
    ),
    "an argument that is missing": ({"table_name": "t"}, ("request_invalid", "#", None, None)),
    "a schema that cannot be used": (
        batch(message(), schema={"properties": {"id": {"type": "nonsense"}}}),
        ("schema_invalid", "#/schema", None, None),
    ),
    "a sequence that is too large": (
        batch(message(), message(sequence=MAX_SEQUENCE + 1)),
        ("number_out_of_range", "#/messages/1/sequence", str(MAX_SEQUENCE), str(MAX_SEQUENCE + 1)),
    ),
    "too many records": (
        batch(*[message()] * 20_001),
        ("too_many_records", "#/messages", "20000", "20001"),
    ),
    "too many data points": (
        batch(message(data=POINTS)),
        ("too_many_data_points", "#/messages/0/data", "10000", "10001"),
    ),
}
PUSHES = {
    "no array": ({}, ("not_an_array", "#", None, None)),
    "too many records": ([record()] * 20_001, ("too_many_records", "#", "20000", "20001")),
    "no client": ([record(client_id=None)], ("client_id_missing", "#/0", None, None)),
    "another client": ([record(client_id=8)], ("client_id_forbidden", "#/0/client_id", None, None)),
    "several clients": (
        [record(), record(client_id=8)],
        ("several_client_ids", "#/1/client_id", None, None),
    ),
    "a blank name": ([record(), record(table_name=" ")], ("record_invalid", "#/1/table_name", None, None)),
    "an unknown key": ([record(foo=1)], ("record_invalid", "#/0/foo", None, None)),
    "a key that is too long": (
        [record(data={"id": "x" * 1025})],
        ("key_too_long", "#/0/data/id", "1024", "1025"),
    ),
    "a sequence that is too small": (
        [record(sequence=MIN_SEQUENCE - 1)],
        ("number_out_of_range", "#/0/sequence", str(MIN_SEQUENCE), str(MIN_SEQUENCE - 1)),
    ),
    "too many data points": (
        [record(), record(data=POINTS)],
        ("too_many_data_points", "#/1/data", "10000", "10001"),
    ),
    "the first of several faults": (
        [record(), record(sequence="x"), record(table_name=None)],
        ("record_invalid", "#/1/sequence", None, None),
    ),
}


@pytest.mark.parametrize("case", BATCHES)
def test_I6_a_refused_batch_tells_where_and_which_limit(case):
    request, expected = BATCHES[case]
    assert told(parse_batch, request) == expected


@pytest.mark.parametrize("case", PUSHES)
def test_I6_a_refused_push_tells_where_and_which_limit(case):
    request, expected = PUSHES[case]
    assert told(parse_push, request, client_id=CLIENT_ID) == expected


@pytest.mark.parametrize(
    "name", ["x" * 5_000, "ü" * 900, "\ud800", "\r\nX-Forged: 1"], ids=["long", "wide", "surrogate", "line"]
)
def test_A4_a_senders_name_can_neither_break_a_header_nor_swell_it(name):
    pointer = Fault("record_invalid", ("messages", 3, "data", name)).headers()["X-Error-Pointer"]
    assert pointer.startswith("#/messages/3/data")
    assert pointer.isascii()
    assert pointer.isprintable()
    assert len(pointer) <= 1000


def test_a_number_too_long_for_a_header_is_left_out():
    assert "X-Error-Actual" not in Fault("number_out_of_range", (), 1, 10**5000).headers()


@pytest.fixture
def secret(db):
    account = make_account()
    make_member(account)
    return make_access_token(make_integration(account))[1]


def send(client, secret, body, content_type="application/json"):
    headers = {"authorization": f"Bearer {secret}"}
    return client.post("/v2/import/batch", body, content_type=content_type, headers=headers)


def test_I6_a_body_that_is_too_large_tells_limit_and_actual(client, secret, settings):
    settings.MAX_BODY_BYTES = 1000
    response = send(client, secret, b" " * 1001)
    assert response.status_code == 413
    assert (response["X-Error-Code"], response["X-Error-Limit"], response["X-Error-Actual"]) == (
        "body_too_large",
        "1000",
        "1001",
    )


def test_I8_a_full_queue_tells_its_cap(client, secret, settings, tmp_path):
    settings.DATA_DIR, settings.QUEUE_MAX_BYTES = tmp_path, 20
    body = json.dumps(batch(message())).encode()
    response = send(client, secret, body)
    assert (response.status_code, response.content) == (503, b'{"message":"Service Unavailable"}')
    assert (response["X-Error-Code"], response["X-Error-Limit"], response["X-Error-Actual"]) == (
        "queue_full",
        "20",
        str(len(body)),
    )


def test_I15_refusals_before_the_body_have_a_code(client, secret):
    assert send(client, "at_nonsense", b"{}")["X-Error-Code"] == "token_refused"
    assert send(client, secret, b"{}", "text/plain")["X-Error-Code"] == "content_type_unsupported"
    assert client.get("/v2/import/batch")["X-Error-Code"] == "method_not_allowed"
    assert client.get("/v2/import/nowhere")["X-Error-Code"] == "not_found"


def test_S3_a_refusal_of_plain_http_has_a_code(client, secret, settings):
    settings.LOCAL_MODE = False
    response = send(client, secret, b"{}")
    assert (response.status_code, response["X-Error-Code"]) == (403, "https_required")


@pytest.mark.parametrize("path", ["/v2/import/limits", "/v2/import/limits/"])
def test_I8_the_limits_are_public(client, path):
    response = client.get(path)
    assert (response.status_code, response["Content-Type"]) == (200, "application/json;charset=UTF-8")
    assert response.json() == {
        "max_body_bytes": settings.MAX_BODY_BYTES,
        "max_records": 20_000,
        "max_data_points": 10_000,
        "max_string_key_characters": 1024,
        "min_sequence": -(2**63),
        "max_sequence": 2**63 - 1,
        "max_idempotency_key_characters": 255,
        "idempotency_key_hours": 24,
        "queue_max_bytes": settings.QUEUE_MAX_BYTES,
        "queue_max_records": settings.QUEUE_MAX_RECORDS,
        "token_requests_per_second": None,
        "account_requests_per_second": None,
        "token_bytes_per_minute": None,
        "account_bytes_per_minute": None,
    }
    assert client.post(path).status_code == 405
