"""Which type a value gets, and the values that no column can hold (loading.md 3)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from integrations.loading.capabilities import Kind
from integrations.loading.errors import LoadError
from integrations.loading.outcomes import BatchCounts
from integrations.loading.schemas import MAX_ALTERNATIVES, field_types
from integrations.loading.values import ExactDecimal
from tests.loading.conftest import Warehouse, batch

DATE_TIME = {"type": "string", "format": "date-time"}

DEFINITIONS = {
    "money": {"type": "number", "multipleOf": Decimal("0.01")},
    "circle": {"$ref": "#/definitions/circle"},
}


@pytest.mark.parametrize(
    ("schema", "value", "column", "stored"),
    [
        ({"type": "integer"}, 15, "BIGINT", "15"),
        ({"type": "number"}, 15, "DOUBLE", "15.0"),
        ({"type": "number"}, Decimal("0.1"), "DOUBLE", "0.1"),
        ({"type": "number"}, Decimal("1.7976931348623157e308"), "DOUBLE", "1.7976931348623157e+308"),
        ({"type": "number"}, Decimal("1e-400"), "DOUBLE", "0.0"),
        ({"type": "number"}, Decimal("0e999"), "DOUBLE", "0.0"),
        ({"type": "number"}, 2**64, "DOUBLE", "1.8446744073709552e+19"),
        ({"type": "number", "multipleOf": Decimal("0.1")}, 1, "DECIMAL(38,6)", "1.000000"),
        (
            {"type": "number", "multipleOf": Decimal("0.00000001")},
            Decimal("3e-8"),
            "DECIMAL(38,8)",
            "0.00000003",
        ),
        (
            {"type": "number", "multipleOf": Decimal("1e-20")},
            Decimal("1e-18"),
            "DECIMAL(38,18)",
            f"0.{'0' * 17}1",
        ),
        ({"type": "number", "multipleOf": 10}, Decimal("1.2e2"), "DECIMAL(38,6)", "120.000000"),
        ({"type": "number", "multipleOf": 1}, 10**32 - 1, "DECIMAL(38,6)", "9" * 32 + ".000000"),
        ({"type": "boolean"}, False, "BOOLEAN", "false"),
        ({"type": "string"}, "2024-04-30", "VARCHAR", "2024-04-30"),
        ({"type": "string"}, "", "VARCHAR", ""),
        ({"type": "string"}, "a\tb\\.\n\u2028\U0001f6b2", "VARCHAR", "a\tb\\.\n\u2028\U0001f6b2"),
        ({"type": "string"}, "\\N", "VARCHAR", "\\N"),
        ({"type": "string", "format": "date"}, "2024-04-30", "VARCHAR", "2024-04-30"),
        (DATE_TIME, "2024-04-30T08:00:00+02:00", "TIMESTAMP WITH TIME ZONE", "2024-04-30 06:00:00+00"),
        (DATE_TIME, "-4712-01-01", "TIMESTAMP WITH TIME ZONE", "4713-01-01 (BC) 00:00:00+00"),
        (
            {"type": ["null", "string"], "format": "date-time"},
            "2024-04-30",
            "TIMESTAMP WITH TIME ZONE",
            "2024-04-30 00:00:00+00",
        ),
        ({"type": ["null", "integer"]}, 1, "BIGINT", "1"),
        ({"type": ["string", "integer"]}, 1, "BIGINT", "1"),
        ({"type": ["number", "integer"]}, 1, "BIGINT", "1"),
        ({"type": ["number", "string"]}, 1, "DOUBLE", "1.0"),
        ({"type": ["integer", "string"]}, "1", "VARCHAR", "1"),
        (
            {"anyOf": [{"type": "null"}, DATE_TIME, {"type": "string"}]},
            "2024-04-30",
            "TIMESTAMP WITH TIME ZONE",
            "2024-04-30 00:00:00+00",
        ),
        ({"anyOf": [DATE_TIME, {"type": "string"}]}, "soon", "VARCHAR", "soon"),
        ({"oneOf": [{"type": "number"}, {"type": "integer"}]}, 1, "DOUBLE", "1.0"),
        ({"$ref": "#/definitions/money"}, 1, "DECIMAL(38,6)", "1.000000"),
        ({"$ref": "#/definitions/circle"}, 1, "BIGINT", "1"),
        ({"$ref": "http://example.org/x"}, 1, "BIGINT", "1"),
        ({}, "a", "VARCHAR", "a"),
        ({"enum": ["a"]}, "a", "VARCHAR", "a"),
        (None, 10, "BIGINT", "10"),
        (None, Decimal("1.0"), "DOUBLE", "1.0"),
        (None, "2024-04-30T08:00:00Z", "VARCHAR", "2024-04-30T08:00:00Z"),
        (None, ExactDecimal("1.50"), "DECIMAL(38,6)", "1.500000"),
        (None, ExactDecimal("1.12345678"), "DECIMAL(38,8)", "1.12345678"),
    ],
)
def test_types(warehouse: Warehouse, schema: Any, value: Any, column: str, stored: str) -> None:
    document = None if schema is None else {"properties": {"x": schema}, "definitions": DEFINITIONS}
    warehouse.send_under(document, (1, {"x": value}))
    if column.startswith("DECIMAL"):
        stored, column = warehouse.decimal(stored, column)
    if schema == DATE_TIME and warehouse.engine == "PostgreSQL":
        stored = stored.replace(" (BC) 00:00:00+00", " 00:00:00+00 BC")
    assert warehouse.columns("bikes")["x"] == column
    assert warehouse.rows("bikes", "x") == [(stored,)]


def test_an_undeclared_field_is_typed_by_its_value(warehouse: Warehouse) -> None:
    warehouse.send((1, {"id": 1, "extra": "2024-04-30", "o": {"n": 1}}), types={"id": {"type": "number"}})
    columns = warehouse.columns("bikes")
    assert [columns[name] for name in ("id", "extra", "o__n")] == ["DOUBLE", "VARCHAR", "BIGINT"]


def test_schemas_reach_into_objects_and_arrays(warehouse: Warehouse) -> None:
    types = {
        "guest": {"type": ["null", "object"], "properties": {"age": {"type": "number"}}},
        "fees": {"type": "array", "items": {"type": "number"}},
        "legs": {
            "type": "array",
            "items": {"type": "object", "properties": {"km": {"type": "number"}, "at": DATE_TIME}},
        },
        "grid": {"type": "array", "items": {"type": "array", "items": {"type": "number"}}},
        "free": {"type": "object", "additionalProperties": {"type": "number"}},
    }
    warehouse.send(
        (
            1,
            {
                "guest": {"age": 3},
                "fees": [1],
                "legs": [{"km": 2, "at": "2024-04-30"}],
                "grid": [[4]],
                "free": {"x": 5},
            },
        ),
        (2, {"guest": None}),
        types=types,
    )
    assert warehouse.columns("bikes")["guest__age"] == "DOUBLE"
    assert warehouse.columns("bikes")["free__x"] == "DOUBLE"
    assert warehouse.columns("bikes__fees")["value"] == "DOUBLE"
    assert warehouse.columns("bikes__legs")["km"] == "DOUBLE"
    assert warehouse.columns("bikes__legs")["at"] == "TIMESTAMP WITH TIME ZONE"
    assert warehouse.columns("bikes__grid__value")["value"] == "DOUBLE"


@pytest.mark.parametrize(
    ("schema", "value", "reason"),
    [
        (None, 2**63, "integer out of range for DuckDB on 9223372036854775808"),
        (None, -(2**63) - 1, "integer out of range for DuckDB on -9223372036854775809"),
        (None, Decimal("1e400"), "decimal out of range for DuckDB on 1e400"),
        (None, Decimal("1.8e308"), "decimal out of range for DuckDB on 1.8e308"),
        ({"type": "number"}, 10**400, f"decimal out of range for DuckDB on 1{'0' * 199}"),
        (
            {"type": "number", "multipleOf": Decimal("0.01")},
            Decimal("1e999999"),
            "decimal out of range for DuckDB on 1e999999",
        ),
        (DATE_TIME, "294277-01-01", "timestamp out of range for DuckDB on 294277-01-01"),
        (DATE_TIME, "-4713-12-31", "timestamp out of range for DuckDB on -4713-12-31"),
        (DATE_TIME, "2024-02-30", "timestamp out of range for DuckDB on 2024-02-30"),
        (None, "a\ud800b", 'invalid byte sequence for encoding "UTF8": \\ud800'),
    ],
)
def test_values_out_of_range_refuse_the_record(
    warehouse: Warehouse, schema: Any, value: Any, reason: str
) -> None:
    types = {"x": schema} if schema else None
    loaded = warehouse.send((1, {"id": 1, "x": value}), (2, {"id": 2}), types=types)
    assert [row[:2] for row in warehouse.rejected()] == [
        ("bikes", reason.replace("DuckDB", warehouse.engine))
    ]
    assert loaded.counts == BatchCounts(inserted=1, rejected=1)


@pytest.mark.parametrize(
    ("warehouse", "schema", "value", "reason"),
    [
        (
            "duckdb",
            {"type": "number", "multipleOf": Decimal("0.01")},
            10**32,
            f"decimal out of range for DuckDB on 1{'0' * 32}",
        ),
        ("duckdb", DATE_TIME, "294247-01-10", "timestamp out of range for DuckDB on 294247-01-10"),
        (
            "postgresql",
            {"type": "number", "multipleOf": Decimal("0.01")},
            Decimal("1e131072"),
            "decimal out of range for PostgreSQL on 1e131072",
        ),
        ("postgresql", None, "a\0b", 'invalid byte sequence for encoding "UTF8": 0x00'),
    ],
    indirect=["warehouse"],
)
def test_values_that_one_engine_alone_cannot_hold(
    warehouse: Warehouse, schema: Any, value: Any, reason: str
) -> None:
    loaded = warehouse.send((1, {"id": 1, "x": value}), types={"x": schema} if schema else None)
    assert [row[1] for row in warehouse.rejected()] == [reason]
    assert loaded.counts == BatchCounts(rejected=1)


@pytest.mark.parametrize(
    ("warehouse", "schema", "value", "stored"),
    [
        ("duckdb", {"type": "string"}, "a\0b", "a\0b"),
        ("duckdb", DATE_TIME, "294247-01-09T23:59:59.999999Z", "294247-01-09 23:59:59.999999+00"),
        ("postgresql", DATE_TIME, "294276-12-31T23:59:59.999999Z", "294276-12-31 23:59:59.999999+00"),
        (
            "postgresql",
            {"type": "number", "multipleOf": Decimal("0.01")},
            Decimal("1e131071"),
            "1" + "0" * 131_071,
        ),
        (
            "postgresql",
            {"type": "number", "multipleOf": Decimal("1e-16383")},
            Decimal("1e-16383"),
            f"0.{'0' * 16_382}1",
        ),
    ],
    indirect=["warehouse"],
)
def test_values_that_one_engine_alone_holds(
    warehouse: Warehouse, schema: Any, value: Any, stored: str
) -> None:
    warehouse.send((1, {"x": value}), types={"x": schema})
    assert warehouse.rows("bikes", "x") == [(stored,)]


@pytest.mark.parametrize("value", [2**63 - 1, -(2**63)])
def test_integers_at_the_edge_are_exact(warehouse: Warehouse, value: int) -> None:
    warehouse.send((1, {"x": value}))
    assert warehouse.query("SELECT x FROM bike_fleet.bikes") == [(value,)]


def test_a_rejected_record_is_cut_at_a_character(warehouse: Warehouse) -> None:
    warehouse.send((1, {"a": "é" * 65_535, "x__st": 1}))
    ((_, _, record),) = warehouse.rejected()
    assert len(record.encode()) in {65_534, 65_535}
    assert record.startswith('{"a":"é')


def test_nothing_but_nulls_makes_no_table(warehouse: Warehouse) -> None:
    """A20: such rows are neither loaded nor rejected."""
    loaded = warehouse.send((1, {"a": None}), (2, {}), (3, {"b": [], "c": {}}))
    assert loaded.counts == BatchCounts(superseded=3)
    assert loaded.tables == []
    assert warehouse.tables() == ["_sdc_rejected"]
    assert warehouse.send((4, {"a": 1}), (5, {"a": None})).counts == BatchCounts(inserted=2)
    assert warehouse.rows("bikes", "a") == [("1",), (None,)]


def test_time_of_extraction_has_a_column_when_it_was_sent(warehouse: Warehouse) -> None:
    warehouse.send((1, {"id": 1, "tags": [1]}), key=("id",))
    assert "_sdc_extracted_at" not in warehouse.columns("bikes")
    loaded = warehouse.send((2, {"id": 2}), key=("id",), extracted="2024-02-03T04:05:06.123456Z")
    assert loaded.tables[0].new_columns == []
    assert loaded.max_time_extracted == "2024-02-03T04:05:06.123456Z"
    assert warehouse.rows("bikes", "id", "_sdc_extracted_at") == [
        ("1", None),
        ("2", "2024-02-03 04:05:06.123456+00"),
    ]
    assert "_sdc_extracted_at" not in warehouse.columns("bikes__tags")


def test_transit_types_its_values_itself(warehouse: Warehouse) -> None:
    """import-api.md 6.3: an instant is a timestamp, a big decimal a decimal; refused ones stay legible."""
    moment = datetime(2024, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    sent = {"price": ExactDecimal("1.50"), "at": moment}
    warehouse.send((1, sent), (2, sent | {"x__st": 1}))
    assert warehouse.columns("bikes")["at"] == "TIMESTAMP WITH TIME ZONE"
    assert warehouse.rows("bikes", "price", "at") == [
        (warehouse.decimal("1.500000", "")[0], "2024-01-02 03:04:05.678+00")
    ]
    ((_, _, record),) = warehouse.rejected()
    assert json.loads(record) == {"price": 1.5, "at": "2024-01-02T03:04:05.678000Z", "x__st": 1}


def test_bookmarks_span_the_rows_of_the_load(warehouse: Warehouse) -> None:
    loaded = warehouse.send(
        (1, {"id": 3, "at": "2024-04-30T08:00:00+02:00"}),
        (2, {"id": 12, "at": "2024-04-30"}),
        types={"id": {"type": "integer"}, "at": DATE_TIME},
        bookmark_names=("id", "at", "missing"),
    )
    assert [(bookmark.name, bookmark.least, bookmark.greatest) for bookmark in loaded.bookmarks] == [
        ("id", "3", "12"),
        ("at", "2024-04-30T00:00:00Z", "2024-04-30T06:00:00Z"),
    ]


def test_I11_references_that_multiply_are_read_once():
    """Each of fifteen definitions names the next one ninety-nine times."""
    doubling = {f"d{step}": {"allOf": [{"$ref": f"#/definitions/d{step + 1}"}] * 99} for step in range(15)}
    schema = {
        "definitions": doubling | {"d15": {"type": "integer"}},
        "properties": {"a": {"$ref": "#/definitions/d0"}},
    }
    assert field_types(schema["properties"]["a"], schema).kinds == (Kind.BIGINT,)


def test_I11_of_many_alternatives_the_first_thousand_count():
    found = field_types({"anyOf": [{"properties": {f"p{step}": {}}} for step in range(5000)]}, {})
    assert 0 < len(found.properties) <= MAX_ALTERNATIVES


def test_I11_a_table_of_too_many_columns_is_refused_before_the_engine_makes_it(warehouse: Warehouse):
    """Tens of thousands of columns ended in the engine's memory limit, after half a minute, at every try."""
    records = [(number, {f"c{5000 * number + field}": 1 for field in range(5000)}) for number in range(1, 4)]
    one, two = batch(*records, batch_id="one"), batch((1, {"id": 2}), batch_id="two")
    with pytest.raises(LoadError, match="ERROR: too many columns"):
        warehouse.load(one, two)  # not all of them are at fault: the queue then loads them one by one
    assert warehouse.load(one).counts == BatchCounts(rejected=3)
    assert {row[:2] for row in warehouse.rejected()} == {("bikes", "ERROR: too many columns")}
    warehouse.send((9, {"id": 1}))
    assert warehouse.rows("bikes", "id") == [("1",)]
