"""A rehearsal tells what the load then does: tables, columns, rows, rejects and errors, whatever is sent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations.loading.capabilities import DUCKDB
from integrations.loading.errors import Busy, LoadError
from integrations.loading.rehearsing import SHOWN_REJECTED, SHOWN_ROWS, Rehearsal, Standing, rehearse
from tests.loading.conftest import DuckDBWarehouse, Make, batch
from tests.loading.test_laws import EXAMPLES, JSON_VALUES, NAMES, TYPES

SCHEMA = "bike_fleet"
DUCKDB_NAMES = {"TIMESTAMPTZ": "TIMESTAMP WITH TIME ZONE"}


@pytest.fixture
def warehouse(duckdb_warehouse: DuckDBWarehouse) -> DuckDBWarehouse:
    return duckdb_warehouse


def rehearsed(warehouse: DuckDBWarehouse, *batches: Any) -> Rehearsal:
    warehouse.close()
    return warehouse.destination.rehearse(
        schema_name=SCHEMA, table_name=batches[0].table_name, batches=list(batches)
    )


def check_against_load(warehouse: DuckDBWarehouse, *batches: Any) -> Rehearsal:
    """Rehearse, then load the same, and compare everything that both tell."""
    told = rehearsed(warehouse, *batches)
    before = {name.lower() for name in warehouse.tables()} if warehouse.path.exists() else set()
    try:
        load = warehouse.load(*batches)
    except LoadError as error:
        assert told.error == error.message
        return told
    assert told.error == ""
    assert told.records == load.counts.accepted
    assert told.written == load.counts.inserted + load.counts.updated
    assert (told.superseded, told.rejected) == (load.counts.superseded, load.counts.rejected)
    assert sorted(told.rejections, key=repr) == sorted(load.rejections, key=repr)
    written = {table.name: table.rows_loaded for table in load.tables if table.rows_loaded}
    assert {table.name: table.row_count for table in told.tables if table.row_count} == written
    for table in told.tables:
        assert table.created == (table.name.lower() not in before)
        columns = [(column.name, column.type_name) for column in table.columns]
        named = [(name, DUCKDB_NAMES.get(type_name, type_name)) for name, type_name in columns]
        assert named == list(warehouse.columns(table.name).items())
        assert (list(table.key) or None) == warehouse.primary_key(table.name)
        added = [column.name for column in table.columns if column.state == "new" and not column.by_loader]
        loaded = next(loaded for loaded in load.tables if loaded.name == table.name)
        assert table.created or sorted(added) == sorted(loaded.new_columns)
        check_rows(warehouse, table.name, table.rows)
    return told


def check_rows(warehouse: DuckDBWarehouse, table: str, rows: list[dict[str, Any]]) -> None:
    """Find each row shown in the table; its decimals and times are text there."""
    for row in rows:
        where, values = [], []
        for name, value in row.items():
            where.append(f'"{name}" = CAST(? AS {warehouse.columns(table)[name]})')
            values.append(value)
        found = warehouse.reader.execute(  # type: ignore[union-attr]
            f'SELECT count(*) FROM {SCHEMA}."{table}" WHERE {" AND ".join(where)}', values
        ).fetchall()
        assert found[0][0] >= 1, (table, row)


@pytest.fixture
def rounds(warehouse: DuckDBWarehouse) -> Any:
    def run(*sent: dict[str, Any], **facts: Any) -> Rehearsal:
        number = next(warehouse.ids)
        records = [(number * 100 + index, data) for index, data in enumerate(sent)]
        return check_against_load(warehouse, batch(*records, batch_id=f"batch-{number}", **facts))

    return run


def states(told: Rehearsal, table: int = 0) -> dict[str, tuple[str, str, str]]:
    return {
        column.name: (column.type_name, column.state, column.before)
        for column in told.tables[table].columns
        if not column.by_loader
    }


def test_a_new_table_is_told_with_its_sub_tables(rounds):
    told = rounds({"id": 1, "guest": {"city": "Oslo"}, "labels": ["vip", "late"]}, key=("id",))
    assert [(table.name, table.parent, table.created, table.row_count) for table in told.tables] == [
        ("bikes", None, True, 1),
        ("bikes__labels", "bikes", True, 2),
    ]
    assert states(told) == {"guest__city": ("VARCHAR", "new", ""), "id": ("BIGINT", "new", "")}
    assert told.tables[1].key == ("_sdc_level_0_id", "_sdc_source_key_id")
    assert told.tables[1].rows[1] == {
        "_sdc_level_0_id": 1,
        "_sdc_source_key_id": 1,
        "_sdc_sequence": 100,
        "_sdc_table_version": 0,
        "value": "late",
    }


def test_a_split_names_the_renamed_and_the_new_column(rounds):
    rounds({"id": 1, "level": 15}, key=("id",))
    told = rounds({"id": 2, "level": "high"}, key=("id",))
    assert states(told) == {
        "id": ("BIGINT", "existing", ""),
        "level__bi": ("BIGINT", "renamed", "level"),
        "level__st": ("VARCHAR", "new", ""),
    }


def test_a_decimal_that_grows_names_its_former_type(rounds):
    types = {"fee": {"type": "number", "multipleOf": 0.01}}
    rounds({"fee": Decimal("4.5")}, types=types)
    told = rounds({"fee": Decimal("4.5")}, types={"fee": {"type": "number", "multipleOf": 1e-8}})
    assert states(told)["fee"] == ("DECIMAL(38,8)", "widened", "DECIMAL(38,6)")


def test_rejects_are_told_with_the_record_and_the_reason(rounds):
    told = rounds({"id": 1, "a": 2**63}, {"id": 2, "x__st": 1}, {"id": 3, "a": 1}, key=("id",))
    assert (told.written, told.rejected) == (1, 2)
    assert [(row.record, row.reason) for row in told.rejected_rows] == [
        ('{"id":1,"a":9223372036854775808}', "integer out of range for DuckDB on 9223372036854775808"),
        (
            '{"id":2,"x__st":1}',
            "column names from client should not include reserved datatype suffix on x__st",
        ),
    ]


def test_a_table_with_another_key_is_told_to_wait(rounds):
    rounds({"id": 1, "a": 1}, key=("id",))
    told = rounds({"id": 1, "a": 1}, key=("a",))
    assert told.error == "Primary Keys for table do not match Primary Keys of incoming data"
    assert (told.tables, told.written) == ([], 0)


def test_a_key_of_another_type_is_told_to_wait(rounds):
    rounds({"id": 1}, key=("id",))
    told = rounds({"id": "one"}, key=("id",))
    assert told.error == "Incoming Primary Key type does not match Primary Key type in existing table"


def test_older_records_than_the_stored_ones_are_superseded(warehouse):
    first = batch((5, {"id": 1, "a": 1}), (6, {"id": 2, "a": 1}), key=("id",), batch_id="1")
    check_against_load(warehouse, first)
    told = check_against_load(
        warehouse, batch((5, {"id": 1, "b": 1}), (7, {"id": 2, "a": 3}), key=("id",), batch_id="2")
    )
    assert (told.written, told.superseded) == (1, 1)
    assert "b" not in states(told)


def test_a_reserved_table_name_rejects_every_record(rounds):
    told = rounds({"id": 1}, {"id": 2}, table="_sdc_mine")
    assert (told.rejected, told.tables) == (2, [])
    assert told.rejections[0].reason == "Table name _sdc_mine uses a reserved prefix"


def test_nothing_but_nulls_makes_no_table(rounds):
    told = rounds({"a": None}, {"a": {}, "b": []})
    assert (told.tables, told.superseded) == ([], 2)


def test_an_activated_version_is_told(rounds):
    rounds({"id": 1}, key=("id",), version=1)
    told = rounds({"id": 1}, key=("id",), version=2, activates=2)
    assert told.activated_version == 2


def test_another_senders_table_of_the_same_name_is_told_to_wait(rounds):
    rounds({"id": 1}, table="bi-kes")
    assert rounds({"id": 1}, table="bikes").error == "Table name collision on bikes"


def test_what_is_shown_is_bounded(rounds):
    told = rounds(*({"id": number, "tags": [1, 2]} for number in range(40)), key=("id",))
    assert [len(table.rows) for table in told.tables] == [SHOWN_ROWS, SHOWN_ROWS]
    told = rounds(*({"id": number, "_sdc_x": 1} for number in range(60)), key=("id",))
    assert (told.rejected, len(told.rejected_rows)) == (60, SHOWN_REJECTED)


def test_nothing_is_written(warehouse):
    warehouse.send((1, {"id": 1}), key=("id",))
    before = warehouse.path.read_bytes()
    told = rehearsed(warehouse, batch((2, {"id": 1, "a": "x", "tags": [1]}), key=("id",), batch_id="2"))
    assert told.written == 1
    assert warehouse.path.read_bytes() == before


def test_without_a_file_everything_is_new_and_no_file_comes_into_being(warehouse):
    told = rehearsed(warehouse, batch((1, {"id": 1}), batch_id="1"))
    assert told.tables[0].created
    assert not warehouse.path.exists()


def test_a_file_of_a_users_own_without_the_ledger_is_read(warehouse):
    warehouse.run(
        "CREATE SCHEMA bike_fleet; CREATE TABLE bike_fleet.bikes (id BIGINT PRIMARY KEY, _sdc_batched_at "
        "TIMESTAMPTZ, _sdc_received_at TIMESTAMPTZ, _sdc_sequence BIGINT, _sdc_table_version BIGINT, a VARCHAR)"
    )
    told = check_against_load(warehouse, batch((1, {"id": 1, "a": 2}), key=("id",), batch_id="1"))
    assert states(told)["a__st"] == ("VARCHAR", "renamed", "a")


def test_a_file_that_is_being_written_says_so(warehouse, monkeypatch):
    warehouse.send((1, {"id": 1}))
    warehouse.close()
    monkeypatch.setattr("integrations.loading.destinations.duckdb.READER_WAITS_SECONDS", 0.0)
    with duckdb.connect(str(warehouse.path)), pytest.raises(Busy):
        rehearsed(warehouse, batch((2, {"id": 1}), batch_id="2"))


def test_without_a_look_at_the_destination_stored_rows_count_as_older():
    told = rehearse(
        [batch((1, {"id": 1}), key=("id",), batch_id="1")], standing=Standing(), capabilities=DUCKDB
    )
    assert told.written == 1


RECORDS = st.lists(st.dictionaries(NAMES, JSON_VALUES, max_size=5), min_size=1, max_size=5)
DECLARED = st.none() | st.just(TYPES)


@settings(max_examples=2 * EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(RECORDS, min_size=1, max_size=3), st.booleans(), st.data())
def test_whatever_a_push_brings_is_told_as_it_is_loaded(
    fresh_file: Make, rounds: list[list[dict[str, Any]]], keyed: bool, data: st.DataObject
) -> None:
    types = data.draw(DECLARED)
    with fresh_file() as warehouse:
        for number, records in enumerate(rounds):
            sequences = data.draw(st.permutations(range(number, number + len(records))))
            sent = [
                (sequence, {**record, "key": index} if keyed else record)
                for sequence, (index, record) in zip(sequences, enumerate(records), strict=True)
            ]
            key = ("key",) if keyed else ()
            check_against_load(warehouse, batch(*sent, key=key, types=types, batch_id=str(number)))
