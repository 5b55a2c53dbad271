"""What is accepted is on disk, whole, before the caller hears of it (promises I1, I2, I8)."""

import pytest
from django.db import OperationalError
from django.utils import timezone

from integrations.models import Batch, BatchTable, BatchTableState, QueuedTable
from integrations.queue import accepting, indexing
from integrations.queue.accepting import QueueFull, QueueUnavailable, accept_batch
from integrations.queue.room import LEAST_BYTES_OF_A_RECORD, queue_folder
from integrations.queue.segments import Location, read_body

pytestmark = pytest.mark.django_db


def accept(token, body=b'{"a":1}', tables=(("bikes", 1),), kind="batch"):
    return accept_batch(token=token, kind=kind, body=body, tables=list(tables), received_at=timezone.now())


def body_of(batch):
    location = Location(batch.segment, batch.offset, batch.size, batch.checksum)
    return read_body(queue_folder(), location)


def test_a_batch_is_indexed_with_its_shares_and_its_body_can_be_read(token, queue):
    batch = accept(token, b"[1,2,3]", [("bikes", 2), ("docks", 1)], kind="push")

    assert body_of(Batch.objects.get(receipt=batch.receipt)) == b"[1,2,3]"
    assert (batch.account_id, batch.integration_id, batch.token_id) == (
        token.account_id,
        token.integration_id,
        token.pk,
    )
    assert (batch.records, batch.size, batch.kind) == (3, 7, "push")
    shares = list(BatchTable.objects.order_by("pk").values_list("table_name", "records", "state"))
    assert shares == [("bikes", 2, BatchTableState.WAITING), ("docks", 1, BatchTableState.WAITING)]


def test_a_table_has_one_queue_entry_however_many_batches_name_it(token, queue):
    accept(token)
    accept(token)

    assert QueuedTable.objects.count() == 1
    assert QueuedTable.objects.get().shares.count() == 2


def test_a_table_name_may_be_of_any_length_and_hold_any_character(token, queue):
    names = ["x" * 3000, "x" * 3001, "a\0b", "a\ud800b"]

    accept(token, tables=[(name, 1) for name in names])

    assert QueuedTable.objects.count() == 4
    assert {entry.table_name for entry in QueuedTable.objects.all()} == {"x" * 1024, "a\ufffdb", "a?b"}


def test_I8_past_the_byte_cap_a_request_is_refused_and_nothing_is_stored(token, queue, settings):
    settings.QUEUE_MAX_BYTES = 1000
    accept(token, b"x" * 800)

    with pytest.raises(QueueFull) as refusal:
        accept(token, b"x" * 300)

    assert (refusal.value.status, 1 <= refusal.value.retry_after <= 60) == (503, True)
    assert Batch.objects.count() == 1


def test_I8_past_the_cap_of_records_a_request_is_refused_until_some_are_loaded(token, queue, settings):
    settings.QUEUE_MAX_RECORDS = 10
    body = b"x" * LEAST_BYTES_OF_A_RECORD * 10
    accept(token, body, [("bikes", 6), ("docks", 3)])
    accepting.room.looked_at = float("-inf")
    accept(token, body, [("bikes", 1)])

    with pytest.raises(QueueFull) as refusal:
        accept(token, body, [("bikes", 1)])

    assert (refusal.value.code, refusal.value.limit, refusal.value.actual) == (
        "queue_full_of_records",
        10,
        11,
    )
    assert Batch.objects.count() == 2
    assert accepting.queue_is_full()
    BatchTable.objects.filter(table_name="docks").update(state=BatchTableState.LOADED)
    accepting.room.looked_at = float("-inf")
    accept(token, body, [("bikes", 3)])


def test_I8_a_nearly_full_disk_refuses(token, queue, settings):
    settings.QUEUE_MIN_FREE_BYTES = 1 << 62

    with pytest.raises(QueueFull):
        accept(token)

    assert accepting.queue_is_full()
    assert Batch.objects.count() == 0


def test_an_index_that_cannot_be_written_is_told_as_pressure(token, queue, monkeypatch):
    def locked(*arguments, **options):
        raise OperationalError("database is locked")

    monkeypatch.setattr(indexing, "share_insertion", locked)

    with pytest.raises(QueueUnavailable):
        accept(token)

    assert BatchTable.objects.count() == 0
