"""One file and several processes: a load waits, a page says so, and nothing is lost (D23)."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from integrations.loading.destinations.duckdb import DuckDBDestination
from integrations.loading.errors import Busy, LoadError, UnknownTable
from integrations.loading.outcomes import TableOverview
from tests.loading.conftest import MORNING, DuckDBWarehouse, batch

ROOT = Path(__file__).parents[2]
HOLD = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"


@pytest.fixture
def warehouse(duckdb_warehouse: DuckDBWarehouse) -> DuckDBWarehouse:
    return duckdb_warehouse


@contextmanager
def held(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Keep the file open in another process."""
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield process
        if not process.stdin.closed:
            process.stdin.close()


def test_a_load_gives_up_on_a_held_file_and_may_be_tried_again(warehouse: DuckDBWarehouse) -> None:
    warehouse.send((1, {"a": 1}))
    sent = batch((2, {"a": 2}), batch_id="late")
    with held(warehouse.path):
        with pytest.raises(LoadError) as caught:
            warehouse.load(sent)
        assert caught.value.transient
        assert caught.value.scope == "destination"
        with pytest.raises(Busy):
            warehouse.destination.preview(schema_name="bike_fleet", table="bikes")
    assert warehouse.load(sent).rows_loaded == 1


def test_a_load_waits_for_whoever_lets_go_in_time(warehouse: DuckDBWarehouse) -> None:
    warehouse.send((1, {"a": 1}))
    patient = DuckDBDestination(warehouse.path, wait_seconds=60)
    with held(warehouse.path) as process:
        assert process.stdin is not None
        timer = threading.Timer(0.3, process.stdin.close)
        timer.start()
        loaded = patient.load(
            schema_name="bike_fleet",
            table_name="bikes",
            batches=[batch((2, {"a": 2}), batch_id="late")],
            batched_at=MORNING,
        )
        timer.join()
    assert loaded.rows_loaded == 1


def test_a_reader_waits_a_second_at_most(warehouse: DuckDBWarehouse) -> None:
    warehouse.send((1, {"a": 1}))
    with held(warehouse.path):
        started = time.monotonic()
        with pytest.raises(Busy):
            warehouse.destination.tables("bike_fleet")
        assert 0.5 < time.monotonic() - started < 30  # the machine may be slow, the waiting is bounded


KILLED = """
import pathlib, sys, datetime
from integrations.loading.batches import Message, TableBatch
from integrations.loading.destinations.duckdb import DuckDBDestination
now = datetime.datetime.now(datetime.UTC)
destination = DuckDBDestination(pathlib.Path(sys.argv[1]))
print("ready", flush=True)
for number in range(int(sys.argv[2]), 1000):
    messages = [Message(i, "upsert", number, {"n": number, "tags": [i]}) for i in range(50)]
    batches = [TableBatch(f"batch-{number}", "bikes", now, (), None, messages)]
    destination.load(schema_name="bike_fleet", table_name="bikes", batches=batches, batched_at=now)
    print(number, flush=True)
"""


def test_I1_a_loader_killed_at_any_moment_leaves_whole_loads(warehouse: DuckDBWarehouse) -> None:
    """What it said it loaded is there; what it was at is there whole, with its entry in the ledger, or not."""
    said = 0
    for pause in (0.05, 0.15, 0.3):
        command = [sys.executable, "-c", KILLED, str(warehouse.path), str(said + 1)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            said = int(process.stdout.readline())
            time.sleep(pause)
            process.kill()
            said = max([said, *map(int, process.stdout.read().split())])
        held = [row[0] for row in warehouse.query("SELECT batch_id FROM _stitchapp.batches")]
        whole = warehouse.query("SELECT 'batch-' || n, count(*) FROM bike_fleet.bikes GROUP BY n ORDER BY n")
        assert sorted(held) == sorted(name for name, _ in whole)
        assert {count for _, count in whole} == {50}
        assert warehouse.query("SELECT count(*) FROM bike_fleet.bikes__tags") == [(50 * len(whole),)]
        assert {f"batch-{number}" for number in range(1, said + 1)} <= set(held)
        warehouse.close()


def test_a_file_that_is_no_warehouse_holds_up_the_destination(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    path.write_bytes(b"no warehouse" * 1000)
    with pytest.raises(LoadError) as caught:
        DuckDBWarehouse(path).send((1, {"a": 1}))
    assert (caught.value.scope, caught.value.transient) == ("destination", False)


def test_the_first_load_makes_the_folder_and_the_file(tmp_path: Path) -> None:
    warehouse = DuckDBWarehouse(tmp_path / "deep" / 'we"ird; name' / "41.duckdb")
    assert warehouse.destination.tables("bike_fleet") == []
    with pytest.raises(UnknownTable):
        warehouse.destination.preview(schema_name="bike_fleet", table="bikes")
    warehouse.send((1, {"a": 1}))
    assert warehouse.rows("bikes", "a") == [("1",)]
    warehouse.close()


def test_a_file_named_like_the_schema_is_no_riddle(tmp_path: Path) -> None:
    warehouse = DuckDBWarehouse(tmp_path / "bike_fleet.duckdb")
    warehouse.send((1, {"a": 1, "b": [1]}), table="bike_fleet")
    assert warehouse.query("SELECT a FROM bike_fleet.bike_fleet.bike_fleet") == [(1,)]
    warehouse.close()


def test_nothing_is_left_beside_the_file(warehouse: DuckDBWarehouse) -> None:
    warehouse.send(*((number, {"a": "x" * 100, "b": [number]}) for number in range(6_000)))
    warehouse.close()
    assert [path.name for path in warehouse.path.parent.iterdir()] == ["warehouse.duckdb"]


def test_preview_shows_the_newest_rows_as_text(warehouse: DuckDBWarehouse) -> None:
    for day in range(3):
        warehouse.send(
            (1, {"n": day, "s": None}), (2, {"n": day, "s": "x" * 2_000}), at=MORNING + timedelta(days=day)
        )
    preview = warehouse.destination.preview(schema_name="bike_fleet", table="BIKES", limit=3)
    names = [name for name, _ in preview.columns]
    assert names == list(warehouse.columns("bikes"))
    rows = [dict(zip(names, row, strict=True)) for row in preview.rows]
    assert [(row["n"], row["_sdc_sequence"], row["_sdc_batched_at"]) for row in rows] == [
        ("2", "2", "2024-05-03 10:00:00+00"),
        ("2", "1", "2024-05-03 10:00:00+00"),
        ("1", "2", "2024-05-02 10:00:00+00"),
    ]
    assert rows[0]["s"] == "x" * 1_000
    assert rows[1]["s"] is None


@pytest.mark.parametrize("table", ["nothing", 'bikes"; DROP TABLE bikes; --', "", "\0"])
def test_preview_of_an_unknown_table(warehouse: DuckDBWarehouse, table: str) -> None:
    warehouse.send((1, {"n": 1}))
    with pytest.raises(UnknownTable):
        warehouse.destination.preview(schema_name="bike_fleet", table=table)
    assert warehouse.tables() == ["_sdc_rejected", "bikes"]


def test_tables_tells_structure_and_size(warehouse: DuckDBWarehouse) -> None:
    warehouse.send((1, {"n": 1, "tags": ["a", "b"]}), key=("n",))
    overview = warehouse.destination.tables("bike_fleet")
    assert [(table.name, table.row_count) for table in overview] == [
        ("_sdc_rejected", 0),
        ("bikes", 1),
        ("bikes__tags", 2),
    ]
    assert overview[1] == TableOverview("bikes", list(warehouse.columns("bikes").items()), 1)
    warehouse.close()
    assert warehouse.destination.tables("other") == []


@pytest.mark.parametrize("schema", ["_stitchapp", "_STITCHAPP", "information_schema", "pg_catalog", ""])
def test_no_integration_loads_into_a_schema_that_is_not_its_own(
    warehouse: DuckDBWarehouse, schema: str
) -> None:
    with pytest.raises(LoadError):
        warehouse.load_into(schema, (1, {"a": 1}))
