"""The loader's housekeeping removes sessions that nobody can use any more."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

from integrations.queue.working import LoaderProcess

pytestmark = pytest.mark.django_db


def test_expired_sessions_are_removed_and_others_kept(queue):
    now = timezone.now()
    Session.objects.create(session_key="old", session_data="", expire_date=now - timedelta(hours=1))
    Session.objects.create(session_key="new", session_data="", expire_date=now + timedelta(hours=1))
    loader = LoaderProcess()
    loader.purge()
    loader.end()
    assert set(Session.objects.values_list("session_key", flat=True)) == {"new"}
