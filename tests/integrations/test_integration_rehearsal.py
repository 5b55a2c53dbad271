"""Rehearsal on the page: what is pasted is planned, shown, and stored nowhere."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from integrations.forms.rehearsal import EXAMPLE
from integrations.models import Batch, QueuedTable
from integrations.services.destinations import destination_of
from tests.integrations.conftest import page, text_of


@pytest.fixture
def url(integration, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    return page(integration, "rehearsal")


@pytest.fixture
def rehearse(browser, url):
    def rehearse(sample, *, table="bikes", keys="id", kind="batch", **headers):
        text = sample if isinstance(sample, str) else json.dumps(sample)
        fields = {"sample": text, "table_name": table, "key_names": keys, "kind": kind}
        return browser.post(url, fields, headers=headers)

    return rehearse


def errors(response):
    assert response.status_code == 422
    return {name: list(found) for name, found in response.context["form"].errors.items()}


def test_the_page_opens_with_an_example_that_works(browser, url, rehearse, integration):
    response = browser.get(url)
    assert response.status_code == 200
    assert "B-9" in text_of(response)
    told = rehearse(EXAMPLE, table="bookings", keys="booking_id")
    assert told.status_code == 200
    text = text_of(told)
    assert "bookings new table Key: booking_id." in text
    assert "bookings__labels subtable of bookings, new table" in text
    assert "guest__city VARCHAR New" in text
    assert not Batch.objects.exists() and not QueuedTable.objects.exists()
    assert not destination_of(integration=integration).file_path.exists()


def test_the_tables_page_leads_there(browser, integration, url):
    assert f'href="{url}"' in browser.get(page(integration, "tables")).content.decode()


def test_htmx_gets_the_panel_alone(rehearse):
    response = rehearse({"id": 1}, hx_request="true")
    assert response.content.decode().lstrip().startswith('<div id="rehearsal-panel"')


@pytest.mark.parametrize(
    "sample",
    [
        '{"id": 1}\n{"id": 2}',
        '{"id": 1}\r\n\r\n{"id": 2}\r\n',
        '[{"id": 1}, {"id": 2}]',
        '[\n{"id":1},\n{"id": 2}\n]',
    ],
)
def test_records_may_be_lines_or_an_array(rehearse, sample):
    assert rehearse(sample).context["result"]["tables"][0]["told"].records == 2


def test_one_record_is_enough(rehearse):
    assert rehearse('{\n "id": 1\n}').context["result"]["tables"][0]["told"].records == 1


def test_a_whole_batch_keeps_its_own_table_schema_and_sequences(rehearse):
    body = {
        "table_name": "tolls",
        "schema": {"properties": {"gate": {"type": "string"}, "fee": {"type": "number", "multipleOf": 0.01}}},
        "messages": [{"action": "upsert", "sequence": 7, "data": {"gate": "N1", "fee": 4.2}}],
    }
    (table,) = rehearse(body, table="", keys="").context["result"]["tables"]
    assert table["told"].table_name == "tolls"
    assert table["tables"][0]["told"].rows[0] == {
        "_sdc_sequence": 7,
        "_sdc_table_version": 0,
        "gate": "N1",
        "fee": "4.2",
    }


def test_a_whole_push_may_have_several_tables(rehearse, integration):
    entry = {
        "client_id": integration.account.client_id,
        "sequence": 1,
        "action": "upsert",
        "key_names": ["id"],
    }
    body = [entry | {"table_name": name, "data": {"id": 1}} for name in ("bikes", "docks")]
    tables = rehearse(body, table="").context["result"]["tables"]
    assert [table["told"].table_name for table in tables] == ["bikes", "docks"]


def test_a_push_is_typed_by_its_values_and_a_batch_by_the_suggested_schema(rehearse):
    def types(kind):
        response = rehearse('{"id": 1, "at": "2024-05-01T10:00:00Z", "n": 1}\n{"id": 2, "n": 1.5}', kind=kind)
        columns = response.context["result"]["tables"][0]["tables"][0]["columns"]
        return {column.name: column.type_name for column in columns if not column.by_loader}

    assert types("batch") == {"at": "TIMESTAMPTZ", "id": "BIGINT", "n": "DOUBLE"}
    assert types("push") == {"at": "VARCHAR", "id": "BIGINT", "n__bi": "BIGINT", "n__do": "DOUBLE"}


@pytest.mark.parametrize(
    ("sample", "lines"),
    [
        ('{"id": 1', ["Line 1, column 9: Expecting ',' delimiter"]),
        ('[{"id": 1},\n {"id": }]', ["Line 2, column 9: Expecting value"]),
        ('{"id": 1}\n{"id": 2}\n{"id": x}', ["Line 3, column 8: Expecting value"]),
        ('{"id": 1}\n[2]', ["Line 2 is not a JSON object."]),
        ("[]", ["Paste at least one record: a JSON object, an array of objects, or one object a line."]),
        ("5", ["Paste at least one record: a JSON object, an array of objects, or one object a line."]),
        ('[{"id": 1}, 5]', ["Record 2 is not a JSON object."]),
        ('{"id": NaN}', ["Line 1, column 1: NaN is not a JSON value"]),
        ('[{"id": 1}, {"a": 2}]', ["Record 2:", "Record is missing key property id"]),
        ('[{"id": 1}, {"id": null}]', ["Record 2, at id:", "Record is missing key property id"]),
    ],
)
def test_what_cannot_be_read_says_where(rehearse, sample, lines):
    assert errors(rehearse(sample)) == {"sample": lines}


def test_a_push_that_would_be_refused_says_what_the_api_says(rehearse, integration):
    assert errors(rehearse([{"id": 1}, {"id": "x" * 1025}], kind="push")) == {
        "sample": [
            "Record 2, at id:",
            "Request cannot be processed; see errors.",
            "data: String keys cannot be longer than 1024 characters",
        ]
    }
    foreign = [
        {
            "client_id": integration.account.client_id + 1,
            "table_name": "bikes",
            "sequence": 1,
            "action": "upsert",
            "key_names": [],
            "data": {"a": 1},
        }
    ]
    assert errors(rehearse(foreign))["sample"][0] == "At #/0/client_id:"


def test_a_batch_whose_schema_refuses_says_so(rehearse):
    body = {
        "table_name": "tolls",
        "schema": {"properties": {"gate": {"type": "string"}}},
        "messages": [{"action": "upsert", "sequence": 7, "data": {"gate": 1}}],
    }
    assert errors(rehearse(body))["sample"] == [
        "At #/messages/0/data/gate:",
        "Record 0 did not conform to schema:",
        "#/gate: expected type: String, found: Integer",
    ]


def test_plain_records_need_a_table(rehearse):
    assert errors(rehearse({"id": 1}, table=" ")) == {
        "table_name": ["Name the table that these records would go to."]
    }


def test_nothing_pasted_and_no_kind(rehearse):
    assert set(errors(rehearse("", kind="other"))) == {"sample", "kind"}


def test_what_is_larger_than_any_form_is_refused_with_its_limit(rehearse):
    response = rehearse("y" * 2_700_000)
    assert response.status_code == 413
    assert "A form may send 2,621,440 bytes. Nothing was changed." in text_of(response)


def test_a_sample_at_its_limit_and_beyond(rehearse, monkeypatch):
    monkeypatch.setattr("integrations.forms.rehearsal.MAX_SAMPLE_BYTES", 20)
    assert rehearse('{"id": "' + "é" * 5 + '"}').status_code == 200
    assert errors(rehearse('{"id": "' + "é" * 6 + '"}')) == {
        "sample": ["The sample has 22 bytes; a rehearsal takes 20. A few records of each sort do."]
    }


def test_rejects_splits_and_errors_are_shown(rehearse, integration):
    text = text_of(rehearse([{"id": 1, "x__st": 1}, {"id": 2, "a": 2**63}, {"id": 3}], kind="push"))
    assert "Rejected 2" in text
    assert (
        "column names from client should not include reserved datatype suffix on x__st (bikes, 1 time)"
        in text
    )
    assert '{"id":2,"a":9223372036854775808}' in text.replace("&quot;", '"')
    text = text_of(rehearse([{"id": 1}, {"id": "a"}], kind="push"))
    assert "Incoming Primary Key type does not match Primary Key type in existing table" in text


def test_hostile_names_and_values_are_text(rehearse):
    response = rehearse([{"id": 1, "<script>alert(1)</script>": "<img src=x>"}])
    assert "<script>alert" not in response.content.decode()
    assert "<img src=x>" not in response.content.decode()


def test_wide_long_and_many_are_cut_with_a_count(rehearse, integration):
    text = text_of(rehearse([{"id": 1} | {f"c{number}": 1 for number in range(300)}]))
    assert "more columns." in text
    entry = {"client_id": integration.account.client_id, "sequence": 1, "action": "upsert", "key_names": []}
    body = [entry | {"table_name": f"t{number}", "data": {"a": 1}} for number in range(60)]
    assert "And 10 more tables" in text_of(rehearse(body))
    text = text_of(rehearse([{"id": number, "_sdc_x": 1} for number in range(40)]))
    assert "The first 20 of 40 are listed." in text


def test_the_queries_do_not_grow_with_the_tables(rehearse, integration):
    entry = {"client_id": integration.account.client_id, "sequence": 1, "action": "upsert", "key_names": []}

    def count(tables):
        body = [entry | {"table_name": f"t{number}", "data": {"a": 1}} for number in range(tables)]
        with CaptureQueriesContext(connection) as queries:
            rehearse(body)
        return len(queries)

    rehearse({"id": 1})
    assert count(1) == count(5)
