"""A request sent again under its key makes one batch; a key never stands in the way of a retry (I3)."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import OperationalError, connections
from django.utils import timezone

from integrations.models import Batch, BatchTable, IdempotencyKey, Load
from integrations.queue import indexing
from integrations.queue.accepting import QueueFull, QueueUnavailable
from integrations.queue.loader import load_next
from integrations.queue.repeats import KeyReused, accept_once, forget_old_keys
from tests.factories import make_access_token, make_integration

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def accept(token, body=b'{"a":1}', *, key="k-1", kind="batch", ago=timedelta(0)):
    return accept_once(
        key=key, token=token, kind=kind, body=body, tables=[("bikes", 1)], received_at=NOW - ago
    )


def test_I3_the_same_request_under_the_same_key_is_one_batch(token, queue):
    first = accept(token)
    second = accept(token)

    assert (first.repeated, second.repeated) == (False, True)
    assert first.receipt == second.receipt == Batch.objects.get().receipt
    assert BatchTable.objects.count() == 1


def test_I3_another_request_under_the_same_key_is_refused(token, queue):
    accept(token)
    for other in ({"body": b'{"a":2}'}, {"kind": "push"}):
        with pytest.raises(KeyReused):
            accept(token, **other)
    assert Batch.objects.count() == 1


def test_keys_are_an_integrations_own(token, queue):
    other = make_access_token(make_integration(token.account))[0]
    assert accept(token).receipt != accept(other).receipt
    assert accept(token).receipt != accept(token, key="k-2").receipt


def test_two_tokens_of_one_integration_share_its_keys(token, queue):
    other = make_access_token(token.integration)[0]
    assert accept(token).receipt == accept(other).receipt


def test_I3_a_key_is_free_again_after_24_hours(token, queue):
    old = accept(token, ago=timedelta(hours=24))
    assert accept(token, b'{"a":2}').receipt != old.receipt
    assert IdempotencyKey.objects.count() == 1

    recent = accept(token, key="k-2", ago=timedelta(hours=23, minutes=59))
    assert accept(token, key="k-2").receipt == recent.receipt


def test_the_loader_forgets_keys_whose_day_is_over(token, queue):
    accept(token, key="old", ago=timedelta(hours=24))
    accept(token, key="new", ago=timedelta(hours=23))

    forget_old_keys(now=NOW)

    assert accept(token, key="new", ago=timedelta(0)).repeated
    assert IdempotencyKey.objects.count() == 1
    assert Batch.objects.count() == 2


def test_a_key_outlives_a_receipt_that_was_purged(token, queue):
    first = accept(token)
    Batch.objects.all().delete()
    assert accept(token).receipt == first.receipt
    assert Batch.objects.count() == 0


def test_I3_a_request_that_could_not_be_stored_leaves_its_key_free(token, queue, monkeypatch):
    def locked(*arguments, **options):
        raise OperationalError("database is locked")

    with monkeypatch.context() as patched:
        patched.setattr(indexing, "share_insertion", locked)
        with pytest.raises(QueueUnavailable):
            accept(token)
    assert IdempotencyKey.objects.count() == 0

    assert not accept(token, b'{"a":2}').repeated
    assert Batch.objects.count() == 1


def test_I8_a_full_queue_still_answers_for_what_it_holds(token, queue, settings):
    first = accept(token)
    settings.QUEUE_MIN_FREE_BYTES = 1 << 62
    with pytest.raises(QueueFull):
        accept(token, key="k-2")
    assert accept(token).receipt == first.receipt


def test_P3_neither_the_key_nor_the_body_stands_in_the_index(token, queue):
    accept(token, b'{"secret":1}', key="telling-name")
    stored = str(IdempotencyKey.objects.values().get())
    assert "telling" not in stored
    assert "secret" not in stored


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_number", range(3))
def test_I3_copies_at_the_same_moment_make_one_batch(token, queue, round_number):
    """100 copies over 20 connections; 100 at once over HTTP are sent in test_idempotency.py."""
    together = threading.Barrier(20)

    def copy(number):
        try:
            if number < 20:
                together.wait()
            return accept(token)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(copy, range(100)))

    assert len({answer.receipt for answer in answers}) == 1
    assert [answer.repeated for answer in answers].count(False) == 1
    assert Batch.objects.get().receipt == answers[0].receipt


def test_I3_records_without_a_key_are_loaded_once(token, queue):
    request = {
        "table_name": "bikes",
        "schema": {"properties": {"id": {"type": "integer"}}},
        "messages": [{"action": "upsert", "sequence": 1, "data": {"id": 1}}],
    }
    for _ in range(3):
        accept(token, json.dumps(request).encode())
        while load_next():
            pass
    assert [(load.batches, load.rows) for load in Load.objects.all()] == [(1, 1)]
