"""Small loads into one destination follow each other through one opening of it, and are noted together."""

import threading
from contextlib import contextmanager
from datetime import timedelta

import duckdb
import pytest
from django.core.management import call_command
from django.utils import timezone

from integrations.loading.destinations.duckdb import DuckDBDestination, DuckDBLoads
from integrations.loading.destinations.postgresql import PostgreSQLDestination
from integrations.loading.destinations.warehouse_file import asked_for, is_wanted
from integrations.loading.errors import LoadError
from integrations.loading.outcomes import BatchCounts
from integrations.models import BatchTable, DailyRows, Load, LoadedTable, QueuedTable
from integrations.queue import claiming, loader, recording
from integrations.queue.claiming import claim_beside, claim_next
from integrations.queue.loader import load_next
from tests.factories import make_postgres_destination
from tests.queue.sending import send

pytestmark = pytest.mark.django_db
TABLES = ("bikes", "docks", "riders", "trips")


class Killed(BaseException):
    """The process ended here."""


@pytest.fixture(params=["duckdb", "postgresql"])
def destination(request, token):
    """Let the token's integration load into each kind of destination."""
    if request.param == "postgresql":
        made = request.getfixturevalue("warehouse_server").make_database()
        token.integration.destination = make_postgres_destination(token.account, **made)
        token.integration.save()
    return request.param


def send_to_all(token, rows=1, **facts):
    for table in TABLES:
        send(token, table=table, records=rows, **facts)


def loaded_tables():
    return set(BatchTable.objects.filter(state="loaded").values_list("table_name", flat=True))


def drain():
    """Load all that waits, pauses and leases being over."""
    QueuedTable.objects.update(not_before=timezone.now(), lease=None, leased_until=None)
    while load_next():
        pass


def test_tables_of_an_integration_load_through_one_opening(token, queue, destination, monkeypatch):
    engine = DuckDBDestination if destination == "duckdb" else PostgreSQLDestination
    real, openings = engine.loading, []

    @contextmanager
    def counted(self):
        openings.append(self)
        with real(self) as loads:
            yield loads

    monkeypatch.setattr(engine, "loading", counted)
    monkeypatch.setattr(loader, "TOGETHER_SECONDS", 600)
    for sequence in (1, 2):
        send_to_all(token, rows=2, sequence=sequence)
        assert load_next()
        assert not load_next()
        QueuedTable.objects.filter(table_name="bikes").update(claimed_at=timezone.now())  # another one leads

    assert len(openings) == 2
    assert loaded_tables() == set(TABLES)
    assert Load.objects.filter(status="success", batches=1, received=2, rows=2).count() == 8
    assert sorted(Load.objects.values_list("inserted", "updated")) == [(0, 2)] * 4 + [(2, 0)] * 4
    assert sorted(DailyRows.objects.values_list("table_name", "rows")) == [(name, 4) for name in TABLES]
    assert sorted(LoadedTable.objects.values_list("name", "row_count")) == [(name, 2) for name in TABLES]
    assert set(QueuedTable.objects.values_list("lease", "attempts")) == {(None, 0)}
    call_command("check_books")


def test_the_file_is_closed_before_a_batch_is_said_to_be_loaded(token, queue, monkeypatch):
    send_to_all(token)
    real, seen = claiming.mark_loaded, []

    def look(*marks, now):
        with duckdb.connect(str(token.account.destinations.get().file_path), read_only=True) as connection:
            query = f'SELECT count(*) FROM "{token.integration.schema_name}"."{{}}"'
            seen.extend(connection.execute(query.format(name)).fetchone()[0] for name in TABLES)
        real(*marks, now=now)

    monkeypatch.setattr(claiming, "mark_loaded", look)
    monkeypatch.setattr(loader, "TOGETHER_SECONDS", 600)
    load_next()

    assert seen == [1] * len(TABLES)


def test_I11_a_table_at_fault_holds_up_none_that_loads_beside_it(token, queue, destination):
    send_to_all(token)
    drain()
    send_to_all(token, rows=3, sequence=2)
    send(token, table="docks", rows=[{"id": 1, "dock": "Quay"}], keys=("dock",), sequence=3)  # another key

    load_next()
    drain()

    waiting = BatchTable.objects.waiting().get()
    assert (waiting.table_name, waiting.records) == ("docks", 1)
    assert QueuedTable.objects.failing().get().table_name == "docks"
    assert Load.objects.filter(status="success", received=3).count() == 4
    call_command("check_books")


def test_I12_a_destination_that_fails_on_the_way_keeps_what_is_left(token, queue, monkeypatch):
    real, tries = loader.load_into, []

    def full(*given, **facts):
        tries.append(given)
        if len(tries) == 2:
            raise LoadError("No space left.", scope="destination")
        return real(*given, **facts)

    send_to_all(token)
    with monkeypatch.context() as patch:
        patch.setattr(loader, "load_into", full)
        load_next()
        assert not load_next()

    assert (len(tries), len(loaded_tables())) == (2, 1)
    waiting = QueuedTable.objects.with_waiting_shares()
    assert set(waiting.values_list("lease", "attempts", "error_scope")) == {(None, 1, "destination")}
    drain()
    assert loaded_tables() == set(TABLES)
    call_command("check_books")


@pytest.mark.parametrize(
    "module, step", [(loader, "load_into"), (recording, "record_loads"), (claiming, "mark_loaded")]
)
def test_I1_a_loader_killed_between_tables_loses_and_doubles_nothing(
    token, queue, destination, monkeypatch, module, step
):
    """The destination holds some of the tables' rows already, and nobody has noted it."""
    send_to_all(token, rows=2, keys=())
    real, calls = getattr(module, step), []

    def die(*given, **facts):
        calls.append(given)
        if step == "load_into" and len(calls) < 3:
            return real(*given, **facts)
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(module, step, die)
        patch.setattr(loader, "TOGETHER_SECONDS", 600)
        load_next()
    drain()

    assert loaded_tables() == set(TABLES)
    assert sorted(LoadedTable.objects.values_list("name", "row_count")) == [(name, 2) for name in TABLES]
    assert sorted(DailyRows.objects.values_list("table_name", "rows")) == [(name, 2) for name in TABLES]
    assert Load.objects.filter(pending_shares__isnull=True, rows=2).count() == len(TABLES)
    call_command("check_books")


@pytest.mark.parametrize("why", ["somebody waits", "time is over"])
def test_a_visit_ends_when_somebody_waits_or_its_time_is_over(token, queue, monkeypatch, why):
    send_to_all(token)
    for _ in range(3):  # one table, another, and the first of two more; or one
        claimed = dict(QueuedTable.objects.values_list("table_name", "claimed_at"))
        seen = []

        def wanted(self, seen=seen):
            seen.append(self)
            return why == "somebody waits" and len(seen) == 3

        with monkeypatch.context() as patch:
            patch.setattr(DuckDBLoads, "is_wanted", wanted)
            patch.setattr(loader, "TOGETHER_SECONDS", 600 if why == "somebody waits" else 0)
            load_next()
        done = loaded_tables()
        left = QueuedTable.objects.exclude(table_name__in=done)
        assert set(left.values_list("lease", "attempts")) <= {(None, 0)}
        assert {entry.table_name: entry.claimed_at for entry in left} == {
            name: at for name, at in claimed.items() if name not in done
        }
    assert len(done) == (4 if why == "somebody waits" else 3)


def test_a_table_that_was_tried_in_vain_is_loaded_by_itself(token, queue):
    send_to_all(token)
    QueuedTable.objects.filter(table_name="docks").update(attempts=1, not_before=timezone.now())
    claim = claim_next(now=timezone.now())
    assert claim.table.table_name == "bikes"

    beside = claim_beside(claim, most=9, beside=claim.shares, now=timezone.now())
    assert {other.table.table_name for other in beside} == {"riders", "trips"}
    assert {other.lease for other in beside} == {claim.lease}
    claiming.release(claim, *beside)

    QueuedTable.objects.exclude(table_name="docks").update(claimed_at=timezone.now())
    claim = claim_next(now=timezone.now())
    assert claim.table.table_name == "docks"
    assert claim_beside(claim, most=9, beside=claim.shares, now=timezone.now()) == []


def test_tables_beside_another_are_bounded_as_one_load_is(token, queue, monkeypatch):
    send_to_all(token, rows=2)
    monkeypatch.setattr(claiming, "MAX_RECORDS", 5)
    claim = claim_next(now=timezone.now())
    assert len(claim_beside(claim, most=9, beside=claim.shares, now=timezone.now())) == 1
    monkeypatch.setattr(claiming, "MAX_RECORDS", 100)
    assert len(claim_beside(claim, most=1, beside=claim.shares, now=timezone.now())) == 1
    monkeypatch.setattr(claiming, "MAX_SHARES", 1)
    assert claim_beside(claim, most=9, beside=claim.shares, now=timezone.now()) == []


def test_a_lease_that_ran_out_takes_the_tables_beside_it_along(token, queue):
    send_to_all(token)
    now = timezone.now()
    claim = claim_next(now=now)
    beside = claim_beside(claim, most=9, beside=claim.shares, now=now)
    assert claim_next(now=now) is None

    assert claim_next(now=now + claiming.LEASE + timedelta(seconds=1)).lease != claim.lease
    assert not QueuedTable.objects.filter(lease=claim.lease).exists()
    counts = {share.pk: BatchCounts(inserted=1) for share in beside[0].shares}
    with pytest.raises(claiming.LeaseLost):
        claiming.mark_loaded(claiming.Mark(beside[0], counts, now), now=now)


def test_a_reader_that_waits_is_seen_and_one_that_is_served_is_not(tmp_path):
    path = tmp_path / "some.duckdb"
    assert not is_wanted(path)
    with asked_for(path), asked_for(path):
        assert is_wanted(path)
    assert not is_wanted(path)


def test_a_loader_lets_a_reader_in(tmp_path):
    destination = DuckDBDestination(tmp_path / "some.duckdb")
    with destination.loading():
        pass
    found = []
    with destination.loading() as loads:
        reader = threading.Thread(target=lambda: found.append(destination.tables("bike_fleet")))
        reader.start()
        while not loads.is_wanted():
            reader.join(0.01)
    reader.join()
    assert found == [[]]
    assert not is_wanted(destination.path)
