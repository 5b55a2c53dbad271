"""Counting tries over all workers (promise S6, decision D37)."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.cache import cache
from django.db import connections
from django.utils import timezone

from accounts.services import throttle

pytestmark = pytest.mark.django_db
THREE = throttle.Limit("three", most=3, seconds=600)


def test_places_run_out_and_come_back():
    places = [throttle.take_place(THREE, "here", "ann") for _ in range(3)]
    assert len(set(places)) == 3
    assert throttle.take_place(THREE, "here", "ann") is None
    assert throttle.take_place(THREE, "there", "ann") is not None
    throttle.give_back(places[1])
    assert throttle.take_place(THREE, "here", "ann") == places[1]


def test_the_wait_is_until_the_oldest_try_is_over(monkeypatch):
    now = throttle.time.time()
    for age in (500, 100, 0):
        monkeypatch.setattr(throttle.time, "time", lambda age=age: now - age)
        throttle.take_place(THREE, "ann")
    monkeypatch.setattr(throttle.time, "time", lambda: now)
    assert throttle.minutes_to_wait(THREE, "ann") == 2
    assert throttle.minutes_to_wait(THREE, "bob") == 0


def test_a_place_is_free_again_when_its_time_is_over(monkeypatch):
    for _ in range(3):
        throttle.take_place(THREE, "ann")
    later = timezone.now() + timezone.timedelta(seconds=601)
    monkeypatch.setattr("django.core.cache.backends.db.tz_now", lambda: later)
    assert throttle.take_place(THREE, "ann") is not None


def test_what_is_counted_stands_nowhere_in_clear():
    place = throttle.take_place(THREE, "198.51.100.7", "ann@example.com")
    assert "ann" not in place
    assert isinstance(cache.get(place), float)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        (None, ""),
    ],
)
def test_a_caller_is_counted_by_what_it_cannot_change(address, network):
    assert throttle.network_of(address) == network


@pytest.mark.django_db(transaction=True)
def test_S6_parallel_tries_do_not_pass_together():
    def take(_):
        try:
            return throttle.take_place(THREE, "ann")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(20) as threads:
        taken = [place for place in threads.map(take, range(20)) if place is not None]
    assert len(taken) == len(set(taken)) == 3
