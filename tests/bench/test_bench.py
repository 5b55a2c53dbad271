"""The measurements can be run: each is there, and sends what it says."""

import importlib
import json
from itertools import pairwise

import pytest

from tests.bench.__main__ import MEASUREMENTS
from tests.bench.records import batch_bodies, records
from tests.bench.sender import Sending, Turns


@pytest.mark.parametrize("name", MEASUREMENTS)
def test_each_measurement_has_a_main(name):
    assert callable(importlib.import_module(f"tests.bench.{name}").main)


def test_a_tenth_of_the_records_are_updates():
    ids = [record["id"] for record in records(10_000)]
    assert 850 < len(ids) - len(set(ids)) < 1150


@pytest.mark.parametrize("between", [False, True])
def test_updates_touch_stored_rows_and_new_keys_are_new(between):
    stored = range(0, 10_000, 10)
    ids = [record["id"] for record in records(1000, stored=stored, between=between)]
    new = [identity for identity in ids if identity not in stored]
    assert 850 < len(new) < 950
    assert (
        all(identity < stored.stop for identity in new) if between else all(a < b for a, b in pairwise(new))
    )


def test_requests_go_to_so_many_tables_in_turn():
    names = [json.loads(body)["table_name"] for body in batch_bodies(4, 2, tables=2)]
    assert names == ["orders_0", "orders_1", "orders_0", "orders_1"]


def test_each_record_is_sent_once_when_so_many_are_asked_for():
    turns = Turns(Sending(0, "", batch_size=10, connections=1, seconds=0, records=30))
    taken = [turns.take() for _ in range(4)]
    assert [turn and turn[0] for turn in taken] == [0, 1, 2, None]
