"""Objects become columns, arrays sub tables (loading.md 4)."""

from __future__ import annotations

import pytest

from integrations.loading.errors import LoadError
from integrations.loading.outcomes import BatchCounts
from tests.loading.conftest import Warehouse, batch


def test_null_and_empty_objects_leave_columns_empty(warehouse: Warehouse) -> None:
    records = [
        (1, {"id": 1, "g": {"a": 1}}),
        (2, {"id": 2, "g": None}),
        (3, {"id": 3, "g": {}}),
        (4, {"id": 4}),
    ]
    assert warehouse.send(*records, key=("id",)).counts == BatchCounts(inserted=4)
    assert warehouse.rows("bikes", "id", "g__a") == [("1", "1"), ("2", None), ("3", None), ("4", None)]


def test_elements_without_values_keep_their_place(warehouse: Warehouse) -> None:
    warehouse.send((1, {"id": 1, "a": [{"x": 1}, None, {}, {"x": None}, {"x": 2}]}), key=("id",))
    assert warehouse.rows("bikes__a", "_sdc_level_0_id", "x") == [
        ("0", "1"),
        ("1", None),
        ("2", None),
        ("3", None),
        ("4", "2"),
    ]


def test_a_sub_table_needs_a_value(warehouse: Warehouse) -> None:
    loaded = warehouse.send((1, {"id": 1, "a": [None, {}], "b": []}), key=("id",))
    assert warehouse.tables() == ["_sdc_rejected", "bikes"]
    assert loaded.rows_loaded == 1


def test_arrays_of_arrays_have_no_table_in_the_middle(warehouse: Warehouse) -> None:
    warehouse.send((1, {"id": 1, "grid": [[1, 2], [], [[3]]]}), key=("id",))
    assert warehouse.tables() == [
        "_sdc_rejected",
        "bikes",
        "bikes__grid__value",
        "bikes__grid__value__value",
    ]
    assert warehouse.rows("bikes__grid__value", "_sdc_level_0_id", "_sdc_level_1_id", "value") == [
        ("0", "0", "1"),
        ("0", "1", "2"),
        ("2", "0", None),
    ]
    levels = [f"_sdc_level_{level}_id" for level in range(3)]
    assert warehouse.rows("bikes__grid__value__value", *levels, "value") == [("2", "0", "0", "3")]


def test_source_keys_point_to_the_root_with_every_key_column(warehouse: Warehouse) -> None:
    record = {"region": "EU", "nr": 7, "o": {"tags": [{"deep": [True]}]}}
    loaded = warehouse.send((3, record), key=("region", "nr"), version=4)
    sources = ["_sdc_source_key_nr", "_sdc_source_key_region"]
    assert warehouse.primary_key("bikes__o__tags__deep") == ["_sdc_level_0_id", "_sdc_level_1_id", *sources]
    system = ["_sdc_sequence", "_sdc_table_version", "_sdc_batched_at", "_sdc_received_at"]
    assert warehouse.rows("bikes__o__tags__deep", *sources, "value", *system[:2]) == [
        ("7", "EU", "true", "3", "4")
    ]
    assert warehouse.rows("bikes__o__tags__deep", *system) == warehouse.rows("bikes", *system)
    # Each table's parent is the one whose name it goes on from, written or not.
    assert [(table.name, table.parent) for table in loaded.tables] == [
        ("bikes", None),
        ("bikes__o__tags__deep", "bikes__o__tags"),
    ]


def test_a_refused_element_costs_itself_and_what_is_in_it(warehouse: Warehouse) -> None:
    legs = [{"km": 1, "stops": [1]}, {"km": 2**63, "stops": [2]}, {"k-m": 1, "km": 2}, {"km__st": 1}]
    loaded = warehouse.send((1, {"id": 1, "legs": legs}), key=("id",))
    assert loaded.counts == BatchCounts(inserted=1)
    assert warehouse.rows("bikes__legs", "_sdc_level_0_id", "km") == [("0", "1")]
    assert warehouse.rows("bikes__legs__stops", "value") == [("1",)]
    assert [row[:2] for row in warehouse.rejected()] == [
        ("bikes__legs", "Field collision on km"),
        ("bikes__legs", "column names from client should not include reserved datatype suffix on km__st"),
        ("bikes__legs", f"integer out of range for {warehouse.engine} on {2**63}"),
    ]
    assert [(table.name, table.rows_loaded, table.rows_rejected) for table in loaded.tables] == [
        ("bikes", 1, 0),
        ("bikes__legs", 1, 3),
        ("bikes__legs__stops", 1, 0),
    ]


def test_a_refused_record_leaves_no_sub_rows(warehouse: Warehouse) -> None:
    warehouse.send((1, {"id": 1, "tags": [1], "x__st": 1}), (2, {"id": 2}), key=("id",))
    assert warehouse.tables() == ["_sdc_rejected", "bikes"]


def test_a_loser_inside_the_load_leaves_no_sub_rows(warehouse: Warehouse) -> None:
    warehouse.send((2, {"id": 1, "tags": [1]}), (1, {"id": 1, "tags": [8, 9]}), key=("id",))
    assert warehouse.rows("bikes__tags", "value") == [("1",)]


def test_arrays_at_different_depths_do_not_share_a_table(warehouse: Warehouse) -> None:
    warehouse.send((1, {"id": 1, "a": {"b": [1]}}), (2, {"id": 2, "a": [{"b": [2]}]}), key=("id",))
    assert warehouse.rows("bikes__a__b", "value") == [("1",)]
    assert [row[:2] for row in warehouse.rejected()] == [
        ("bikes__a__b", "Table name collision on bikes__a__b")
    ]


def test_arrays_that_become_one_table_at_one_depth_do_not_break_its_key(warehouse: Warehouse) -> None:
    record = {"id": 1, "a": [{"b__value": [1]}], "a__b": [[2, 3]]}
    loaded = warehouse.send((1, record), key=("id",))
    assert loaded.counts == BatchCounts(inserted=1)
    assert warehouse.rows("bikes__a__b__value", "value") == [("1",), ("3",)]
    assert [row[1] for row in warehouse.rejected()] == ["Table name collision on bikes__a__b__value"]


def test_an_older_depth_of_an_existing_sub_table_stops_the_table(warehouse: Warehouse) -> None:
    warehouse.send((1, {"id": 1, "a": {"b": [1]}}), key=("id",))
    with pytest.raises(LoadError, match="Primary Keys for table do not match"):
        warehouse.send((2, {"id": 2, "a": [{"b": [2]}]}), key=("id",))


def test_a_key_name_too_long_for_sub_tables_costs_the_sub_rows(warehouse: Warehouse) -> None:
    key = "k" * (warehouse.capabilities.column_name_length - 15)
    loaded = warehouse.send((1, {key: 1, "tags": [5]}), key=(key,))
    assert loaded.counts == BatchCounts(inserted=1)
    assert warehouse.tables() == ["_sdc_rejected", "bikes"]
    assert warehouse.rejected()[0][:2] == (
        "bikes__tags",
        f"Column name _sdc_source_key_{key} is too long for {warehouse.engine}",
    )


def test_rows_written_for_a_batch_are_told_again_when_it_is_retried(warehouse: Warehouse) -> None:
    one = batch((1, {"id": 1, "tags": [1, 2]}), key=("id",), batch_id="one")
    two = batch((2, {"id": 1, "tags": [3]}), (2, {"id": 2, "tags": [4, 5, 6]}), key=("id",), batch_id="two")
    first = warehouse.load(one, two)
    assert first.counts == BatchCounts(inserted=2, superseded=1)
    assert first.rows_loaded == 2 + 4
    again = warehouse.load(two)
    assert (again.rows_loaded, again.rows_held) == (0, 6)
    assert warehouse.load(one).rows_held == 0
