"""Keys: one set of names and one type for ever, or the table stops (loading.md 5.1, 5.5)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from integrations.loading.errors import LoadError
from integrations.loading.outcomes import BatchCounts
from tests.loading.conftest import Warehouse, batch

MISMATCH = "Primary Keys for table do not match Primary Keys of incoming data"
TYPE_MISMATCH = "Incoming Primary Key type does not match Primary Key type in existing table"


@pytest.mark.parametrize("key", [(), ("a",), ("id", "a")])
def test_another_key_stops_the_table(warehouse: Warehouse, key: tuple[str, ...]) -> None:
    warehouse.send((1, {"id": 1, "a": 1}), key=("id",))
    with pytest.raises(LoadError, match=MISMATCH) as caught:
        warehouse.send((2, {"id": 2, "a": 2}), key=key)
    assert (caught.value.scope, caught.value.transient) == ("table", False)
    assert warehouse.rows("bikes", "id") == [("1",)]


def test_two_keys_in_one_load_stop_it(warehouse: Warehouse) -> None:
    one = batch((1, {"id": 1, "a": 1}), key=("id",), batch_id="push")
    two = batch((1, {"id": 1, "a": 1}), key=("a",), batch_id="push")
    with pytest.raises(LoadError, match=MISMATCH):
        warehouse.load(one, two)
    assert warehouse.load(one).batches == {"push": BatchCounts(inserted=1)}
    with pytest.raises(LoadError, match=MISMATCH):  # the other half is not taken for held
        warehouse.load(two)


def test_the_order_of_the_key_does_not_matter(warehouse: Warehouse) -> None:
    warehouse.send((1, {"b": 1, "a": 1, "x": 1}), key=("b", "a"))
    assert warehouse.primary_key("bikes") == ["a", "b"]
    assert warehouse.send((2, {"b": 1, "a": 1, "x": 2}), key=("a", "b")).counts == BatchCounts(updated=1)
    assert warehouse.send((1, {"b": 2, "a": 1, "x": 2}), key=("a", "b")).counts == BatchCounts(inserted=1)


@pytest.mark.parametrize("at_once", [True, False])
def test_another_type_of_key_stops_the_table(warehouse: Warehouse, at_once: bool) -> None:
    records = (1, {"id": 1}), (2, {"id": "a"})
    if at_once:
        with pytest.raises(LoadError, match=TYPE_MISMATCH):
            warehouse.send(*records, key=("id",))
        return
    warehouse.send(records[0], key=("id",))
    with pytest.raises(LoadError, match=TYPE_MISMATCH):
        warehouse.send(records[1], key=("id",))


def test_a_table_without_key_is_appended_to_whatever_comes(warehouse: Warehouse) -> None:
    warehouse.send((1, {"id": 1}))
    loaded = warehouse.send((1, {"id": 1, "tags": [1]}), (2, {"id": 1, "tags": [2]}), key=("id",))
    assert loaded.counts == BatchCounts(inserted=2)
    assert warehouse.rows("bikes", "id") == [("1",)] * 3
    assert warehouse.primary_key("bikes__tags") == ["_sdc_level_0_id", "_sdc_source_key___sdc_primary_key"]
    joined = (
        "SELECT value FROM bike_fleet.bikes__tags s JOIN bike_fleet.bikes r "
        "ON r.__sdc_primary_key = s._sdc_source_key___sdc_primary_key ORDER BY ALL"
    )
    assert warehouse.query(joined) == [(1,), (2,)]


@pytest.mark.parametrize(
    ("one", "same", "types"),
    [
        (Decimal("0.1"), Decimal("0.10000000000000000001"), {"type": "number"}),
        (15, Decimal("15.0"), {"type": "number"}),
        ("2024-04-30T08:00:00+02:00", "2024-04-30T06:00:00Z", {"type": "string", "format": "date-time"}),
        (Decimal("1.50"), Decimal("1.5"), {"type": "number", "multipleOf": Decimal("0.01")}),
        (True, True, {"type": "boolean"}),
        ("é", "é", {"type": "string"}),
        ("-4000-01-01", "-4000-01-01T00:00:00Z", {"type": "string", "format": "date-time"}),
    ],
)
def test_equal_keys_of_any_type_are_one_row(
    warehouse: Warehouse, one: object, same: object, types: dict[str, object]
) -> None:
    facts = {"key": ("id",), "types": {"id": types}}
    loaded = warehouse.send((1, {"id": one}), (2, {"id": same}), **facts)
    assert loaded.counts == BatchCounts(inserted=1, superseded=1)
    assert warehouse.send((3, {"id": one}), **facts).counts == BatchCounts(updated=1)


def test_of_equal_sequences_the_later_wins_in_a_load_and_the_stored_against_it(warehouse: Warehouse) -> None:
    """A9: so a request that is sent twice changes nothing."""
    loaded = warehouse.send((1, {"id": 1, "x": "first"}), (1, {"id": 1, "x": "later"}), key=("id",))
    assert loaded.counts == BatchCounts(inserted=1, superseded=1)
    assert warehouse.rows("bikes", "x") == [("later",)]
    assert warehouse.send((1, {"id": 1, "x": "again"}), key=("id",)).counts == BatchCounts(superseded=1)
    assert warehouse.rows("bikes", "x") == [("later",)]


def test_a_row_of_the_users_own_gives_way(warehouse: Warehouse) -> None:
    warehouse.send((1, {"id": 1}), key=("id",))
    warehouse.run("INSERT INTO bike_fleet.bikes (id) VALUES (2)")
    assert warehouse.send((-5, {"id": 2, "x": 1}), key=("id",)).counts == BatchCounts(updated=1)


def test_I4_sequences_are_exact_to_the_last_of_64_bits(warehouse: Warehouse) -> None:
    top = 2**63 - 1
    warehouse.send((top - 1, {"id": 1, "x": "a"}), key=("id",))
    assert warehouse.send((top, {"id": 1, "x": "b"}), key=("id",)).counts == BatchCounts(updated=1)
    assert warehouse.rows("bikes", "_sdc_sequence", "x") == [(str(top), "b")]


def test_a_record_without_its_key_is_refused(warehouse: Warehouse) -> None:
    """The API refuses these; one that came through all the same must not stop the table."""
    loaded = warehouse.send((1, {"x": 1}), (2, {"id": None, "x": 1}), (3, {"id": 1}), key=("id",))
    assert loaded.counts == BatchCounts(inserted=1, rejected=2)
    assert {row[1] for row in warehouse.rejected()} == {"Record is missing key property id"}


def test_generated_keys_are_the_same_for_a_retry_and_differ_otherwise(warehouse: Warehouse) -> None:
    warehouse.send((1, {"a": 1}), (1, {"a": 1}), batch_id="5d0c4ab5-5a20-4c0b-9d7a-0c4f0a5d0001")
    keys = warehouse.rows("bikes", "__sdc_primary_key")
    assert len(set(keys)) == 2
    assert all(key[0][14] == "5" for key in keys)  # UUID version 5
