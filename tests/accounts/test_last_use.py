"""P10: last use is true to a minute, and noting it never makes a request wait."""

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from accounts.models import Account, ApiKey
from accounts.services.key_authentication import authenticate_api_key
from accounts.services.last_use import gathered
from tests.factories import make_account, make_api_key, make_member


@pytest.fixture
def made():
    account = make_account()
    make_member(account)
    return make_api_key(account)


def use(secret, now):
    authenticate_api_key(authorization=f"Bearer {secret}", now=now)
    return ApiKey.objects.get().last_used_at


@pytest.mark.django_db
def test_P10_once_a_minute(made, django_assert_num_queries):
    _, secret = made
    start = timezone.now()
    assert use(secret, start) == start
    with django_assert_num_queries(1):
        authenticate_api_key(authorization=f"Bearer {secret}", now=start + timedelta(seconds=59))
    assert use(secret, start + timedelta(seconds=59)) == start
    assert use(secret, start + timedelta(seconds=60)) == start + timedelta(seconds=60)


@pytest.mark.django_db(transaction=True)
def test_P10_while_another_holds_the_row_no_request_waits_and_the_use_is_noted_later(made):
    """On SQLite the other holds the whole database, on PostgreSQL the key's row."""
    key, secret = made
    held, release = threading.Event(), threading.Event()

    def hold():
        try:
            with transaction.atomic():
                ApiKey.objects.select_for_update().get(pk=key.pk)
                Account.objects.filter(pk=key.account_id).update(company_name="Held")
                held.set()
                release.wait(30)
        finally:
            connections.close_all()

    other = threading.Thread(target=hold)
    other.start()
    assert held.wait(10)
    try:
        begun = time.monotonic()
        now = timezone.now()
        authenticate_api_key(authorization=f"Bearer {secret}", now=now)
        assert time.monotonic() - begun < 5, "the use waited for the other transaction"
        assert ApiKey.objects.get().last_used_at is None
    finally:
        release.set()
        other.join()
    gathered.write_now()
    assert ApiKey.objects.get().last_used_at == now
    later = now + timedelta(minutes=1)
    assert use(secret, later) == later


@pytest.mark.django_db(transaction=True)
def test_P10_afterwards_the_connection_waits_for_locks_as_before(made):
    _, secret = made
    use(secret, timezone.now())
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout")
            assert cursor.fetchone() == (20_000,)
