"""From an accepted batch to rows in the warehouse and figures on the pages, once, whatever fails on the way."""

import json
import threading
from datetime import timedelta

import duckdb
import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.utils import timezone

from accounts.models import Account, Task
from integrations.loading.errors import LoadError
from integrations.models import (
    Batch,
    BatchTable,
    DailyRows,
    FreeWeek,
    Integration,
    Load,
    LoadedTable,
    LoadStatus,
    QueuedTable,
)
from integrations.queue import claiming, loader, recording
from integrations.queue.accepting import accept_batch, segment_writer
from integrations.queue.loader import load_next
from integrations.queue.segments import stored_segments
from integrations.services.integrations import delete_integration
from integrations.services.row_warnings import WEIGH
from tests.factories import make_access_token, make_account, make_integration, make_member
from tests.queue.sending import send

pytestmark = pytest.mark.django_db


class Killed(BaseException):
    """The process ended here."""


def rows(token, table="bikes"):
    integration = token.integration
    path = integration.account.destinations.get().file_path
    with duckdb.connect(str(path), read_only=True) as connection:
        query = f'SELECT id, dock FROM "{integration.schema_name}"."{table}" ORDER BY id'
        return connection.execute(query).fetchall()


def drain():
    """Load all that waits, pauses and leases being over."""
    QueuedTable.objects.update(not_before=timezone.now(), lease=None, leased_until=None)
    while load_next():
        pass


def books():
    """Return what the pages add up."""
    loads = Load.objects.filter(status=LoadStatus.SUCCESS)
    return {
        "inserted": sum(load.inserted for load in loads),
        "updated": sum(load.updated for load in loads),
        "batches": sum(load.batches for load in loads),
        "rows": sum(load.rows for load in loads),
        "daily": sum(day.rows for day in DailyRows.objects.all()),
        "shares": list(BatchTable.objects.order_by("pk").values_list("state", "inserted", "updated")),
    }


def test_an_accepted_batch_is_loaded_recorded_and_marked(token, queue):
    began = timezone.now()
    send(token, rows=[{"id": 1, "dock": "Quay"}, {"id": 2, "dock": None}])

    assert load_next()
    assert not load_next()

    assert rows(token) == [(1, "Quay"), (2, None)]
    share = BatchTable.objects.get()
    assert began <= share.batch.received_at <= share.loading_at <= share.loaded_at
    assert share.loading_at == Load.objects.get().started_at
    assert (share.state, share.inserted, share.updated, share.superseded, share.rejected) == (
        "loaded",
        2,
        0,
        0,
        0,
    )
    load = Load.objects.get()
    assert (load.status, load.batches, load.received, load.rows, load.pending_shares) == (
        "success",
        1,
        2,
        2,
        None,
    )
    table = LoadedTable.objects.get()
    assert (table.name, table.root, table.row_count) == ("bikes", "bikes", 2)
    assert DailyRows.objects.get().rows == 2
    assert began <= Account.objects.get().trial_started_at <= timezone.now()
    assert Integration.objects.get().last_received_at == Batch.objects.get().received_at
    entry = QueuedTable.objects.get()
    assert (entry.lease, entry.attempts, entry.error) == (None, 0, "")


def load_at(token, moment, monkeypatch, rows=1):
    """Send and load new rows; the clock shows `moment` meanwhile."""
    monkeypatch.setattr(timezone, "now", lambda: moment)
    number = Load.objects.count() * 100
    send(token, rows=[{"id": number + n, "dock": None} for n in range(rows)])
    drain()


def counted():
    return [(day.rows, day.free_rows) for day in DailyRows.objects.order_by("day", "pk")]


def test_rows_of_the_first_seven_days_are_free(token, queue, monkeypatch):
    first = timezone.now().replace(hour=10)
    load_at(token, first, monkeypatch, rows=3)
    load_at(token, first + timedelta(days=6, hours=23, minutes=59), monkeypatch, rows=2)
    load_at(token, first + timedelta(days=7), monkeypatch, rows=4)
    load_at(token, first + timedelta(days=8), monkeypatch, rows=1)
    assert counted() == [(3, 3), (6, 2), (1, 0)]  # the seventh day is free up to the minute it began at


def test_sub_rows_count_like_any_row(token, queue):
    fields = {"id": {"type": "integer"}, "tags": {"type": "array", "items": {"type": "string"}}}
    stops = {"type": "array", "items": {"type": "object", "properties": {"at": {"type": "string"}}}}
    send(
        token,
        rows=[{"id": 1, "tags": ["a", "b"], "stops": [{"at": "x"}, {"at": "y"}, {"at": "z"}]}],
        schema={"type": "object", "properties": fields | {"stops": stops}},
    )
    drain()
    assert counted() == [(6, 6)]  # loading.md 8.4: one record with arrays of 2 and 3


def test_rows_that_were_loaded_are_weighed_soon_once_for_many_loads(token, queue):
    send(token)
    send(token, table="docks")
    drain()
    task = Task.objects.get(kind=WEIGH)
    assert task.account == token.account
    assert timezone.now() < task.due_at < timezone.now() + timedelta(minutes=1)


def test_a_schema_name_has_one_free_week_even_if_made_anew(token, queue, monkeypatch):
    first = timezone.now().replace(hour=10)
    load_at(token, first, monkeypatch)
    integration = token.integration
    delete_integration(integration=integration, actor=integration.created_by)
    again = make_integration(integration.account, schema_name=integration.schema_name)
    other = make_integration(integration.account, schema_name="something_else")
    for made in (again, other):
        load_at(make_access_token(made)[0], first + timedelta(days=8), monkeypatch)
    assert counted() == [(1, 1), (1, 0), (1, 1)]
    assert FreeWeek.objects.count() == 2


def test_the_same_name_in_another_account_has_its_own_week(token, queue, monkeypatch):
    first = timezone.now().replace(hour=10)
    load_at(token, first, monkeypatch)
    account = make_account()
    make_member(account)
    theirs = make_integration(account, schema_name=token.integration.schema_name)
    load_at(make_access_token(theirs)[0], first + timedelta(days=8), monkeypatch)
    assert counted() == [(1, 1), (1, 1)]


def test_a_load_keeps_the_greatest_value_of_each_bookmark(token, queue):
    send(token, rows=[{"id": 7, "dock": "Quay"}, {"id": 9, "dock": None}], bookmark_names=["id"])
    assert load_next()
    assert Load.objects.get().bookmarks == [["id", "9"]]


def test_what_waits_for_one_table_is_one_load(token, queue):
    for number in range(5):
        send(token, rows=[{"id": number, "dock": "Quay"}])

    drain()

    assert Load.objects.get().batches == 5
    assert len(rows(token)) == 5


def test_a_push_that_names_two_tables_is_two_loads_of_one_body(token, queue):
    body = [
        {
            "action": "upsert",
            "table_name": table,
            "key_names": ["id"],
            "sequence": 1,
            "data": {"id": 7, "dock": "x"},
        }
        for table in ("bikes", "docks")
    ]
    accept_batch(
        token=token,
        kind="push",
        body=json.dumps(body).encode(),
        tables=[("bikes", 1), ("docks", 1)],
        received_at=timezone.now(),
    )

    drain()

    assert rows(token, "bikes") == rows(token, "docks") == [(7, "x")]
    assert Load.objects.count() == 2


def test_what_a_deleted_or_paused_integration_had_accepted_is_still_loaded(token, queue):
    send(token)
    Integration.objects.update(deleted_at=timezone.now(), paused_at=timezone.now())

    drain()

    assert len(rows(token)) == 1


@pytest.mark.parametrize(
    ("module", "step"),
    [(recording, "record_loads"), (claiming, "mark_loaded"), (recording, "settle"), (claiming, "release")],
)
def test_I1_a_loader_killed_at_any_step_neither_loses_nor_doubles_a_row_or_a_figure(
    token, queue, monkeypatch, module, step
):
    send(token, rows=[{"id": 1, "dock": "Quay"}, {"id": 2, "dock": "Pier"}])
    drain()
    send(token, rows=[{"id": 2, "dock": "Park"}, {"id": 3, "dock": "Moor"}], sequence=2)

    def kill(*arguments, **options):
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(module, step, kill)
        load_next()
    send(token, rows=[{"id": 4, "dock": "Hill"}])
    drain()

    assert rows(token) == [(1, "Quay"), (2, "Park"), (3, "Moor"), (4, "Hill")]
    assert books() == {
        "inserted": 4,
        "updated": 1,
        "batches": 3,
        "rows": 5,
        "daily": 5,
        "shares": [("loaded", 2, 0), ("loaded", 1, 1), ("loaded", 1, 0)],
    }
    assert not Load.objects.filter(pending_shares__isnull=False).exists()
    call_command("check_books")


def test_a_loader_that_lost_its_lease_leaves_the_marking_to_the_next(token, queue, monkeypatch):
    send(token)
    real = recording.record_loads

    def slow(**facts):
        load = real(**facts)
        QueuedTable.objects.update(lease="00000000-0000-4000-8000-000000000000")
        return load

    with monkeypatch.context() as patch:
        patch.setattr(recording, "record_loads", slow)
        assert load_next()
    assert BatchTable.objects.get().state == "waiting"

    drain()

    assert (books()["inserted"], books()["rows"], books()["daily"]) == (1, 1, 1)
    assert BatchTable.objects.get().state == "loaded"


def test_I11_a_table_that_cannot_be_loaded_is_kept_and_shown_and_stops_no_other(token, queue):
    send(token, table="bikes")
    drain()
    send(token, table="bikes", keys=["dock"])
    send(token, table="docks")

    drain()

    entry = QueuedTable.objects.get(table_name="bikes")
    assert entry.error
    assert entry.failing_since is not None
    assert BatchTable.objects.waiting().get().table_name == "bikes"
    failure = Load.objects.get(status=LoadStatus.ERROR)
    assert (failure.table_name, failure.error, failure.received, failure.rows) == ("bikes", entry.error, 1, 0)
    assert len(rows(token, "docks")) == 1


def test_tries_that_fail_alike_share_one_row(token, queue):
    send(token)
    drain()
    send(token, keys=["dock"])
    for _ in range(3):
        drain()

    assert Load.objects.get(status=LoadStatus.ERROR).attempts == 3


def test_what_came_before_a_fault_is_loaded(token, queue):
    send(token)
    drain()
    for number in range(1, 4):
        send(token, rows=[{"id": number, "dock": "Quay"}])
    send(token, keys=["dock"])
    send(token, rows=[{"id": 9, "dock": "Quay"}])

    drain()

    assert [number for number, _ in rows(token)] == [0, 1, 2, 3]
    assert BatchTable.objects.waiting().count() == 2


def test_a_body_that_cannot_be_read_is_set_aside_with_its_reason(token, queue):
    send(token, rows=[{"id": 1, "dock": "lost"}])
    segment_writer().seal()
    send(token, rows=[{"id": 2, "dock": "kept"}])
    stored_segments(queue)[0].path.unlink()

    drain()

    assert rows(token) == [(2, "kept")]
    share = BatchTable.objects.waiting().get()
    assert share.error.startswith("The stored data cannot be read: segment ")
    assert share.not_before > timezone.now() + timedelta(minutes=4)


def test_without_a_destination_data_waits(token, queue, settings):
    settings.EMBEDDED_WAREHOUSE = False
    send(token)

    drain()

    assert QueuedTable.objects.get().error == (
        "This integration has no destination: its data waits until it has one."
    )
    settings.EMBEDDED_WAREHOUSE = True
    drain()
    assert len(rows(token)) == 1
    assert QueuedTable.objects.get().error == ""


def test_I12_a_warehouse_held_by_another_program_delays_and_loses_nothing(token, queue, monkeypatch):
    send(token, table="bikes")
    send(token, table="docks")

    def held(*arguments, **options):
        raise LoadError("The warehouse file is open in another program.", transient=True, scope="destination")

    with monkeypatch.context() as patch:
        patch.setattr(loader, "load_into", held)
        drain()
        assert QueuedTable.objects.failing().count() == 2
        assert not Load.objects.exists()  # once or twice is no news
        drain()
        drain()
        assert Load.objects.get().status == LoadStatus.ERROR

    drain()

    assert QueuedTable.objects.failing().count() == 0
    assert len(rows(token, "bikes")) == len(rows(token, "docks")) == 1


def test_I11_a_surprise_inside_one_table_stops_no_other(token, queue, monkeypatch):
    send(token, table="bikes")
    send(token, table="docks")
    real = loader.load_into

    def surprising(loads, target, batches, **options):
        if batches[0].table_name == "bikes":
            raise ZeroDivisionError("secret detail")
        return real(loads, target, batches, **options)

    monkeypatch.setattr(loader, "load_into", surprising)
    drain()

    assert QueuedTable.objects.get(table_name="bikes").error == "Internal error: ZeroDivisionError"
    assert len(rows(token, "docks")) == 1


def test_a_database_that_does_not_answer_is_tried_again_without_blaming_the_table(token, queue, monkeypatch):
    send(token)

    def away(**facts):
        raise OperationalError("database is locked")

    with monkeypatch.context() as patch:
        patch.setattr(recording, "record_loads", away)
        load_next()
    assert QueuedTable.objects.get().error == "The application's database did not answer."

    drain()
    assert (books()["inserted"], books()["rows"]) == (1, 1)


def test_I5_the_books_are_checked_by_a_command(token, queue, capsys):
    send(token)
    drain()
    call_command("check_books")
    assert capsys.readouterr().out == "The books balance: 1 loaded shares; 0 still wait.\n"

    BatchTable.objects.update(inserted=0)
    with pytest.raises(CommandError, match="do not balance for 1 of 1"):
        call_command("check_books")


@pytest.mark.django_db(transaction=True)  # no checkpoint inside a transaction
def test_load_batches_once_drains_and_ends(token, queue):
    send(token)
    send(token, table="docks")
    before = threading.enumerate()

    call_command("load_batches", "--once")

    assert BatchTable.objects.waiting().count() == 0
    # Nor does a thread stay, whose connection would keep a database from being dropped.
    assert set(threading.enumerate()) <= set(before)
