"""Extractions that fail are told of once, and a good one ends it (app.md 12.3)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.models import Kind
from integrations.services.extraction_notices import tell_of_extraction
from tests.factories import make_account, make_job, make_member, make_source
from tests.pages import Page

pytestmark = pytest.mark.django_db
FAILED = {"tap_exit_status": 1, "tap_description": "No route to host"}
UNREACHABLE = {
    "discovery_exit_status": 1,
    "discovery_description": "Connection refused",
    "tap_exit_status": None,
    "target_exit_status": None,
}
TIMED_OUT = dict.fromkeys(("discovery_exit_status", "tap_exit_status", "target_exit_status"))


@pytest.fixture
def account():
    account = make_account()
    make_member(account)
    return account


@pytest.fixture
def source(account):
    return make_source(account, display_name="Shop")


def run(source, **fields):
    job = make_job(source, **fields)
    tell_of_extraction(job, now=timezone.now())
    return job


def told(account):
    return [(each.kind, each.details, each.occurrences) for each in account.notifications.open()]


def test_failures_are_counted_on_one_notification_and_a_good_run_ends_it(account, source):
    run(source, **FAILED)
    run(source, **FAILED)
    assert told(account) == [("extraction_exit_status", "No route to host", 2)]
    note = account.notifications.get()
    assert note.message == "Encountered error while attempting to replicate data from Shop."
    assert note.mail_due_at - note.began_at == timedelta(minutes=60)
    run(source)
    assert told(account) == []


def test_a_database_that_cannot_be_looked_at_is_told_as_such(account, source):
    run(source, **UNREACHABLE)
    assert told(account) == [("database_integration_error", "Connection refused", 1)]
    run(source, **FAILED)
    assert told(account) == [("extraction_exit_status", "No route to host", 1)]
    csv = make_source(account, type="platform.csv-files", display_name="Files")
    run(csv, **UNREACHABLE)
    assert account.notifications.open().get(integration=csv).kind == Kind.EXTRACTION_EXIT_STATUS.stored


def test_one_out_of_time_is_told_and_a_stopped_one_changes_nothing(account, source):
    run(source, **TIMED_OUT)
    assert "time limit of 23.5 hours" in told(account)[0][1]
    run(source, tap_exit_status=-15, stop_asked_at=timezone.now())
    assert len(told(account)) == 1


def test_a_deleted_source_tells_nothing(account, source):
    source.deleted_at = timezone.now()
    source.save()
    run(source, **FAILED)
    assert told(account) == []


def test_the_notification_leads_to_the_logs(client, account, source):
    run(source, **FAILED)
    client.force_login(account.memberships.get().user)
    shown = Page(client.get(f"/client/{account.client_id}/notifications"))
    assert "No route to host" in shown.words
    address = f"/client/{account.client_id}/pipeline/connections/{source.pk}/extractions"
    assert shown.links["the full extraction logs"] == address
