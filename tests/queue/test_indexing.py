"""Requests that come together are committed together, and each stands or falls by itself (promise I1)."""

import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import DatabaseError, IntegrityError, OperationalError, connections
from django.utils import timezone

from integrations.models import Batch, BatchTable, QueuedTable
from integrations.queue import indexing
from integrations.queue.indexing import SharedCommits, index

TABLES = [("boats", 2), ("docks", 1)]
NONE = type(None)


def make(**fields):
    """Return a batch that is not stored yet."""
    plain = {
        "account_id": 1,
        "integration_id": 7,
        "token_id": 3,
        "kind": "push",
        "request_id": "r",
        "received_at": timezone.now(),
        "records": 3,
        "size": 9,
        "segment": "s",
        "offset": 16,
        "checksum": 5,
    }
    return Batch(**plain | fields)


@pytest.mark.django_db
def test_the_rows_are_those_the_models_would_write():
    batch = make(plain=True)
    index(batch, TABLES)
    stored = Batch.objects.get()
    assert {name: value for name, value in vars(stored).items() if name != "_state"} == {
        name: value for name, value in vars(batch).items() if name != "_state"
    }
    by_model = BatchTable(
        batch=stored,
        queued_table=QueuedTable.objects.get(table_name="boats"),
        account_id=1,
        integration_id=7,
        table_name="boats",
        records=2,
    )
    share = BatchTable.objects.order_by("pk").first()
    for column in BatchTable._meta.concrete_fields:
        if not column.primary_key:
            assert getattr(share, column.attname) == getattr(by_model, column.attname), column.name


@pytest.mark.django_db
def test_a_table_that_another_integration_has_queued_is_not_taken_for_ones_own():
    index(make(integration_id=8), [("boats", 1)])
    index(make(integration_id=7), [("boats", 1)])
    assert sorted(QueuedTable.objects.values_list("integration_id", flat=True)) == [7, 8]
    assert all(
        share.integration_id == share.queued_table.integration_id for share in BatchTable.objects.all()
    )


@pytest.fixture
def groups(monkeypatch):
    """Hold the first commit back until all six requests stand in line; tell how many went into each commit."""
    commits, sizes, write = SharedCommits(), [], indexing.write_together

    def writing(entries):
        give_up = time.monotonic() + 30
        while not sizes and len(entries) + len(commits.entries) < 6 and time.monotonic() < give_up:
            time.sleep(0.001)
        sizes.append(len(entries))
        write(entries)

    monkeypatch.setattr(indexing, "commits", commits)
    monkeypatch.setattr(indexing, "write_together", writing)
    return sizes


def index_at_once(batches):
    """Index each in a thread of its own; return the errors, None for each that finds its rows on disk."""

    def indexed(batch):
        try:
            index(batch, TABLES)
            # As another process would see it: this thread's connection wrote none of it, or is done with it.
            assert Batch.objects.get(receipt=batch.receipt).pk == batch.pk
        except DatabaseError as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(batches)) as pool:
        return list(pool.map(indexed, batches))


@pytest.mark.django_db(transaction=True)
def test_I1_requests_that_wait_for_a_commit_are_committed_together(groups):
    assert index_at_once([make() for _ in range(6)]) == [None] * 6
    assert (len(groups), sum(groups)) == (2, 6)
    assert (Batch.objects.count(), BatchTable.objects.count(), QueuedTable.objects.count()) == (6, 12, 2)
    assert not indexing.commits.committing


@pytest.mark.django_db(transaction=True)
def test_a_request_that_the_database_refuses_fails_alone(groups):
    taken = uuid.uuid4()
    Batch.objects.bulk_create([make(receipt=taken)])
    errors = index_at_once([make(), make(), make(receipt=taken), make(), make(), make()])
    assert [type(error) for error in errors] == [NONE, NONE, IntegrityError, NONE, NONE, NONE]
    assert (Batch.objects.count(), BatchTable.objects.count()) == (6, 10)


@pytest.mark.django_db(transaction=True)
def test_all_are_told_when_the_database_is_away_and_the_next_is_served(groups, monkeypatch):
    def away(*arguments):
        raise OperationalError("database is locked")

    with monkeypatch.context() as patched:
        patched.setattr(indexing, "insert", away)
        errors = index_at_once([make() for _ in range(6)])
    assert [type(error) for error in errors] == [OperationalError] * 6
    index(make(), TABLES)
    assert Batch.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_thread_that_is_ended_while_it_commits_for_others_leaves_nobody_waiting(monkeypatch):
    commits = SharedCommits()
    monkeypatch.setattr(indexing, "commits", commits)
    with monkeypatch.context() as patched:
        patched.setattr(indexing, "insert", lambda *arguments: sys.exit())
        with pytest.raises(SystemExit):
            index(make(), TABLES)
    index(make(), TABLES)
    assert Batch.objects.count() == 1
