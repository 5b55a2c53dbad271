"""The ledger: a batch that a destination holds is recognised, and its counts are told again (D25)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from integrations.loading.outcomes import BatchCounts
from integrations.loading.table_loading import TableLoader
from tests.loading.conftest import MORNING, Warehouse, batch, only_duckdb


def test_a_retried_batch_is_recognised_and_told_again(warehouse: Warehouse) -> None:
    """I12: a load committed but never acknowledged adds nothing when it is tried again."""
    sent = batch((1, {"a": 1}), (2, {"a": 9223372036854775808}), batch_id="one")
    first, second = warehouse.load(sent), warehouse.load(sent)
    assert second.batches == first.batches == {"one": BatchCounts(inserted=1, rejected=1)}
    assert second.already_held == ["one"]
    assert (first.rows_loaded, second.rows_loaded, second.rows_held) == (1, 0, 1)
    assert [(table.name, table.row_count, table.rows_loaded) for table in second.tables] == [("bikes", 1, 0)]
    assert warehouse.query("SELECT count(*) FROM bike_fleet.bikes") == [(1,)]
    assert len(warehouse.rejected()) == 1


def test_only_what_is_not_held_is_loaded(warehouse: Warehouse) -> None:
    old, new = batch((1, {"a": 1}), batch_id="old"), batch((2, {"a": 2}), batch_id="new")
    warehouse.load(old)
    loaded = warehouse.load(old, new)
    assert loaded.batches == {"old": BatchCounts(inserted=1), "new": BatchCounts(inserted=1)}
    assert loaded.already_held == ["old"]
    assert warehouse.rows("bikes", "a") == [("1",), ("2",)]


@only_duckdb
def test_one_request_for_two_tables_is_held_for_each(warehouse: Warehouse) -> None:
    """Two spellings are one table in DuckDB, yet two parts of the request."""
    for table in ("Bikes", "bikes", "docks"):
        assert warehouse.load(batch((1, {"a": 1}), table=table, batch_id="push")).already_held == []
    assert warehouse.tables() == ["Bikes", "_sdc_rejected", "docks"]
    assert warehouse.query("SELECT count(*) FROM bike_fleet.bikes") == [(2,)]


def test_one_request_in_two_schemas_is_held_for_each(warehouse: Warehouse) -> None:
    sent = batch((1, {"a": 1}), batch_id="one")
    warehouse.load(sent)
    assert warehouse.load(sent, schema="other").already_held == []


def test_a_fault_before_the_commit_leaves_nothing(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I2: rows, structure, rejected records and ledger are one transaction."""
    warehouse.send((1, {"a": 1}))

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    sent = batch((2, {"a": "x", "new": [1, 2]}), batch_id="late")
    with monkeypatch.context() as patched, pytest.raises(ZeroDivisionError):
        patched.setattr(TableLoader, "_outcome", fail)
        warehouse.load(sent)
    assert warehouse.tables() == ["_sdc_rejected", "bikes"]
    assert warehouse.rows("bikes", "a") == [("1",)]
    assert warehouse.load(sent).already_held == []
    assert warehouse.rows("bikes", "a__bi", "a__st") == [("1", None), (None, "x")]


def test_entries_are_kept_thirty_days(warehouse: Warehouse) -> None:
    warehouse.send((1, {"a": 1}), at=MORNING)
    warehouse.send((2, {"a": 2}), at=MORNING + timedelta(days=30))
    assert warehouse.query("SELECT count(*) FROM _stitchapp.batches") == [(2,)]
    warehouse.send((3, {"a": 3}), at=MORNING + timedelta(days=30, seconds=1))
    assert warehouse.query("SELECT batch_id FROM _stitchapp.batches ORDER BY ALL") == [
        ("batch-2",),
        ("batch-3",),
    ]


def test_the_product_touches_only_its_own_schemas(warehouse: Warehouse) -> None:
    warehouse.run("CREATE SCHEMA mine; CREATE TABLE mine.bikes (a INTEGER)")
    warehouse.send((1, {"a": 1, "b": [1]}))
    assert warehouse.relations() == [
        ("_stitchapp", "batches"),
        ("_stitchapp", "columns"),
        ("_stitchapp", "tables"),
        ("bike_fleet", "_sdc_rejected"),
        ("bike_fleet", "bikes"),
        ("bike_fleet", "bikes__b"),
        ("mine", "bikes"),
    ]
    assert warehouse.query("SELECT count(*) FROM mine.bikes") == [(0,)]
