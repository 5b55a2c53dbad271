"""What the queue leaves behind goes away; what waits, and what a living process writes, never does."""

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connections
from django.utils import timezone

from integrations.models import Batch, BatchTable, Load, Notification, QueuedTable
from integrations.queue import accepting, cleaning
from integrations.queue.accepting import location_of, segment_writer
from integrations.queue.bodies import body_of
from integrations.queue.loader import load_next
from integrations.queue.segments import OPEN, SEALED, read_body, stored_bytes, stored_segments
from tests.factories import make_access_token, make_integration, make_member, make_notification
from tests.queue.sending import send

pytestmark = pytest.mark.django_db


def paused():
    """What a failed try leaves in a table's entry."""
    return {"attempts": 1, "not_before": timezone.now() + timedelta(minutes=4)}


def make_old(path, seconds=3600):
    os.utime(path, (time.time() - seconds,) * 2)


def test_a_sealed_segment_goes_when_everything_in_it_is_loaded(token, queue):
    send(token)
    send(make_access_token(make_integration(token.account))[0], table="docks")
    segment_writer().seal()
    load_next()

    assert cleaning.remove_loaded_segments() == 0
    load_next()
    assert cleaning.remove_loaded_segments() == 1
    assert stored_segments(queue) == []


def test_the_segment_of_a_living_writer_stays_however_old_and_loaded(token, queue):
    send(token)
    load_next()
    [segment] = stored_segments(queue)
    make_old(segment.path)

    assert cleaning.remove_loaded_segments() == 0
    assert segment.path.exists()


def test_what_a_dead_process_left_goes_after_a_while_unless_something_in_it_waits(token, queue):
    batch = send(token)
    segment_writer().seal()
    queue.joinpath(f"{batch.segment}{SEALED}").rename(queue / f"{batch.segment}{OPEN}")
    orphan = queue / f"00000000000000000001-1-aaaaaaaa{OPEN}"
    orphan.write_bytes(b"torn")
    draft = queue / ".00000000000000000002-1-bbbbbbbb"
    draft.write_bytes(b"")

    assert cleaning.remove_loaded_segments() == 0  # its last statement may still be on its way
    for path in queue.iterdir():
        make_old(path)
    assert cleaning.remove_loaded_segments() == 1
    assert [path.name for path in queue.iterdir()] == [f"{batch.segment}{OPEN}"]


@pytest.mark.django_db(transaction=True)  # no checkpoint inside a transaction
def test_a_segment_that_a_later_clock_wrote_goes_too(token, queue):
    """The clock went back by an hour after its writer died."""
    send(token)
    BatchTable.objects.update(state="loaded")
    [segment] = stored_segments(queue)
    accepting.segment_writer().current.descriptor, held = -1, accepting.segment_writer().current.descriptor
    os.close(held)
    accepting.segment_writer.cache_clear()
    make_old(segment.path, seconds=-3600)

    assert cleaning.remove_loaded_segments() == 0
    make_old(segment.path, seconds=time.time() - segment.path.stat().st_mtime + 61)

    assert cleaning.remove_loaded_segments() == 1


def test_tables_that_no_receipt_names_are_forgotten_and_come_back_when_sent(token, queue, settings):
    settings.RECEIPTS_KEPT = 1
    for number in range(3):
        send(token, table=f"once {number}")
    send(token, table="kept")
    while load_next():
        pass
    now = timezone.now()

    cleaning.purge_history(now=now)
    assert QueuedTable.objects.count() == 4  # used a moment ago
    cleaning.purge_history(now=now + timedelta(days=2))
    assert QueuedTable.objects.get().table_name == "kept"

    send(token, table="once 0")
    assert load_next()
    assert not BatchTable.objects.waiting().exists()


def test_I8_a_full_queue_takes_data_again_when_it_is_loaded(token, queue, settings):
    settings.QUEUE_MAX_BYTES = 4000
    settings.DATA_DIR = queue.parent
    accepted = 0
    with pytest.raises(accepting.QueueFull):
        for _ in range(100):
            send(token, records=5)
            accepted += 1
    assert 3 < accepted < 20

    while load_next():
        pass
    cleaning.remove_loaded_segments()
    accepting.room.looked_at = float("-inf")

    send(token, records=5)


def test_I11_bodies_that_wait_for_long_do_not_keep_other_peoples_segments(
    token, queue, settings, monkeypatch
):
    settings.QUEUE_MAX_BYTES = 60_000
    writer = accepting.SegmentWriter(queue, rotate_at=10**9)
    with monkeypatch.context() as patch:
        patch.setattr(accepting, "segment_writer", lambda: writer)
        sent = [send(token, records=30, table="stuck" if number == 7 else "bikes") for number in range(20)]
    writer.seal()
    QueuedTable.objects.filter(table_name="stuck").update(**paused())
    while load_next():
        pass
    before, body = stored_bytes(queue), read_body(queue, location_of(sent[7]))

    assert cleaning.gather_sparse_segments() == 1
    assert cleaning.remove_loaded_segments() == 1

    sent[7].refresh_from_db()
    assert read_body(queue, location_of(sent[7])) == body
    assert stored_bytes(queue) * 4 < before


def test_a_body_that_moved_after_the_claim_is_found_in_its_new_place(token, queue):
    batch = send(token)
    segment_writer().seal()
    stale = Batch.objects.get()
    cleaning.move(batch)
    queue.joinpath(f"{stale.segment}{SEALED}").unlink()

    assert body_of(stale)


def test_receipts_beyond_the_newest_are_forgotten_but_never_what_waits(token, queue, settings):
    settings.RECEIPTS_KEPT = 2
    waiting = send(token, table="stuck")
    QueuedTable.objects.update(**paused())
    kept = [send(token) for _ in range(5)][-2:]
    while load_next():
        pass

    cleaning.purge_history(now=timezone.now())

    assert list(Batch.objects.order_by("pk")) == [waiting, *kept]
    assert BatchTable.objects.count() == 3


def test_loads_beyond_the_newest_and_older_than_sixty_days_are_forgotten(token, queue, settings):
    settings.LOADS_KEPT = 2
    for _ in range(4):
        send(token)
        load_next()
    oldest = Load.objects.order_by("pk").first()

    cleaning.purge_history(now=timezone.now())
    assert Load.objects.count() == 2
    assert not Load.objects.filter(pk=oldest.pk).exists()

    cleaning.purge_history(now=timezone.now() + timedelta(days=61))
    assert Load.objects.count() == 0


@pytest.mark.django_db(transaction=True)  # no checkpoint inside a transaction
def test_only_the_loader_checkpoints_and_cuts_a_log_that_grew_long(token, queue, monkeypatch):
    send(token)
    for connection in connections.all():
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                assert cursor.execute("PRAGMA wal_autocheckpoint").fetchone() == (0,)
    monkeypatch.setattr(cleaning, "CHECKPOINT_BYTES", 0)
    monkeypatch.setattr(cleaning, "CUT_BYTES", 0)

    cleaning.checkpoint()

    for connection in connections.all():
        if connection.vendor == "sqlite":
            assert Path(f"{connection.settings_dict['NAME']}-wal").stat().st_size == 0


def test_D32_notifications_that_are_over_are_kept_for_a_while_and_not_too_many(monkeypatch):
    now = timezone.now()
    account = make_member().memberships.get().account
    long_ago, lately = now - timedelta(days=61), now - timedelta(days=59)
    kept = [
        make_notification(account=account, now=long_ago),  # open for as long as it lasts
        make_notification(account=account, now=long_ago, cleared_at=lately),
        make_notification(account=account, now=lately, dismissed_at=lately),
    ]
    make_notification(account=account, now=long_ago, cleared_at=long_ago)
    make_notification(account=account, now=long_ago, dismissed_at=long_ago)
    cleaning.purge_history(now=now)
    assert set(Notification.objects.all()) == set(kept)

    newest = make_notification(account=account, cleared_at=now)
    monkeypatch.setattr(cleaning, "NOTIFICATIONS_KEPT", 1)
    cleaning.purge_history(now=now)
    assert set(Notification.objects.all()) == {kept[0], kept[2], newest}
