"""`?dry_run=1`: checked like any request, told what loading would do, and stored nowhere."""

import json
from datetime import UTC, datetime

import duckdb
import pytest

from integrations.loading.batches import UPSERT, Message, TableBatch
from integrations.models import Batch, QueuedTable
from integrations.queue.accepting import QueueUnavailable
from integrations.queue.room import queue_folder
from integrations.services import rehearsals
from integrations.services.destinations import destination_of
from integrations.services.engines import engine_of
from tests.factories import make_access_token, make_account, make_integration, make_loaded_table, make_member

pytestmark = pytest.mark.django_db
AT = datetime(2024, 5, 1, 10, 0, tzinfo=UTC)
SCHEMA = {"type": "object", "properties": {"id": {"type": "integer"}, "level": {"type": "string"}}}


@pytest.fixture
def integration(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    account = make_account()
    make_member(account)
    return make_integration(account)


@pytest.fixture
def token(integration):
    return make_access_token(integration)


@pytest.fixture
def post(client, token):
    def post(path, body, **headers):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"authorization": f"Bearer {token[1]}"} | headers
        return client.post(
            f"/v2/import/{path}",
            data,
            content_type=sent.pop("content_type", "application/json"),
            headers=sent,
        )

    return post


def batch_of(*records, keys=("id",), schema=SCHEMA, table="bikes"):
    messages = [
        {"action": "upsert", "sequence": number, "data": data} for number, data in enumerate(records, 5)
    ]
    return {"table_name": table, "schema": schema, "key_names": list(keys), "messages": messages}


def push_of(integration, *records, table="bikes"):
    return [
        {
            "client_id": integration.account.client_id,
            "table_name": table,
            "sequence": number,
            "action": "upsert",
            "key_names": ["id"],
            "data": data,
        }
        for number, data in enumerate(records, 5)
    ]


def load(integration, *records, sequence=1):
    """Put rows into the integration's table as the loader does."""
    messages = [Message(number, UPSERT, sequence, data) for number, data in enumerate(records)]
    sent = TableBatch(f"earlier-{sequence}", "bikes", AT, ("id",), None, messages)
    engine = engine_of(destination_of(integration=integration))
    return engine.load(schema_name=integration.schema_name, table_name="bikes", batches=[sent], batched_at=AT)


def nothing_is_stored():
    return not Batch.objects.exists() and not QueuedTable.objects.exists()


def test_a_batch_is_told_table_by_table_and_not_stored(post, integration):
    response = post("batch?dry_run=1", batch_of({"id": 1, "level": "high", "tags": ["a"]}, {"id": 2**62}))
    assert (response.status_code, response["Cache-Control"]) == (200, "no-store")
    assert "X-Batch-Id" not in response
    told = response.json()
    assert {name: told[name] for name in told if name != "tables"} == {
        "status": "OK",
        "message": "Dry run: nothing was stored.",
        "destination": "DuckDB",
        "schema_name": integration.schema_name,
        "compared_with": "destination",
        "problem": None,
    }
    (table,) = told["tables"]
    assert [(part["name"], part["state"], part["row_count"]) for part in table["tables"]] == [
        ("bikes", "new", 2),
        ("bikes__tags", "new", 1),
    ]
    assert table["tables"][0]["columns"][-2:] == [
        {"name": "id", "type": "BIGINT", "state": "new", "before": None},
        {"name": "level", "type": "VARCHAR", "state": "new", "before": None},
    ]
    assert table["json_schema"] == {
        "type": "object",
        "properties": {
            "id": {"type": "integer"},
            "level": {"type": "string"},
            "tags": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["id"],
    }
    assert nothing_is_stored()
    assert not destination_of(integration=integration).file_path.exists()
    assert list(queue_folder().glob("*")) == []


def test_a_push_is_told_by_table_with_its_rejects(post, integration):
    body = [
        *push_of(integration, {"id": 1}, {"id": 2, "a": 2**63}),
        *push_of(integration, {"id": 1}, table="_sdc_x"),
    ]
    first, second = post("push?dry_run=true", body).json()["tables"]
    assert (first["records"], first["written"], first["rejected"]) == (2, 1, 1)
    assert first["rejected_records"] == [
        {
            "record": '{"id":2,"a":9223372036854775808}',
            "reason": "integer out of range for DuckDB on 9223372036854775808",
            "table_name": "bikes",
        }
    ]
    assert second["rejections"] == [
        {"reason": "Table name _sdc_x uses a reserved prefix", "table_name": "_sdc_x", "count": 1}
    ]
    assert nothing_is_stored()


def test_transit_is_told_too(post, integration):
    body = json.dumps(
        [
            [
                *["^ ", "~:client_id", integration.account.client_id, "~:table_name", "bikes"],
                *["~:sequence", 1, "~:action", "upsert", "~:key_names", ["id"]],
                *["~:data", ["^ ", "id", 1, "at", "~t2024-05-01T10:00:00.000Z", "fee", "~f4.20"]],
            ]
        ]
    ).encode()
    (table,) = post("push?dry_run=1", body, content_type="application/transit+json").json()["tables"]
    types = {column["name"]: column["type"] for column in table["tables"][0]["columns"]}
    assert (types["at"], types["fee"]) == ("TIMESTAMPTZ", "DECIMAL(38,6)")
    assert table["json_schema"]["properties"]["fee"] == {"type": "number", "multipleOf": 0.01}


def test_what_exists_decides(post, integration):
    load(integration, {"id": 1, "level": 3}, {"id": 2})
    load(integration, {"id": 2}, sequence=9)
    (table,) = post(
        "batch?dry_run=1", batch_of({"id": 1, "level": "high"}, {"id": 2, "level": "low"})
    ).json()["tables"]
    assert (table["written"], table["superseded"]) == (1, 1)
    assert [
        (column["name"], column["state"], column["before"])
        for column in table["tables"][0]["columns"]
        if "level" in column["name"]
    ] == [("level__bi", "renamed", "level"), ("level__st", "new", None)]
    other = post("batch?dry_run=1", batch_of({"id": 1, "level": "x"}, keys=["level"])).json()["tables"][0]
    assert other["error"] == "Primary Keys for table do not match Primary Keys of incoming data"


def test_a_warehouse_that_is_held_is_told_from_what_was_recorded(post, integration, monkeypatch):
    load(integration, {"id": 1, "level": 3})
    make_loaded_table(
        integration,
        name="bikes",
        root="bikes",
        columns=[[name, "BIGINT"] for name in ("_sdc_sequence", "_sdc_table_version", "id", "level")]
        + [["_sdc_batched_at", "TIMESTAMP WITH TIME ZONE"], ["_sdc_received_at", "TIMESTAMP WITH TIME ZONE"]],
    )
    monkeypatch.setattr("integrations.loading.destinations.duckdb.READER_WAITS_SECONDS", 0.0)
    with duckdb.connect(str(destination_of(integration=integration).file_path)):
        told = post("batch?dry_run=1", batch_of({"id": 1, "level": "high"})).json()
    assert told["compared_with"] == "recorded"
    assert told["problem"] == "The warehouse is being written. Try again in a moment."
    table = told["tables"][0]["tables"][0]
    assert (table["state"], table["key"]) == ("existing", ["id"])
    assert {column["name"]: column["state"] for column in table["columns"]}["level__bi"] == "renamed"


def test_without_a_destination_it_says_so(post, integration, settings):
    settings.EMBEDDED_WAREHOUSE = False
    told = post("batch?dry_run=1", batch_of({"id": 1})).json()
    assert told["problem"] == "This integration has no destination: its data waits until it has one."
    assert told["tables"][0]["written"] == 1


def test_the_documented_errors_stay(post, client, integration):
    refused = post("batch", b"{")
    rehearsed = post("batch?dry_run=1", b"{")
    assert (rehearsed.status_code, rehearsed.content) == (refused.status_code, refused.content)
    wrong = batch_of({"id": "one"})
    assert post("batch?dry_run=1", wrong).content == post("batch", wrong).content
    assert post("push?dry_run=1", [{}]).content == post("push", [{}]).content
    unknown = client.post("/v2/import/batch?dry_run=1", b"{}", content_type="application/json")
    assert unknown.status_code == 401


def test_a_paused_integration_is_refused_as_ever(post, integration):
    type(integration).objects.filter(pk=integration.pk).update(paused_at=AT)
    assert post("batch?dry_run=1", batch_of({"id": 1})).status_code == 401


@pytest.mark.parametrize("wanted", ["", "yes", "2", "TRUE", "1 "])
def test_an_unclear_wish_is_refused_and_nothing_stored(post, wanted):
    response = post(f"batch?dry_run={wanted}", batch_of({"id": 1}))
    assert (response.status_code, response["X-Error-Code"]) == (400, "dry_run_invalid")
    assert nothing_is_stored()


@pytest.mark.parametrize("wanted", ["0", "false"])
def test_no_dry_run_is_stored(post, wanted):
    assert post(f"batch?dry_run={wanted}", batch_of({"id": 1})).status_code == 201


def test_a_large_sample_is_refused_at_its_limit(post, monkeypatch):
    body = json.dumps(batch_of({"id": 1})).encode()
    monkeypatch.setattr("integrations.importapi.rehearsals.MAX_SAMPLE_BYTES", len(body))
    assert post("batch?dry_run=1", body).status_code == 200
    response = post("batch?dry_run=1", body + b" ")
    assert (response.status_code, response["X-Error-Code"]) == (413, "sample_too_large")
    assert (response["X-Error-Limit"], response["X-Error-Actual"]) == (str(len(body)), str(len(body) + 1))


def test_D28_a_full_queue_does_not_matter(post, monkeypatch):
    def full(**facts):
        raise QueueUnavailable

    monkeypatch.setattr("integrations.importapi.views.accept_batch", full)
    assert post("batch", batch_of({"id": 1})).status_code == 503
    assert post("batch?dry_run=1", batch_of({"id": 1})).status_code == 200


def test_an_idempotency_key_is_not_used_up(post):
    body = batch_of({"id": 1})
    headers = {"idempotency-key": "once"}
    assert post("batch?dry_run=1", body, **headers).status_code == 200
    response = post("batch", body, **headers)
    assert (response.status_code, response.get("Idempotent-Replayed")) == (201, None)


def test_names_that_no_text_can_hold_are_told_escaped(post, integration):
    body = json.dumps(push_of(integration, {"id": 1, "\ud800": 1, "note": "\ud801"})).encode()
    response = post("push?dry_run=1", body)
    assert response.status_code == 200
    table = response.json()["tables"][0]
    assert "\ud800" in table["json_schema"]["properties"]


def test_P10_the_tokens_last_use_is_stamped(post, token):
    post("batch?dry_run=1", batch_of({"id": 1}))
    token[0].refresh_from_db()
    assert token[0].last_used_at is not None


def test_another_accounts_tables_are_not_looked_at(post, integration):
    rival = make_account()
    make_member(rival)
    other = make_integration(rival, schema_name=integration.schema_name)
    load(other, {"id": 1, "level": 3})
    table = post("batch?dry_run=1", batch_of({"id": 1, "level": "x"})).json()["tables"][0]
    assert table["tables"][0]["state"] == "new"


def test_the_recorded_key_of_a_sub_table_is_known_by_its_columns(integration):
    make_loaded_table(integration, name="bikes", root="bikes", columns=[["id", "BIGINT"], ["b", "BIGINT"]])
    sub = make_loaded_table(
        integration,
        name="bikes__tags",
        root="bikes",
        columns=[["_sdc_level_0_id", "BIGINT"], ["_sdc_source_key_b", "BIGINT"], ["value", "VARCHAR"]],
    )
    parts = [TableBatch("1", "bikes", AT, ("id",), None, [])]
    standing = rehearsals._recorded(integration, parts, rehearsals.DUCKDB)
    assert standing.catalogue.tables["bikes"].key == ("b",)
    assert standing.catalogue.tables[sub.name].key == ("_sdc_level_0_id", "_sdc_source_key_b")
