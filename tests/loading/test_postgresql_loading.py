"""Loading into PostgreSQL where it is not like DuckDB: rows it refuses, locks, rights, and what its users may do."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from integrations.loading.destinations import postgresql, postgresql_schema
from integrations.loading.destinations.postgresql import PostgreSQLDestination
from integrations.loading.errors import Busy, LoadError, UnknownTable
from integrations.loading.outcomes import BatchCounts, TableLoad
from tests.loading.conftest import MORNING, PostgreSQLWarehouse, batch


@pytest.fixture
def warehouse(postgresql_warehouse: PostgreSQLWarehouse) -> PostgreSQLWarehouse:
    return postgresql_warehouse


def test_rows_that_only_the_server_refuses_are_rejected_with_its_words(
    warehouse: PostgreSQLWarehouse,
) -> None:
    """7.1: any data error of the engine costs its record alone, the sub rows of that record with it."""
    warehouse.send((1, {"id": 0, "a": "x", "tags": [0]}), key=("id",))
    warehouse.run("ALTER TABLE bike_fleet.bikes ALTER COLUMN a TYPE varchar(3)")
    records = [(2, {"id": number, "a": "x" * (number % 5 + 1), "tags": [number]}) for number in range(1, 21)]
    loaded = warehouse.send(*records, key=("id",))
    assert loaded.counts == BatchCounts(inserted=12, rejected=8)
    assert {row[1] for row in warehouse.rejected()} == {"value too long for type character varying(3)"}
    assert [refused.message.index for refused in loaded.refused] == [2, 3, 7, 8, 12, 13, 17, 18]
    assert warehouse.query("SELECT count(*), max(length(a)) FROM bike_fleet.bikes") == [(13, 3)]
    assert warehouse.query("SELECT count(*) FROM bike_fleet.bikes__tags") == [(13,)]


def test_a_sub_row_that_the_server_refuses_costs_its_record(warehouse: PostgreSQLWarehouse) -> None:
    warehouse.send((1, {"id": 0, "tags": ["x"]}), key=("id",))
    warehouse.run("ALTER TABLE bike_fleet.bikes__tags ALTER COLUMN value TYPE varchar(3)")
    loaded = warehouse.send((2, {"id": 1, "tags": ["long"]}), (2, {"id": 2, "tags": ["ok"]}), key=("id",))
    assert loaded.counts == BatchCounts(inserted=1, rejected=1)
    assert warehouse.rows("bikes", "id") == [("0",), ("2",)]
    assert warehouse.rows("bikes__tags", "value") == [("ok",), ("x",)]


def test_a_key_too_large_for_an_index_is_rejected(warehouse: PostgreSQLWarehouse) -> None:
    large = "".join(chr(0x4E00 + number * 7 % 20_000) for number in range(1_024))  # 3 bytes each
    loaded = warehouse.send((1, {"id": large}), (1, {"id": "a"}), key=("id",))
    assert loaded.counts == BatchCounts(inserted=1, rejected=1)
    assert "exceeds btree version 4 maximum 2704" in warehouse.rejected()[0][1]


def test_a_row_too_large_for_a_page_is_rejected(warehouse: PostgreSQLWarehouse) -> None:
    loaded = warehouse.send((1, {f"c{number}": number for number in range(1_200)}), (2, {"c0": 1}))
    assert loaded.counts == BatchCounts(inserted=1, rejected=1)
    assert "row is too big" in warehouse.rejected()[0][1]


@pytest.mark.parametrize(("width", "counts"), [(1_595, "inserted"), (1_596, "rejected")])
def test_a_table_has_at_most_1600_columns(warehouse: PostgreSQLWarehouse, width: int, counts: str) -> None:
    """Without a key five of them are the loader's."""
    loaded = warehouse.send((1, {f"c{number}": True for number in range(width)}))
    assert loaded.counts == BatchCounts(**{counts: 1})
    if counts == "rejected":
        assert [row[:2] for row in warehouse.rejected()] == [("bikes", "ERROR: too many columns")]


def test_dropped_columns_count(warehouse: PostgreSQLWarehouse) -> None:
    warehouse.send((1, {f"c{number}": True for number in range(1_595)}))
    warehouse.run("ALTER TABLE bike_fleet.bikes DROP COLUMN c0")
    assert warehouse.send((2, {"new": 1})).counts == BatchCounts(rejected=1)
    assert warehouse.send((3, {"c1": True})).counts == BatchCounts(inserted=1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("ALTER TABLE bike_fleet.bikes ADD COLUMN mine int NOT NULL DEFAULT 1", None),
        ("ALTER TABLE bike_fleet.bikes ADD CHECK (x < 5)", "constraint, index or trigger of your own"),
        ("CREATE UNIQUE INDEX mine ON bike_fleet.bikes (x)", "constraint, index or trigger of your own"),
        ("ALTER TABLE bike_fleet.bikes ALTER COLUMN y SET NOT NULL", "Drop the constraint"),
        ("CREATE VIEW bike_fleet.v AS SELECT x FROM bike_fleet.bikes", None),
        ("CREATE INDEX mine ON bike_fleet.bikes (x)", None),
    ],
)
def test_what_users_make_is_respected(warehouse: PostgreSQLWarehouse, change: str, words: str | None) -> None:
    warehouse.send((1, {"id": 1, "x": 1, "y": 1}), (1, {"id": 2, "x": 3, "y": 1}), key=("id",))
    warehouse.run(change)
    records = [(2, {"id": 2, "x": 9}), (2, {"id": 3, "x": 9, "z": 1}), (2, {"id": 4, "x": "split"})]
    if words is None:
        assert warehouse.send(*records, key=("id",)).counts == BatchCounts(inserted=2, updated=1)
        return
    with pytest.raises(LoadError, match=words) as caught:
        warehouse.send(*records, key=("id",))
    assert (caught.value.scope, caught.value.transient) == ("table", False)
    assert "z" not in warehouse.columns("bikes")
    assert warehouse.rows("bikes", "id", "_sdc_sequence") == [("1", "1"), ("2", "1")]


def test_a_dropped_key_makes_loads_append(warehouse: PostgreSQLWarehouse) -> None:
    warehouse.send((1, {"id": 1, "x": 1}), key=("id",))
    warehouse.run("ALTER TABLE bike_fleet.bikes DROP CONSTRAINT bikes_pkey")
    sent = batch((2, {"id": 1, "x": 2}), key=("id",), batch_id="late")
    warehouse.load(sent)
    assert warehouse.load(sent).already_held == ["late"]
    assert warehouse.rows("bikes", "id", "x") == [("1", "1"), ("1", "2")]


def test_a_dropped_key_column_makes_loads_append(warehouse: PostgreSQLWarehouse) -> None:
    warehouse.send((1, {"id": 1, "x": 1}), key=("id",))
    warehouse.run("ALTER TABLE bike_fleet.bikes DROP COLUMN id")
    warehouse.send((2, {"id": 1, "x": 2}), key=("id",))
    assert warehouse.rows("bikes", "id", "x") == [("1", "2"), (None, "1")]


def entered_as(warehouse: PostgreSQLWarehouse, server: Any, *grants: str) -> PostgreSQLDestination:
    """Enter the warehouse's database as another user, who was given these rights."""
    other = server.make_database()
    for grant in grants:
        server.run(grant.format(user=other["username"]), database=warehouse.settings.database)
    return PostgreSQLDestination(
        replace(warehouse.settings, user=other["username"], password=other["password"])
    )


def load(destination: PostgreSQLDestination, batch_id: str = "other", **data: Any) -> TableLoad:
    return destination.load(
        schema_name="bike_fleet",
        table_name="bikes",
        batches=[batch((5, {"id": 1} | data), key=("id",), batch_id=batch_id)],
        batched_at=MORNING,
    )


def test_missing_rights_say_what_waits(warehouse: PostgreSQLWarehouse, warehouse_server: Any) -> None:
    nobody = entered_as(warehouse, warehouse_server)
    with pytest.raises(LoadError, match="Encountered error while attempting to create new schema") as caught:
        load(nobody)
    assert caught.value.scope == "destination"
    warehouse.send((1, {"id": 1, "x": 1}), key=("id",))
    own = (
        "GRANT USAGE ON SCHEMA bike_fleet, _stitchapp TO {user}",
        "GRANT ALL ON ALL TABLES IN SCHEMA _stitchapp TO {user}",
    )
    reader = entered_as(warehouse, warehouse_server, *own)
    with pytest.raises(LoadError, match="ERROR: permission denied for table bikes") as caught:
        load(reader)
    assert (caught.value.scope, caught.value.transient) == ("table", False)
    writer = entered_as(
        warehouse, warehouse_server, *own, "GRANT ALL ON ALL TABLES IN SCHEMA bike_fleet TO {user}"
    )
    assert load(writer, x=2).counts == BatchCounts(updated=1)
    with pytest.raises(LoadError, match="ERROR: must be owner of table bikes") as caught:
        load(writer, batch_id="wider", id=2, y=1)
    assert (caught.value.scope, caught.value.transient) == ("table", False)


def test_a_locked_table_is_waited_for_and_then_left(
    warehouse: PostgreSQLWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse.send((1, {"id": 1}), key=("id",))
    monkeypatch.setattr(postgresql, "SESSION", "SET lock_timeout = '50ms'")
    with psycopg.connect(**warehouse.settings.parameters()) as other:
        other.execute("LOCK TABLE bike_fleet.bikes IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(LoadError, match="Another session holds the table") as caught:
            warehouse.send((2, {"id": 1, "new": 1}), key=("id",), batch_id="late")
        assert (caught.value.scope, caught.value.transient) == ("table", True)
    assert warehouse.send((2, {"id": 1, "new": 1}), key=("id",), batch_id="late").counts.updated == 1


def test_one_table_is_never_loaded_by_two(
    warehouse: PostgreSQLWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A loader whose lease ran out may still be at work: the second waits for it, and finds its batch held."""
    sent = batch((1, {"x": 1}), batch_id="one")
    loading, go_on = threading.Event(), threading.Event()

    def pause(_: TableLoad) -> None:
        loading.set()
        assert go_on.wait(30)

    def first() -> None:
        warehouse.destination.load(
            schema_name="bike_fleet",
            table_name="bikes",
            batches=[sent],
            batched_at=MORNING,
            before_commit=pause,
        )

    slow = threading.Thread(target=first)
    slow.start()
    assert loading.wait(30)
    seen: list[TableLoad] = []
    second = threading.Thread(target=lambda: seen.append(warehouse.load(sent)))
    second.start()
    while not warehouse.query("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"):
        assert second.is_alive()
    assert warehouse.send((1, {"y": 1}), table="docks").counts.inserted == 1  # another table does not wait
    go_on.set()
    slow.join(30)
    second.join(30)
    assert seen[0].already_held == ["one"]
    assert warehouse.rows("bikes", "x") == [("1",)]


def test_I12_a_backend_that_is_killed_before_the_commit_leaves_nothing(
    warehouse: PostgreSQLWarehouse, warehouse_server: Any
) -> None:
    warehouse.send((1, {"id": 1}), key=("id",))
    sent = batch((2, {"id": 1, "new": 1, "tags": [1]}), key=("id",), batch_id="late")

    def kill(_: TableLoad) -> None:
        warehouse_server.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'stitchapp' "
            f"AND datname = '{warehouse.settings.database}' AND state = 'idle in transaction'"
        )

    with pytest.raises(LoadError) as caught:
        warehouse.destination.load(
            schema_name="bike_fleet",
            table_name="bikes",
            batches=[sent],
            batched_at=MORNING,
            before_commit=kill,
        )
    assert (caught.value.scope, caught.value.transient) == ("destination", True)
    assert warehouse.tables() == ["_sdc_rejected", "bikes"]
    assert warehouse.load(sent).already_held == []
    assert warehouse.rows("bikes", "id", "new") == [("1", "1")]


def test_a_connection_lost_at_the_commit_is_decided_by_the_ledger(
    warehouse: PostgreSQLWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commit reached the server, its answer did not: the next try adds nothing, also without a key."""
    sent = batch((1, {"x": 1}), batch_id="one")
    real = postgresql.connected

    class Lost:
        def __init__(self, *given: Any, **more: Any) -> None:
            self.inner = real(*given, **more)

        def __enter__(self) -> Any:
            return self.inner.__enter__()

        def __exit__(self, *raised: Any) -> None:
            self.inner.__exit__(*raised)
            raise psycopg.OperationalError("server closed the connection unexpectedly")

    with monkeypatch.context() as patched:
        patched.setattr(postgresql, "connected", Lost)
        with pytest.raises(LoadError) as caught:
            warehouse.load(sent)
    assert (caught.value.scope, caught.value.transient) == ("destination", True)
    assert warehouse.load(sent).already_held == ["one"]
    assert warehouse.rows("bikes", "x") == [("1",)]


@pytest.mark.parametrize(
    ("changes", "words", "transient"),
    [
        ({"password": "wrong"}, "password authentication failed", False),
        ({"database": "nothing"}, 'database "nothing" does not exist', False),
        ({"host": "127.0.0.1", "port": 1}, "Connection refused. Check that the hostname and port", True),
    ],
)
def test_what_keeps_a_load_from_its_server(
    warehouse: PostgreSQLWarehouse, changes: dict[str, Any], words: str, transient: bool
) -> None:
    with pytest.raises(LoadError, match=words) as caught:
        load(PostgreSQLDestination(replace(warehouse.settings, **changes)))
    assert (caught.value.scope, caught.value.transient) == ("destination", transient)


def test_a_load_is_durable_whatever_the_database_is_set_to(
    warehouse: PostgreSQLWarehouse, warehouse_server: Any
) -> None:
    """I1: the queue lets go of a batch after the commit."""
    warehouse_server.run(f"ALTER ROLE {warehouse.settings.user} SET synchronous_commit = off")
    found: list[Any] = []

    class Watched(postgresql_schema.PostgreSQLSchema):
        def prepare(self) -> None:
            found.append(self.execute("SHOW synchronous_commit", []))
            super().prepare()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(postgresql, "PostgreSQLSchema", Watched)
        warehouse.send((1, {"x": 1}))
    warehouse_server.run(f"ALTER ROLE {warehouse.settings.user} RESET synchronous_commit")
    assert found == [[("on",)]]


def test_the_newest_rows_come_first(warehouse: PostgreSQLWarehouse) -> None:
    for number in range(3):
        warehouse.send((number, {"id": number, "a": "é" * 2_000}), key=("id",))
    preview = warehouse.destination.preview(schema_name="bike_fleet", table="bikes", limit=2)
    place = [name for name, _ in preview.columns].index("id")
    assert [row[place] for row in preview.rows] == ["2", "1"]
    assert {len(row[place - 1] or "") for row in preview.rows} == {1_000}
    with pytest.raises(UnknownTable):
        warehouse.destination.preview(schema_name="bike_fleet", table="nothing")


def test_a_large_table_is_neither_counted_nor_sorted_whole(
    warehouse: PostgreSQLWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse.send(*((number, {"id": number, "a": "x" * 90}) for number in range(5_000)), key=("id",))
    monkeypatch.setattr(postgresql_schema, "COUNTED_BYTES", 0)
    monkeypatch.setattr("integrations.loading.destinations.postgresql_preview.SORTED_BLOCKS", 5)
    warehouse.run("ANALYZE bike_fleet.bikes")
    loaded = warehouse.send((9_999, {"id": 9_999, "a": "new"}), key=("id",))
    assert 4_900 < loaded.tables[0].row_count < 5_200
    preview = warehouse.destination.preview(schema_name="bike_fleet", table="bikes", limit=1)
    assert "new" in preview.rows[0]


def test_a_reader_is_told_that_a_locked_table_is_busy(
    warehouse: PostgreSQLWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse.send((1, {"id": 1}), key=("id",))
    monkeypatch.setattr(postgresql, "READ_SECONDS", 0.2)
    with psycopg.connect(**warehouse.settings.parameters()) as other:
        other.execute("LOCK TABLE bike_fleet.bikes IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(Busy):
            warehouse.destination.preview(schema_name="bike_fleet", table="bikes")
