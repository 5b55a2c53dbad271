"""The suggested schema: every record conforms to it, and it says no more than the records do."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.importapi.jsonschema import compile_schema
from integrations.loading.decoding import decode_json
from integrations.loading.inferring import MAX_PROPERTIES, infer_schema, is_time
from integrations.loading.rejected import record_text
from integrations.loading.values import ExactDecimal
from tests.loading.conftest import DuckDBWarehouse
from tests.loading.test_laws import EXAMPLES, JSON_VALUES, NAMES


def field(*values: Any) -> dict[str, Any]:
    """Return the schema of one field."""
    return infer_schema({"x": value} for value in values)["properties"]["x"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("values", "schema"),
    [
        ([1], {"type": "integer"}),
        ([Decimal("1.5")], {"type": "number"}),
        ([1, Decimal("1.5")], {"type": "number"}),
        ([2**63], {"type": "number"}),
        ([True], {"type": "boolean"}),
        ([1, True], {"type": ["boolean", "integer"]}),
        (["a"], {"type": "string"}),
        ([None], {"type": "null"}),
        (["a", None], {"type": ["null", "string"]}),
        ([1, "a"], {"type": ["integer", "string"]}),
        (["2024-05-01T10:00:00Z"], {"type": "string", "format": "date-time"}),
        (
            ["2024-05-01T10:00:00+02:00", None, "2024-05-01T10:00:00.123456789Z"],
            {"type": ["null", "string"], "format": "date-time"},
        ),
        (["2024-05-01T10:00:00Z", "soon"], {"type": "string"}),
        (["2024-05-01"], {"type": "string"}),
        ([[]], {"type": "array"}),
        ([["a"], [None]], {"type": "array", "items": {"type": ["null", "string"]}}),
        ([{}], {"type": "object", "properties": {}}),
        (
            [{"a": 1}, {"b": "x"}],
            {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "string"}}},
        ),
        ([datetime(2024, 5, 1, tzinfo=UTC)], {"type": "string", "format": "date-time"}),
        ([ExactDecimal("4.20"), ExactDecimal("4.125")], {"type": "number", "multipleOf": 0.001}),
        ([ExactDecimal("4.20"), Decimal("4.1")], {"type": "number"}),
    ],
)
def test_a_fields_types_come_from_its_values(values, schema):
    assert field(*values) == schema


@pytest.mark.parametrize(
    "text",
    [
        "2024-05-01 10:00:00Z",
        "2024-05-01T10:00:00",
        "2024-05-01T10:00Z",
        "2024-02-30T10:00:00Z",
        "2024-05-01T24:00:00Z",
        "2024-05-01T10:00:60Z",
        "2024-05-01T10:00:00+0200",
        "0000-05-01T10:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "2024-05-01T10:00:00Z\n",
    ],
)
def test_only_a_strict_time_that_exists_is_suggested_as_one(text):
    assert not is_time(text)


def test_the_keys_are_required():
    schema = infer_schema([{"id": 1, "a": 2}], key_names=["id", "id", "gone"])
    assert schema is not None and schema["required"] == ["id"]
    assert "required" not in (infer_schema([{"id": 1}]) or {})


def test_records_of_too_many_fields_get_no_suggestion():
    assert infer_schema([{str(number): 1 for number in range(MAX_PROPERTIES)}]) is not None
    assert infer_schema([{str(number): 1 for number in range(MAX_PROPERTIES + 1)}]) is None
    assert infer_schema([{"a": [{str(number): 1 for number in range(MAX_PROPERTIES)}]}]) is None


def test_what_is_suggested_as_a_time_is_loaded_as_one(tmp_path):
    records = [{"at": "2024-05-01T10:00:00+02:00"}, {"at": "9999-12-31T23:59:59Z"}]
    warehouse = DuckDBWarehouse(tmp_path / "warehouse.duckdb")
    warehouse.send_under(infer_schema(records), *enumerate(records))
    assert warehouse.columns("bikes")["at"] == "TIMESTAMP WITH TIME ZONE"
    assert warehouse.rejected() == []
    warehouse.close()


@settings(max_examples=20 * EXAMPLES, deadline=None, derandomize=True)
@given(st.lists(st.dictionaries(NAMES, JSON_VALUES, max_size=5), min_size=1, max_size=5))
def test_every_record_conforms_to_its_own_suggestion(records):
    sent = decode_json(record_text(records).encode())  # as they come over the wire
    schema = infer_schema(sent)
    compiled = compile_schema(decode_json(msgspec.json.encode(schema)))
    assert all(compiled.accepts(record) for record in sent)
