"""A destination that is held, broken or changed by others: its data waits, nobody else's does (I11, I12, D23)."""

from datetime import timedelta

import duckdb
import pytest
from django.utils import timezone

from integrations.loading.destinations.duckdb import DuckDBDestination
from integrations.models import (
    Batch,
    BatchTable,
    ErrorScope,
    Kind,
    Load,
    LoadStatus,
    Notification,
    QueuedTable,
)
from integrations.queue import claiming, cleaning, loader
from integrations.queue.loader import load_next
from tests.factories import make_access_token, make_integration, make_member
from tests.queue.other_programs import other_program
from tests.queue.sending import send

pytestmark = pytest.mark.django_db


@pytest.fixture
def neighbour(db):
    """A token of another account."""
    return make_access_token(make_integration(make_member().memberships.get().account))[0]


@pytest.fixture
def impatient(monkeypatch):
    """A loader that hardly waits for a held file."""
    monkeypatch.setattr(
        loader, "engine_of", lambda destination: DuckDBDestination(destination.file_path, wait_seconds=0.05)
    )


def path_of(token):
    return token.account.destinations.get().file_path


def pass_time():
    """Let the pauses be over."""
    QueuedTable.objects.update(not_before=timezone.now())


def load_all():
    """Load what is due now, without waiting for anything."""
    loaded = 0
    while load_next():
        loaded += 1
        assert loaded < 50
    return loaded


def ids(token, table="bikes"):
    with duckdb.connect(str(path_of(token)), read_only=True) as connection:
        query = f'SELECT id FROM "{token.integration.schema_name}"."{table}" ORDER BY id'
        return [number for (number,) in connection.execute(query).fetchall()]


def change(token, *statements):
    """Do something to the warehouse behind the loader's back."""
    with duckdb.connect(str(path_of(token))) as connection:
        connection.execute(f'USE "{token.integration.schema_name}"')
        for statement in statements:
            connection.execute(statement)


def waiting_tables():
    return set(BatchTable.objects.waiting().values_list("table_name", flat=True))


def test_I12_a_file_that_another_program_holds_delays_only_its_own_account(
    token, neighbour, queue, impatient
):
    send(token)
    load_all()
    send(token, rows=[{"id": 7}])
    send(token, table="docks", rows=[{"id": 1}])
    send(neighbour)

    with other_program(path_of(token)):
        load_all()

        assert ids(neighbour) == [0]
        assert waiting_tables() == {"bikes", "docks"}
        entries = QueuedTable.objects.filter(account_id=token.account_id)
        assert {entry.table_name for entry in entries} == {"bikes", "docks"}
        assert all(entry.error_scope == ErrorScope.DESTINATION for entry in entries)
        tries = QueuedTable.objects.filter(account_id=token.account_id).values_list("attempts", flat=True)
        assert set(tries) == {1}  # one try for all its tables, not one of each
        for _ in range(2):
            pass_time()
            load_all()
        told = Notification.objects.open().get()  # one, however many tables wait
        assert told.kind == Kind.DATA_LOADING_ERROR.stored
        assert told.details.startswith("The warehouse file is open in another program.")

    pass_time()
    load_all()
    assert ids(token) == [0, 7]
    assert ids(token, "docks") == [1]
    assert not Notification.objects.open().exists()


def test_I11_a_broken_file_delays_only_its_own_account_and_loads_once_it_is_whole(token, neighbour, queue):
    send(token)
    load_all()
    whole = path_of(token).read_bytes()
    path_of(token).write_bytes(b"not a database" * 1000)
    for number in range(3):
        send(token, rows=[{"id": 10 + number}])
    send(neighbour)

    load_all()

    assert ids(neighbour) == [0]
    assert QueuedTable.objects.get(account_id=token.account_id).error_scope == ErrorScope.DESTINATION
    assert Load.objects.get(status=LoadStatus.ERROR).batches == 3
    path_of(token).write_bytes(whole)
    pass_time()
    load_all()
    assert ids(token) == [0, 10, 11, 12]


@pytest.mark.parametrize("days", [7, 29])
def test_I12_what_waits_for_a_destination_is_kept(token, queue, days):
    send(token)
    load_all()
    whole = path_of(token).read_bytes()
    path_of(token).write_bytes(b"not a database" * 1000)
    send(token, rows=[{"id": 7}])
    load_all()

    cleaning.purge_history(now=timezone.now() + timedelta(days=days))
    cleaning.remove_loaded_segments()

    path_of(token).write_bytes(whole)
    claim = claiming.claim_next(now=timezone.now() + timedelta(days=days))
    loader.carry_out(claim)
    assert ids(token) == [0, 7]


CHANGES = {
    "the table is dropped": (["DROP TABLE bikes"], [7]),
    "a column is dropped": (
        [
            "CREATE TABLE other AS SELECT * EXCLUDE (dock) FROM bikes",
            "DROP TABLE bikes",
            "ALTER TABLE other RENAME TO bikes",
            "ALTER TABLE bikes ADD PRIMARY KEY (id)",
        ],
        [0, 7],
    ),
    "the key is dropped": (
        ["CREATE TABLE other AS FROM bikes", "DROP TABLE bikes", "ALTER TABLE other RENAME TO bikes"],
        [0, 7],  # what has no key is appended to (loading.md 5.5)
    ),
    "the schema is dropped": (["USE main", "DROP SCHEMA {schema} CASCADE"], [7]),
    "the product's own notes are dropped": (["USE main", "DROP SCHEMA _stitchapp CASCADE"], [0, 7]),
    "rows are deleted": (["DELETE FROM bikes"], [7]),
    "a column of theirs may not be empty": (
        [
            "DROP TABLE bikes",
            "CREATE TABLE bikes (id BIGINT PRIMARY KEY, dock VARCHAR, mine VARCHAR NOT NULL, "
            "_sdc_batched_at TIMESTAMPTZ, _sdc_received_at TIMESTAMPTZ, _sdc_sequence BIGINT, "
            "_sdc_table_version BIGINT)",
        ],
        None,
    ),
}


@pytest.mark.parametrize(("statements", "stored"), list(CHANGES.values()), ids=list(CHANGES))
def test_a_warehouse_that_was_changed_by_others_takes_the_next_load_or_says_why_not(
    token, queue, statements, stored
):
    """`stored` are the rows afterwards; None where the table waits, with its reason, and no other does."""
    send(token)
    load_all()
    change(token, *(statement.format(schema=token.integration.schema_name) for statement in statements))
    send(token, rows=[{"id": 7, "dock": "Pier"}])
    send(token, table="docks")

    load_all()

    assert ids(token, "docks") == [0]
    entry = QueuedTable.objects.get(table_name="bikes")
    if stored is None:
        assert (waiting_tables(), entry.error_scope) == ({"bikes"}, ErrorScope.TABLE)
        assert entry.error
        change(token, "DROP TABLE bikes")  # what the person may do about it
        pass_time()
        load_all()
        stored = [7]
    assert (ids(token), waiting_tables()) == (stored, set())


def test_a_warehouse_that_was_deleted_begins_anew(token, queue):
    send(token)
    load_all()
    path_of(token).unlink()
    send(token, rows=[{"id": 7}])

    load_all()

    assert ids(token) == [7]


def test_I11_a_poison_batch_leaves_what_came_before_and_every_other_table(
    token, neighbour, queue, monkeypatch
):
    """One record that nobody can store, in the middle of twenty batches."""
    real = loader.load_into

    def load_into(loads, target, batches, **options):
        if any(message.data.get("id") == 13 for batch in batches for message in batch.messages):
            raise claiming.LoadError("This record cannot be stored.")
        return real(loads, target, batches, **options)

    with monkeypatch.context() as patch:
        patch.setattr(loader, "load_into", load_into)
        for number in range(20):
            send(token, rows=[{"id": number}])
        send(token, table="docks")
        send(neighbour)
        load_all()

    assert ids(token) == list(range(13))
    assert ids(token, "docks") == ids(neighbour) == [0]
    assert [told.table_name for told in Notification.objects.open()] == ["bikes"]
    pass_time()
    load_all()
    assert ids(token) == list(range(20))
    assert Batch.objects.count() == 22
