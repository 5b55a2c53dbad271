"""Leases, fencing and pauses: one loader for a table, and none for long when it dies (promises I11, I12)."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import OperationalError, connections
from django.utils import timezone

from integrations.loading.errors import LoadError
from integrations.loading.outcomes import BatchCounts
from integrations.models import BatchTable, ErrorScope, QueuedTable
from integrations.queue import claiming
from integrations.queue.claiming import (
    LeaseLost,
    Mark,
    claim_next,
    mark_loaded,
    pause_after,
    postpone,
    release,
)
from tests.factories import make_access_token, make_integration, make_member
from tests.queue.sending import send

pytestmark = pytest.mark.django_db
BROKEN = LoadError("The key changed.")
AWAY = LoadError("The warehouse is away.", transient=True, scope="destination")


def later(seconds):
    return timezone.now() + timedelta(seconds=seconds)


def test_a_claim_takes_all_that_waits_for_one_table_oldest_first(token, queue):
    sent = [send(token, table="bikes") for _ in range(3)]
    send(token, table="docks")

    claim = claim_next(now=later(0))

    assert [share.batch for share in claim.shares] == sent
    assert claim.table.table_name == "bikes"


def test_a_claim_is_bounded_by_records_and_bytes_but_takes_at_least_one(token, queue, monkeypatch):
    for _ in range(3):
        send(token, records=2)
    monkeypatch.setattr(claiming, "MAX_RECORDS", 4)
    claim = claim_next(now=later(0))
    assert len(claim.shares) == 2

    release(claim)
    monkeypatch.setattr(claiming, "MAX_RECORDS", 1)
    assert len(claim_next(now=later(0)).shares) == 1


def test_the_table_served_longest_ago_comes_first(token, queue):
    for table in ("bikes", "docks"):
        send(token, table=table)
    claim = claim_next(now=later(0))
    release(claim)

    assert claim_next(now=later(0)).table.table_name == "docks"


@pytest.mark.parametrize("same_account", [True, False], ids=["same account", "other account"])
def test_I11_a_sender_of_new_tables_holds_nobody_else_up(token, queue, same_account):
    """A table never served came before every other: thousands of names stopped all other loading."""
    other = make_access_token(
        make_integration(token.account if same_account else make_member().memberships.get().account)
    )[0]
    send(other, table="patient")
    release(claim_next(now=later(0)))
    for number in range(5):
        send(token, table=f"new {number}")
    send(other, table="patient")

    claimed = []
    for second in range(1, 4):
        claim = claim_next(now=later(second))
        claimed.append(claim.table.table_name)
        mark_loaded(
            Mark(claim, {share.pk: BatchCounts() for share in claim.shares}, later(second)),
            now=later(second),
        )
        release(claim)

    assert claimed == ["new 0", "patient", "new 1"]


def test_a_held_table_is_claimed_by_nobody_else_not_even_what_came_later(token, queue):
    send(token)
    assert claim_next(now=later(0)) is not None
    send(token)

    assert claim_next(now=later(1)) is None


def test_an_account_has_one_loader_because_its_warehouse_admits_one_writer(token, queue):
    other = make_access_token(make_integration(token.account))[0]
    send(token)
    send(other)
    assert claim_next(now=later(0)) is not None

    assert claim_next(now=later(1)) is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_number", range(5))
def test_of_many_loaders_one_gets_the_table(token, queue, round_number):
    send(token)
    now = later(0)

    def claim(_):
        try:
            return claim_next(now=now)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        claims = [found for found in pool.map(claim, range(8)) if found is not None]

    assert len(claims) == 1


def test_a_lease_that_ran_out_is_taken_again_and_its_first_holder_can_change_nothing(token, queue):
    send(token)
    first = claim_next(now=later(0))
    second = claim_next(now=later(claiming.LEASE.total_seconds() + 1))

    assert second is not None
    assert second.lease != first.lease
    with pytest.raises(LeaseLost):
        mark_loaded(Mark(first, {first.shares[0].pk: BatchCounts(inserted=1)}, later(0)), now=later(0))
    postpone(first, BROKEN, now=later(0))
    release(first)
    assert BatchTable.objects.get().state == "waiting"
    assert QueuedTable.objects.get().lease == second.lease


def test_a_table_that_outlives_its_loaders_pauses_longer_each_time(token, queue):
    send(token)
    now, pauses = later(0), []
    for _ in range(4):
        assert claim_next(now=now) is not None
        now += claiming.LEASE
        claiming.reclaim_left_behind(now=now)
        pauses.append(QueuedTable.objects.get().not_before - now)
        now += pauses[-1]

    assert pauses[0] == timedelta(0)
    assert timedelta(0) < pauses[1] < pauses[2] < pauses[3]


@pytest.mark.django_db(transaction=True)
def test_a_living_loader_keeps_its_lease(token, queue, monkeypatch):
    send(token)
    monkeypatch.setattr(claiming, "RENEWAL_SECONDS", 0.01)
    claim = claim_next(now=later(0))
    before = claim.table.leased_until

    with claiming.kept_alive(claim):
        give_up = later(5)
        while QueuedTable.objects.get().leased_until <= before and timezone.now() < give_up:
            pass

    assert QueuedTable.objects.get().leased_until > before


@pytest.mark.django_db(transaction=True)
def test_a_database_that_does_not_answer_once_costs_no_lease(token, queue, monkeypatch):
    send(token)
    monkeypatch.setattr(claiming, "RENEWAL_SECONDS", 0.01)
    claim, renewing, renewed = claim_next(now=later(0)), [], threading.Event()

    def now():
        renewing.append(1)
        if len(renewing) == 1:
            raise OperationalError("database is locked")
        renewed.set()
        return timezone.now()

    with monkeypatch.context() as patch:
        patch.setattr(claiming, "timezone", SimpleNamespace(now=now))
        with claiming.kept_alive(claim):
            assert renewed.wait(60)


def test_I12_pauses_grow_from_one_second_to_five_minutes_and_differ():
    assert timedelta(seconds=1) <= pause_after(1) <= timedelta(seconds=1.25)
    assert all(pause_after(n) <= timedelta(minutes=5) for n in range(1, 40))
    assert all(pause_after(40) >= timedelta(minutes=3.75) for _ in range(20))
    assert len({pause_after(5) for _ in range(10)}) > 1


def test_I11_a_table_that_fails_waits_alone_and_says_why(token, queue):
    send(token, table="bikes")
    send(token, table="docks")
    now = later(0)
    claim = claim_next(now=now)
    postpone(claim, BROKEN, now=now, others=[token.integration_id])

    entry = QueuedTable.objects.get(table_name="bikes")
    assert (entry.error, entry.error_scope, entry.failing_since, entry.lease) == (
        "The key changed.",
        ErrorScope.TABLE,
        now,
        None,
    )
    assert entry.not_before > now
    assert claim_next(now=now).table.table_name == "docks"


def test_after_a_fault_of_its_own_a_table_tries_its_oldest_batch_alone(token, queue):
    for _ in range(3):
        send(token)
    postpone(claim_next(now=later(0)), BROKEN, now=later(0))

    assert len(claim_next(now=later(10)).shares) == 1


def test_a_table_that_outlived_several_loaders_tries_its_oldest_batch_alone(token, queue):
    """One that costs its loader the life (memory, an engine's crash) takes nothing with it that came before."""
    for _ in range(3):
        send(token)
    taken, now = [], later(0)
    for _ in range(4):
        taken.append(len(claim_next(now=now).shares))
        claiming.reclaim_left_behind(now=now + claiming.LEASE)
        now += claiming.LEASE + timedelta(minutes=5)

    assert taken == [3, 3, 3, 1]


def test_I12_a_destination_that_is_away_makes_all_its_tables_wait_and_then_all_go_on(token, queue):
    for table in ("bikes", "docks", "riders"):
        send(token, table=table)
    now = later(0)
    claim = claim_next(now=now)
    postpone(claim, AWAY, now=now, others=[token.integration_id])

    assert QueuedTable.objects.filter(error=AWAY.message, not_before__gt=now, failing_since=now).count() == 3
    assert claim_next(now=now) is None

    claim = claim_next(now=now + timedelta(seconds=2))
    release(claim)
    claiming.release_destination([token.integration_id], now=now)
    assert QueuedTable.objects.filter(error="", attempts=0, failing_since=None).count() == 3


def test_a_share_that_was_set_aside_does_not_stop_its_table(token, queue):
    send(token)
    second = send(token)
    now = later(0)
    claiming.set_aside(BatchTable.objects.earliest("pk"), "gone", now=now)

    assert [share.batch for share in claim_next(now=now).shares] == [second]
