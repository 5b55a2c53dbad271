"""New columns and columns of two types (loading.md 6)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from integrations.loading.errors import LoadError
from tests.loading.conftest import Warehouse, batch, only_duckdb, only_postgresql


def user_columns(warehouse: Warehouse, table: str = "bikes") -> dict[str, str]:
    return {name: kind for name, kind in warehouse.columns(table).items() if "_sdc_" not in name}


def test_new_columns_are_appended_in_byte_order(warehouse: Warehouse) -> None:
    first = warehouse.send((1, {"id": 1, "m": 1}), key=("id",))
    assert first.tables[0].created
    assert first.tables[0].new_columns == []  # a new table is no event
    second = warehouse.send((2, {"id": 2, "z": 1, "Zip": 1, "a": 1, "never": None}), key=("id",))
    assert list(user_columns(warehouse)) == ["id", "m", "Zip", "a", "z"]
    assert second.tables[0].new_columns == ["Zip", "a", "z"]
    assert not second.tables[0].created


def test_columns_of_a_new_table_are_in_byte_order(warehouse: Warehouse) -> None:
    warehouse.send((1, {"alpha": 1, "Zip": 2, "_x": 3}))
    assert list(warehouse.columns("bikes")) == [
        "Zip",
        "__sdc_primary_key",
        "_sdc_batched_at",
        "_sdc_received_at",
        "_sdc_sequence",
        "_sdc_table_version",
        "_x",
        "alpha",
    ]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([15, Decimal("16.5")], {"x__bi": "BIGINT", "x__do": "DOUBLE"}),
        ([Decimal("16.5"), 15], {"x__do": "DOUBLE", "x__bi": "BIGINT"}),
        ([True, "yes", 1], {"x__bo": "BOOLEAN", "x__bi": "BIGINT", "x__st": "VARCHAR"}),
        ([None, 1, None], {"x": "BIGINT"}),
        ([1, {"y": 1}, [1]], {"x": "BIGINT", "x__y": "BIGINT"}),
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
def test_each_type_has_its_column(
    warehouse: Warehouse, values: list[Any], expected: dict[str, str], at_once: bool
) -> None:
    records = [(number, {"x": value}) for number, value in enumerate(values)]
    if at_once:
        warehouse.send(*records)
    else:
        for record in records:
            warehouse.send(record)
    columns = user_columns(warehouse)
    assert columns == expected
    if at_once:
        assert list(columns) == sorted(columns)
    elif len(expected) == 2 and "x__y" not in expected:
        assert list(columns) == list(expected)  # the old one renamed in its place, the new one last


def test_the_first_value_in_the_order_of_messages_is_the_original(warehouse: Warehouse) -> None:
    """6.3 step 6, for a table that exists: its column is the one that would have been there first."""
    warehouse.send((1, {"id": 1}), key=("id",))
    warehouse.send((2, {"id": 2, "x": "a"}), (3, {"id": 3, "x": 1}), key=("id",))
    assert list(user_columns(warehouse)) == ["id", "x__bi", "x__st"]


def test_a_split_column_stays_split(warehouse: Warehouse) -> None:
    for sequence, value in enumerate([1, "a", 2, True]):
        warehouse.send((sequence, {"x": value}))
    assert user_columns(warehouse) == {"x__bi": "BIGINT", "x__st": "VARCHAR", "x__bo": "BOOLEAN"}
    assert warehouse.rows("bikes", "x__bi", "x__bo", "x__st") == [
        ("1", None, None),
        ("2", None, None),
        (None, "true", None),
        (None, None, "a"),
    ]


def test_a_winner_fills_one_variant_and_empties_the_others(warehouse: Warehouse) -> None:
    for sequence, value in enumerate([1, "a", None]):
        warehouse.send((sequence, {"id": 1, "x": value}), key=("id",))
        if sequence == 1:
            assert warehouse.rows("bikes", "x__bi", "x__st") == [(None, "a")]
    assert warehouse.rows("bikes", "x__bi", "x__st") == [(None, None)]


def test_values_of_scalar_arrays_split_too(warehouse: Warehouse) -> None:
    warehouse.send((1, {"id": 1, "tags": [1, "a", None, {"k": 1}, [5]]}), key=("id",))
    assert warehouse.rows("bikes__tags", "_sdc_level_0_id", "value__bi", "value__st", "k") == [
        ("0", "1", None, None),
        ("1", None, "a", None),
        ("2", None, None, None),
        ("3", None, None, "1"),
        ("4", None, None, None),
    ]
    assert warehouse.rows("bikes__tags__value", "_sdc_level_0_id", "_sdc_level_1_id", "value") == [
        ("4", "0", "5")
    ]


def test_users_own_columns_keep_their_values(warehouse: Warehouse) -> None:
    """The whole-row replacement spares what the loader did not make (5.2)."""
    warehouse.send((1, {"id": 1, "x": 1}), key=("id",))
    warehouse.run(
        "ALTER TABLE bike_fleet.bikes ADD COLUMN remark VARCHAR; UPDATE bike_fleet.bikes SET remark = 'mine'"
    )
    warehouse.send((2, {"id": 1, "y": 1}), key=("id",))
    assert warehouse.rows("bikes", "x", "y", "remark") == [(None, "1", "mine")]


def test_a_dropped_column_returns_with_data(warehouse: Warehouse) -> None:
    for sequence, value in enumerate([1, "a"]):
        warehouse.send((sequence, {"x": value}))
    warehouse.run("ALTER TABLE bike_fleet.bikes DROP COLUMN x__st")
    warehouse.send((5, {"x": "b"}))
    assert warehouse.rows("bikes", "x__bi", "x__st") == [("1", None), (None, "b"), (None, None)]


def test_a_dropped_table_returns_with_new_data(warehouse: Warehouse) -> None:
    warehouse.send((1, {"id": 1}), key=("id",))
    warehouse.run("DROP TABLE bike_fleet.bikes")
    loaded = warehouse.send((1, {"other": 2}), key=("other",))
    assert loaded.tables[0].created
    assert list(user_columns(warehouse)) == ["other"]


def test_a_column_of_32_bits_takes_what_fits(warehouse: Warehouse) -> None:
    warehouse.send((1, {"id": 1}), key=("id",))
    warehouse.run("ALTER TABLE bike_fleet.bikes ADD COLUMN n INTEGER")
    warehouse.send((2, {"id": 1, "n": 2**31 - 1}), key=("id",))
    assert warehouse.rows("bikes", "n") == [("2147483647",)]
    warehouse.send((3, {"id": 1, "n": 2**31}), key=("id",))
    assert warehouse.rows("bikes", "n__it", "n__bi") == [(None, "2147483648")]


@only_postgresql
def test_case_tells_columns_apart(warehouse: Warehouse) -> None:
    warehouse.send((1, {"Id": 1, "id": 2, "Name": "a"}), key=("Id",))
    with pytest.raises(LoadError, match="Primary Keys for table do not match"):
        warehouse.send((2, {"Id": 1, "id": 1}), key=("id",))
    assert warehouse.rows("bikes", "Id", "id", "Name") == [("1", "2", "a")]


@only_duckdb
def test_case_decides_nothing_and_the_first_spelling_stays(warehouse: Warehouse) -> None:
    warehouse.send((1, {"Id": 1, "Name": "a"}), key=("Id",))
    warehouse.send((2, {"id": 1, "NAME": "b"}), key=("id",))
    assert warehouse.rows("bikes", "Id", "Name") == [("1", "b")]
    assert list(user_columns(warehouse)) == ["Id", "Name"]


def test_decimals_gain_scale_instead_of_splitting(warehouse: Warehouse) -> None:
    def types(step: str) -> dict[str, Any]:
        return {"fee": {"type": "number", "multipleOf": Decimal(step)}}

    warehouse.send((1, {"fee": Decimal("4.20")}), types=types("0.01"))
    assert user_columns(warehouse) == {"fee": warehouse.decimal("", "DECIMAL(38,6)")[1]}
    warehouse.send((2, {"fee": Decimal("0.000000001")}), types=types("0.000000001"))
    four, type_name = warehouse.decimal("4.200000000", "DECIMAL(38,9)")
    assert user_columns(warehouse) == {"fee": type_name}
    assert warehouse.rows("bikes", "fee") == [("0.000000001",), (four,)]


@only_duckdb
def test_a_decimal_that_leaves_no_room_for_the_scale_is_refused(warehouse: Warehouse) -> None:
    """PostgreSQL's decimals are not bounded."""
    types = {"fee": {"type": "number", "multipleOf": Decimal("0.000000001")}}
    warehouse.send((2, {"fee": Decimal("0.000000001")}), types=types)
    loaded = warehouse.send((3, {"fee": 10**29}), types=types)
    assert warehouse.rejected()[0][1] == f"decimal out of range for DuckDB on {10**29}"
    assert loaded.counts.rejected == 1


@only_duckdb
def test_a_users_index_stops_a_split_with_a_cure(warehouse: Warehouse) -> None:
    """DuckDB cannot rename a column of an indexed table: the batch waits, and says for what."""
    warehouse.send((1, {"id": 1, "x": 1}), key=("id",))
    warehouse.run("CREATE INDEX mine ON bike_fleet.bikes (x)")
    sent = batch((2, {"id": 2, "x": "a"}), key=("id",), batch_id="late")
    with pytest.raises(LoadError, match="drop the index") as caught:
        warehouse.load(sent)
    assert caught.value.scope == "table"
    warehouse.send((3, {"id": 3, "x": 3}), key=("id",))  # what needs no rename still loads
    warehouse.run("DROP INDEX bike_fleet.mine")
    warehouse.load(sent)
    assert warehouse.rows("bikes", "id", "x__bi", "x__st") == [
        ("1", "1", None),
        ("2", None, "a"),
        ("3", "3", None),
    ]


def test_a_users_index_does_not_hinder_updates(warehouse: Warehouse) -> None:
    warehouse.send((1, {"id": 1, "x": 1}), (1, {"id": 2, "x": 2}), key=("id",))
    warehouse.run("CREATE INDEX mine ON bike_fleet.bikes (x)")
    warehouse.send((2, {"id": 1, "x": 2}), (2, {"id": 2, "x": 1}), (2, {"id": 3, "x": 1}), key=("id",))
    assert warehouse.rows("bikes", "id", "x") == [("1", "2"), ("2", "1"), ("3", "1")]


def test_without_its_ledger_the_loader_still_replaces_whole_rows(warehouse: Warehouse) -> None:
    warehouse.send((1, {"id": 1, "x": 1, "y": 1}), key=("id",))
    warehouse.run("DROP SCHEMA _stitchapp CASCADE")
    warehouse.send((2, {"id": 1, "z": 1}), key=("id",))
    warehouse.send((3, {"id": 1, "y": 2}), key=("id",))
    assert warehouse.rows("bikes", "x", "y", "z") == [(None, "2", None)]


def test_wide_records_load_and_are_replaced(warehouse: Warehouse) -> None:
    """A record may have 10,000 values; the ways that serve narrow tables take the square of the width."""
    width = 3_000 if warehouse.engine == "DuckDB" else 900  # a row must fit a page of 8 KB
    record = {f"c{number}": number for number in range(width - 4)} | {
        "f": Decimal("0.5"),
        "s": "é",
        "b": True,
    }
    for sequence in range(2):
        loaded = warehouse.send((sequence, {"id": 1, **record}), (sequence, {"id": 2}), key=("id",))
        assert loaded.counts.rejected == 0
    assert len(user_columns(warehouse)) == width
    assert warehouse.rows("bikes", "id", "c0", f"c{width - 5}", "f", "s", "b", "_sdc_sequence") == [
        ("1", "0", f"{width - 5}", "0.5", "é", "true", "1"),
        ("2", None, None, None, None, None, "1"),
    ]


def test_a_users_not_null_column_stops_the_table(warehouse: Warehouse) -> None:
    warehouse.send((1, {"id": 1, "x": 1}), key=("id",))
    warehouse.run("ALTER TABLE bike_fleet.bikes ALTER COLUMN x SET NOT NULL")
    with pytest.raises(LoadError, match="Drop the constraint"):
        warehouse.send((2, {"id": 2}), key=("id",))


@pytest.mark.parametrize(
    "column", ["_sdc_sequence", "_sdc_batched_at", "_sdc_received_at", "_sdc_table_version"]
)
def test_a_dropped_system_column_stops_the_table(warehouse: Warehouse, column: str) -> None:
    """DuckDB itself forbids it where there is a key."""
    warehouse.send((1, {"id": 1, "tags": [1]}), table="bikes")
    warehouse.run(f"ALTER TABLE bike_fleet.bikes DROP COLUMN {column}")
    with pytest.raises(LoadError, match=f"Column {column} is missing from table bikes"):
        warehouse.send((2, {"id": 2}), table="bikes")
