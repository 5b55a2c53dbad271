"""What an account chooses about its destination: names on a split, leading digits, outdated sub rows (loading.md)."""

from __future__ import annotations

import dataclasses
from typing import Any

from tests.loading.conftest import Warehouse
from tests.loading.test_column_loading import (  # noqa: F401
    INTEGER,
    NUMBER,
    TEXT,
    Pair,
    body,
    few_records_are_enough,
    pair,
    ways,
)


def choose(warehouse: Warehouse, **chosen: bool) -> None:
    destination = warehouse.destination
    destination.capabilities = dataclasses.replace(destination.capabilities, **chosen)


def user_columns(warehouse: Warehouse, table: str = "bikes") -> list[str]:
    return [name for name in warehouse.columns(table) if not name.startswith("_sdc")]


def test_without_renaming_the_first_type_keeps_the_plain_name(warehouse: Warehouse) -> None:
    choose(warehouse, rename_original_on_split=False)
    warehouse.send((1, {"id": 1, "level": 15}), key=("id",))
    warehouse.send((2, {"id": 1, "level": 16.5}), (1, {"id": 2, "level": 7}), key=("id",))
    warehouse.send((3, {"id": 3, "level": "high"}), key=("id",))
    assert user_columns(warehouse) == ["id", "level", "level__do", "level__st"]
    assert warehouse.rows("bikes", "id", "level", "level__do", "level__st") == [
        ("1", None, "16.5", None),
        ("2", "7", None, None),
        ("3", None, None, "high"),
    ]


def test_a_choice_taken_back_renames_at_the_next_split(warehouse: Warehouse) -> None:
    choose(warehouse, rename_original_on_split=False)
    warehouse.send((1, {"level": 15}), (1, {"level": 16.5}))
    choose(warehouse, rename_original_on_split=True)
    warehouse.send((1, {"level": True}))
    assert user_columns(warehouse)[1:] == ["level__bi", "level__do", "level__bo"]
    choose(warehouse, rename_original_on_split=False)
    warehouse.send((1, {"level": 3}))
    assert user_columns(warehouse)[1:] == ["level__bi", "level__do", "level__bo"]


def test_digits_at_the_beginning_are_kept_where_that_was_chosen(warehouse: Warehouse) -> None:
    """The real columns that removal would let collide (loading.md A4)."""
    sent: dict[str, Any] = {"1d_click": 1, "7d_click": 2}
    assert warehouse.send((1, sent)).counts.rejected == 1
    choose(warehouse, keep_leading_digits=True)
    warehouse.send((1, sent), (1, {" 9": 3}))
    assert user_columns(warehouse)[:-1] == [" 9", "1d_click", "7d_click"]
    assert ("1", "2") in warehouse.rows("bikes", "1d_click", "7d_click")


BOOKING = {
    "id": 1,
    "labels": ["a", "b", "c"],
    "nights": [{"n": 1, "extras": [{"fee": 1}, {"fee": 2}]}, {"n": 2}],
}


def test_outdated_sub_rows_go_where_that_was_chosen(warehouse: Warehouse) -> None:
    other = BOOKING | {"id": 2}
    warehouse.send((1, BOOKING), (1, other), key=("id",))
    choose(warehouse, prunes_sub_rows=True)
    warehouse.send((2, {"id": 1, "labels": ["z"], "nights": [{"n": 3}]}), (0, {"id": 2}), key=("id",))
    key = "_sdc_source_key_id"
    assert warehouse.rows("bikes__labels", key, "value") == [
        ("1", "z"),
        ("2", "a"),
        ("2", "b"),
        ("2", "c"),
    ]
    assert warehouse.rows("bikes__nights", key, "n") == [("1", "3"), ("2", "1"), ("2", "2")]
    assert warehouse.rows("bikes__nights__extras", key, "fee") == [("2", "1"), ("2", "2")]
    warehouse.send((3, {"id": 2}), key=("id",))
    assert warehouse.rows("bikes__labels", key, "value") == [("1", "z")]


def test_outdated_sub_rows_stay_otherwise(warehouse: Warehouse) -> None:
    warehouse.send((1, BOOKING), key=("id",))
    warehouse.send((2, {"id": 1}), key=("id",))
    assert len(warehouse.rows("bikes__labels", "value")) == 3


def test_another_table_of_a_like_name_is_left_alone(warehouse: Warehouse) -> None:
    warehouse.send((1, {"id": 1}), key=("id",))
    warehouse.send((1, {"id": 1, "list": [1, 2]}), key=("id",), table="bikes__own")
    choose(warehouse, prunes_sub_rows=True)
    warehouse.send((9, {"id": 1}), key=("id",))
    assert len(warehouse.rows("bikes__own__list", "value")) == 2


def test_both_ways_follow_the_choices(pair: Pair, ways: list[str]) -> None:  # noqa: F811
    chosen = {"rename_original_on_split": False, "keep_leading_digits": True, "prunes_sub_rows": True}
    for warehouse in (pair.by_columns, pair.by_records):
        choose(warehouse, **chosen)
    tags = {"type": "array", "items": TEXT}
    key = ("id",)
    pair.load(
        body(
            {"id": INTEGER, "7d": INTEGER, "tags": tags}, (1, {"id": 1, "7d": 5, "tags": ["a", "b"]}), key=key
        )
    )
    pair.load(
        body({"id": INTEGER, "7d": NUMBER, "tags": tags}, (2, {"id": 1, "7d": 5.5, "tags": ["c"]}), key=key)
    )
    pair.load(body({"id": INTEGER}, (3, {"id": 1}), key=key))
    assert ways == ["columns"] * 3
    assert user_columns(pair.by_columns) == ["7d", "id", "7d__do"]
    assert pair.by_columns.rows("bikes__tags", "value") == []
