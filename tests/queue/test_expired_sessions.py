"""The loader's housekeeping removes sessions and cache entries that nobody can use any more."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from integrations.queue.working import LoaderProcess, forget_expired_cache_entries

pytestmark = pytest.mark.django_db


def test_expired_sessions_are_removed_and_others_kept(queue):
    now = timezone.now()
    Session.objects.create(session_key="old", session_data="", expire_date=now - timedelta(hours=1))
    Session.objects.create(session_key="new", session_data="", expire_date=now + timedelta(hours=1))
    loader = LoaderProcess()
    loader.purge()
    loader.end()
    assert set(Session.objects.values_list("session_key", flat=True)) == {"new"}


def test_expired_cache_entries_are_removed_and_others_kept(db):
    cache.set("old", 1, timeout=60)
    cache.set("new", 1, timeout=3600)

    forget_expired_cache_entries(now=timezone.now() + timedelta(minutes=5))

    with connection.cursor() as cursor:
        cursor.execute("SELECT cache_key FROM cache")
        assert [key for (key,) in cursor.fetchall()] == [":1:new"]
