"""I2: with on_error=reject good records are stored and bad ones listed, kept and rejected; else all or nothing."""

import json

import duckdb
import pytest
from django.utils import timezone

from integrations.importapi import refusals
from integrations.loading import partial
from integrations.loading.batches import SetAside
from integrations.loading.reading import read_table_batches
from integrations.models import Batch, BatchTable
from integrations.queue.bodies import body_of
from integrations.queue.loader import load_next
from tests.factories import make_access_token, make_account, make_integration, make_member
from tests.importapi.test_authentication import push_body

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("queue")]
REJECT = "/v2/import/batch?on_error=reject"
SCHEMA = {"properties": {"id": {"type": "integer"}, "name": {"type": ["null", "string"]}}}


@pytest.fixture
def integration():
    member = make_member(make_account())
    return make_integration(member.memberships.get().account)


@pytest.fixture
def send(client, integration):
    secret = make_access_token(integration)[1]

    def send(rows, *, path=REJECT, **headers):
        body = rows
        if not isinstance(rows, (str, bytes)):
            messages = [{"action": "upsert", "sequence": 1, "data": row} for row in rows]
            body = json.dumps(
                {"table_name": "boats", "schema": SCHEMA, "key_names": ["id"], "messages": messages}
            )
        return client.post(
            path,
            body,
            content_type="application/json",
            headers={"authorization": f"Bearer {secret}"} | headers,
        )

    return send


ROWS = [{"id": 1, "name": "Ann"}, {"id": "two", "name": "Bob"}, {"name": "Cy"}, {"id": 4, "name": None}]
REJECTED = [
    {
        "index": 1,
        "code": "record_invalid",
        "pointer": "#/messages/1/data/id",
        "error": "Record 1 did not conform to schema:\n#/id: expected type: Number, found: String\n",
    },
    {
        "index": 2,
        "code": "key_missing",
        "pointer": "#/messages/2/data",
        "error": "Record is missing key property id",
    },
]


def test_I2_without_it_one_bad_record_refuses_the_whole_batch(send):
    assert send(ROWS, path="/v2/import/batch").status_code == 400
    assert not Batch.objects.exists()


def test_I2_the_bad_records_are_listed_by_index_and_everything_is_stored(send):
    response = send(ROWS)
    assert response.status_code == 201
    assert response.json() == {"status": "OK", "message": "Batch Accepted!", "rejected": REJECTED}
    batch = Batch.objects.get()
    assert (str(batch.receipt), batch.records, batch.kind) == (response["X-Batch-Id"], 4, "partial")
    [stored] = read_table_batches(
        kind=batch.kind, body=body_of(batch), batch_id="b", received_at=timezone.now()
    )
    assert [message.data for message in stored.messages] == ROWS
    assert {message.index: message.set_aside for message in stored.messages if message.set_aside} == {
        1: SetAside("Record did not conform to schema: #/id: expected type: Number, found: String", ("id",)),
        2: SetAside("Record is missing key property id"),
    }


def test_I2_a_batch_without_bad_records_is_stored_as_any_other(send):
    response = send(ROWS[:1])
    assert response.json()["rejected"] == []
    assert Batch.objects.get().kind == "batch"


def test_I5_they_are_rejected_when_loaded_and_the_books_balance(send, integration, settings):
    send(ROWS)
    while load_next():
        pass
    share = BatchTable.objects.get()
    assert (share.records, share.inserted, share.updated, share.superseded, share.rejected) == (4, 2, 0, 0, 2)
    path = settings.DATA_DIR / "warehouse" / f"{integration.account.client_id}.duckdb"
    with duckdb.connect(str(path), read_only=True) as warehouse:
        schema = integration.schema_name
        rows = warehouse.sql(f"SELECT id, name FROM {schema}.boats ORDER BY id").fetchall()
        rejected = warehouse.sql(
            f"SELECT table_name, reason, record FROM {schema}._sdc_rejected ORDER BY reason"
        ).fetchall()
    assert rows == [(1, "Ann"), (4, None)]
    assert rejected == [
        (
            "boats",
            "Record did not conform to schema: #/id: expected type: Number, found: String",
            '{"id":"two","name":"Bob"}',
        ),
        ("boats", "Record is missing key property id", '{"name":"Cy"}'),
    ]


def test_a_batch_of_nothing_but_bad_records_is_accepted_and_rejected(send):
    assert len(send([{"id": "x"}, {}]).json()["rejected"]) == 2
    while load_next():
        pass
    share = BatchTable.objects.get()
    assert (share.state, share.records, share.rejected) == ("loaded", 2, 2)


def test_I3_a_repeated_request_is_answered_alike_and_stored_once(send):
    first = send(ROWS, **{"idempotency-key": "a"})
    second = send(ROWS, **{"idempotency-key": "a"})
    assert second["Idempotent-Replayed"] == "true"
    assert (first.content, first["X-Batch-Id"]) == (second.content, second["X-Batch-Id"])
    assert Batch.objects.count() == 1
    assert send(ROWS[:2], **{"idempotency-key": "a"}).status_code == 409


def test_too_many_values_set_a_record_aside(send, monkeypatch):
    points = refusals.MAX_DATA_POINTS
    wide = {"id": 2} | {f"c{number}": number for number in range(points)}
    [rejected] = send([{"id": 1}, wide]).json()["rejected"]
    assert (rejected["index"], rejected["code"]) == (1, "too_many_data_points")


@pytest.mark.parametrize(
    "body",
    [
        "{",
        '{"table_name":"boats","schema":[],"messages":[]}',
        '{"table_name":"boats","schema":{},"messages":[{"action":"upsert","data":{}}]}',
        '{"table_name":"boats","schema":{"type":"nonsense"},"messages":[{"action":"upsert","sequence":1,"data":{}}]}',
        '{"table_name":"boats","schema":{},"key_names":["id"],"messages":[{"action":"upsert","sequence":1,"data":{}}]}',
    ],
)
def test_a_request_that_is_wrong_as_a_whole_is_refused(send, body):
    assert send(body).status_code == 400
    assert not Batch.objects.exists()


@pytest.mark.parametrize("wish", ["", "skip", "Reject", "reject%00"])
def test_a_wish_that_is_not_understood_is_refused(send, wish):
    response = send(ROWS, path=f"/v2/import/batch?on_error={wish}")
    assert (response.status_code, response["X-Error-Code"]) == (400, "on_error_invalid")
    assert response.content == b'{"status":"ERROR","message":"on_error should be reject, or left out"}'


@pytest.mark.parametrize("path", ["push", "validate"])
def test_push_and_validate_take_no_such_wish(send, integration, path):
    response = send(push_body(integration), path=f"/v2/import/{path}?on_error=reject")
    assert (response.status_code, response["X-Error-Code"]) == (400, "on_error_invalid")
    assert not Batch.objects.exists()


def test_twenty_thousand_bad_records_are_all_told(send):
    rejected = send([{"id": "x"}] * refusals.MAX_RECORDS).json()["rejected"]
    assert [each["index"] for each in rejected] == list(range(refusals.MAX_RECORDS))


def test_what_is_stored_holds_the_body_as_it_was_sent():
    body = b'{\n "a": "\xc3\xa9" }\n'
    faults = {3: SetAside("x" * 2000 + "\ud800", ("a\n", "b")), 0: SetAside("")}
    assert partial.split(partial.joined(faults, body)) == (
        {3: SetAside("x" * 1000, ("a\n", "b")), 0: SetAside("")},
        body,
    )
