"""Every minute: data that waits without an error is told of, and what is not so any more is ended (app.md 12.1)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Task
from accounts.services.holds import Hold, lift_hold, place_hold
from accounts.services.tasks import HANDLERS
from integrations.loading.errors import LoadError
from integrations.models import Batch, BatchTable, Kind, Notification, QueuedTable
from integrations.queue import bodies
from integrations.queue.loader import load_next
from integrations.queue.watching import LATE, watch
from integrations.services.notifications import MAILS, raise_notification
from tests.factories import make_notification, make_rejected
from tests.queue.sending import send
from tests.queue.test_loader import drain
from tests.queue.test_telling import fail, told, try_again

pytestmark = pytest.mark.django_db
DELAYED = [(Kind.INTERNAL_LOADING.stored, 1)]


def test_I12_data_that_waits_for_long_without_an_error_is_told_until_it_is_loaded(token, queue):
    send(token)
    now = timezone.now()
    assert LATE + HANDLERS["notifications-watch"].every <= timedelta(minutes=5)
    watch(now + LATE - timedelta(minutes=1))
    assert told() == []
    watch(now + LATE + timedelta(minutes=1))
    assert told() == DELAYED
    note = Notification.objects.get()
    assert (note.account, note.integration) == (token.account, None)
    assert note.message.startswith("Data that was accepted more than 4 minutes ago is not loaded yet")
    drain()
    watch(now + LATE + timedelta(minutes=2))
    assert told() == []


def test_what_waits_because_the_account_is_on_hold_is_no_delay(token, queue):
    send(token)
    late = timezone.now() + LATE + timedelta(minutes=1)
    place_hold(account=token.account, hold=Hold.STAFF, actor=None, by_staff=True)
    watch(late)
    assert told() == []
    lift_hold(account=token.account, hold=Hold.STAFF, actor=None, by_staff=True)
    watch(late)
    assert told() == DELAYED
    place_hold(account=token.account, hold=Hold.STAFF, actor=None, by_staff=True)
    watch(late)
    assert told() == []


def test_what_waits_because_of_an_error_is_no_delay(token, queue, monkeypatch):
    fail(monkeypatch, LoadError("Key mismatch"))
    send(token)
    drain()
    watch(timezone.now() + timedelta(days=1))
    assert told() == [(Kind.ERROR_PERSISTING_TABLE.stored, 1)]


def test_what_fails_stays_told(token, queue, monkeypatch):
    fail(
        monkeypatch,
        LoadError("Key mismatch"),
        LoadError("wrong password", scope="destination"),
        LoadError("wrong password", scope="destination"),
    )
    send(token)
    load_next()
    send(token, table="docks")
    load_next()
    before = told()
    assert len(before) == 2
    watch(timezone.now())
    assert told() == before


def test_what_fails_no_more_is_ended_though_nobody_said_so(token, queue, monkeypatch):
    fail(monkeypatch, LoadError("Key mismatch"), LoadError("wrong password", scope="destination"))
    send(token)
    load_next()
    send(token, table="docks")
    load_next()
    BatchTable.objects.update(state="loaded")
    QueuedTable.objects.update(error="", error_scope="")
    watch(timezone.now())
    assert told() == []


def test_what_could_not_be_read_is_told_until_it_was(token, queue, monkeypatch):
    from integrations.queue.segments import BodyMissing

    def missing(*where):
        raise BodyMissing("The segment is gone.")

    with monkeypatch.context() as patch:
        patch.setattr(bodies, "read_body", missing)
        send(token)
        drain()
    watch(timezone.now())
    assert told() == DELAYED
    BatchTable.objects.update(not_before=None)
    try_again()
    watch(timezone.now())
    assert told() == []


def test_rejected_records_are_told_as_long_as_the_plan_shows_them(token, queue):
    make_rejected(token.integration)
    Batch.objects.all().update(received_at=timezone.now())
    BatchTable.objects.update(state="loaded")
    watch(timezone.now())
    assert told() == [(Kind.REJECTED_RECORDS.stored, 1)]
    watch(timezone.now())
    assert told() == [(Kind.REJECTED_RECORDS.stored, 1)]
    watch(timezone.now() + timedelta(days=token.account.plan.report_days, minutes=1))
    assert told() == []


def test_what_others_tell_is_left_alone(token, queue):
    account = token.account
    make_notification(account=account, kind=Kind.ROW_LIMIT_REACHED)
    raise_notification(
        account=account, kind=Kind.UNDELIVERABLE_HOOK, cause="hook:1", message="No.", now=timezone.now()
    )
    watch(timezone.now())
    assert len(told()) == 2


def test_a_mail_that_no_task_is_left_to_send_is_asked_for_again(token, queue):
    now = timezone.now()
    raise_notification(
        account=token.account, kind=Kind.ROW_LIMIT_REACHED, cause="limit", message="Full.", now=now - LATE * 2
    )
    task = Task.objects.get(kind=MAILS)
    watch(now)
    assert Task.objects.get(kind=MAILS) == task
    Task.objects.update(failed_at=now)
    for _ in range(2):
        watch(now)
    assert Task.objects.open().get(kind=MAILS).due_at == now
