"""Table versions: a full run replaces the one before it when it is activated (loading.md 5.6)."""

from __future__ import annotations

from integrations.loading.outcomes import BatchCounts
from tests.loading.conftest import Warehouse


def test_activation_removes_older_rows_from_root_and_sub_tables(warehouse: Warehouse) -> None:
    facts = {"key": ("id",)}
    warehouse.send((1, {"id": 1, "tags": [1]}), (2, {"id": 2, "tags": [2]}), version=100, **facts)
    loaded = warehouse.send((3, {"id": 2, "tags": [3]}), version=200, **facts)
    assert not loaded.new_version
    assert warehouse.rows("bikes", "id", "_sdc_table_version") == [("1", "100"), ("2", "200")]
    loaded = warehouse.send(version=200, activates=200, **facts)
    assert (loaded.new_version, loaded.table_version, loaded.counts) == (True, 200, BatchCounts())
    assert warehouse.rows("bikes", "id", "_sdc_table_version") == [("2", "200")]
    assert warehouse.rows("bikes__tags", "_sdc_source_key_id", "value") == [("2", "3")]


def test_records_and_activation_in_one_batch(warehouse: Warehouse) -> None:
    warehouse.send((1, {"a": 1}), version=1)
    loaded = warehouse.send((1, {"a": 2}), version=2, activates=2)
    assert loaded.counts == BatchCounts(inserted=1)
    assert warehouse.rows("bikes", "a") == [("2",)]


def test_records_of_an_older_version_are_dropped(warehouse: Warehouse) -> None:
    warehouse.send((1, {"a": 1}), version=5, activates=5)
    loaded = warehouse.send((2, {"a": 2}), version=4, activates=4)
    assert loaded.counts == BatchCounts(superseded=1)
    assert not loaded.new_version
    assert warehouse.rows("bikes", "a") == [("1",)]


def test_a_batch_without_version_belongs_to_the_active_one(warehouse: Warehouse) -> None:
    warehouse.send((1, {"a": 1}))
    warehouse.send((1, {"a": 2}), version=7, activates=7)
    warehouse.send((1, {"a": 3}))
    warehouse.send((1, {"a": 4}), version=0)  # the Java client's way to say none
    assert warehouse.rows("bikes", "a", "_sdc_table_version") == [("2", "7"), ("3", "7"), ("4", "7")]


def test_activation_of_the_active_or_of_none_does_nothing(warehouse: Warehouse) -> None:
    warehouse.send((1, {"a": 1}), version=3)
    for version in (3, 2, 0):
        assert not warehouse.send(activates=version).new_version
    assert warehouse.rows("bikes", "a") == [("1",)]


def test_activation_for_a_table_that_does_not_exist_is_remembered(warehouse: Warehouse) -> None:
    loaded = warehouse.send(activates=9, key=("id",))
    assert loaded.tables == []
    assert warehouse.send((1, {"id": 1}), key=("id",), version=8).counts == BatchCounts(superseded=1)
    assert warehouse.send((1, {"id": 1}), key=("id",), version=9).counts == BatchCounts(inserted=1)


def test_a_lower_sequence_of_the_new_version_is_not_lost(warehouse: Warehouse) -> None:
    """A row that is about to go does not stand in the way of the one that replaces it."""
    warehouse.send((10, {"id": 1, "x": "old"}), key=("id",), version=1)
    loaded = warehouse.send((5, {"id": 1, "x": "new"}), key=("id",), version=2, activates=2)
    assert loaded.counts == BatchCounts(updated=1)
    assert warehouse.rows("bikes", "x") == [("new",)]
