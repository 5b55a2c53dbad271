"""The scheduler: what is due starts once, whoever looks; what was missed is made up for once (app.md 10.5)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Task
from accounts.services.task_leases import claim_next
from accounts.services.tasks import HANDLERS, TIMED_KEY, add_task
from integrations.models import Integration, Job
from integrations.services import scheduler
from integrations.services.integrations import pause_integration
from integrations.services.scheduler import anything_due, start_due_job, start_due_jobs
from tests.factories import make_account, make_job, make_member, make_source

pytestmark = pytest.mark.django_db
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def account():
    account = make_account()
    make_member(account, email="owner@example.com")
    return account


def due_source(account, *, ago=timedelta(0), **fields):
    """A source that runs every hour and was to start so long ago."""
    due = timezone.now() - ago
    properties = {"frequency_in_minutes": "60", "anchor_time": due.isoformat()}
    source = make_source(account, **{"next_run_at": due, "properties": properties} | fields)
    make_job(source, created_at=due - HOUR, completed_at=due - HOUR)
    return source


def started(source):
    return source.jobs.open()


def test_what_is_due_starts_and_its_next_start_is_planned(account):
    source = due_source(account)
    later = due_source(account, next_run_at=timezone.now() + MINUTE)
    now = timezone.now()
    start_due_jobs(now)
    job = started(source).get()
    assert (job.trigger, job.mode, job.started_by) == ("schedule", "sync", None)
    assert Task.objects.get(key=job.name).facts == {"job": job.pk}
    due = source.next_run_at
    source.refresh_from_db()
    assert source.next_run_at == due + HOUR
    assert not started(later).exists()
    start_due_jobs(now)
    assert source.jobs.count() == 2


def test_missed_starts_are_made_up_for_once(account):
    source = due_source(account, ago=30 * HOUR + 7 * MINUTE)
    now = timezone.now()
    start_due_jobs(now)
    assert started(source).count() == 1
    due = source.next_run_at
    source.refresh_from_db()
    assert source.next_run_at == due + 31 * HOUR
    start_due_jobs(now)
    assert started(source).count() == 1


def test_a_start_that_falls_into_a_running_extraction_is_skipped(account):
    source = due_source(account)
    running = make_job(source, completed_at=None)
    start_due_jobs(timezone.now())
    assert [job.pk for job in started(source)] == [running.pk]
    due = source.next_run_at
    source.refresh_from_db()
    assert source.next_run_at == due + HOUR


def test_what_was_paused_meanwhile_does_not_start(account):
    source = due_source(account)
    read = Integration.objects.get(pk=source.pk)
    pause_integration(integration=source, actor=account.memberships.get().user)
    assert not start_due_job(integration=read, now=timezone.now())
    assert not started(source).exists()
    source.refresh_from_db()
    assert source.next_run_at is None


def test_a_source_that_cannot_run_waits_for_its_next_start(account):
    source = due_source(account)
    account.closed_at = timezone.now()
    account.save(update_fields=["closed_at"])
    start_due_jobs(timezone.now())
    assert not started(source).exists()
    due = source.next_run_at
    source.refresh_from_db()
    assert source.next_run_at == due + HOUR
    assert not anything_due(timezone.now())


def test_a_cron_schedule_that_names_no_moment_any_more_starts_its_last_one(account):
    source = due_source(account)
    source.properties = {"cron_expression": "0 0 0 1 1 ? 2024"}
    source.save()
    start_due_jobs(timezone.now())
    assert started(source).count() == 1
    source.refresh_from_db()
    assert source.next_run_at is None


def test_one_sources_surprise_keeps_no_other_from_its_turn(account, monkeypatch):
    bad, good = due_source(account, ago=HOUR), due_source(account)
    whole = scheduler.start_job

    def surprising(*, integration, trigger):
        if integration.pk == bad.pk:
            raise RuntimeError("nobody thought of this")
        return whole(integration=integration, trigger=trigger)

    monkeypatch.setattr(scheduler, "start_job", surprising)
    now = timezone.now()
    start_due_jobs(now)
    assert started(good).count() == 1
    bad.refresh_from_db()
    assert bad.next_run_at == now + scheduler.AFTER_ERROR
    assert not anything_due(now)


def test_more_than_a_slice_is_started(account, monkeypatch):
    monkeypatch.setattr(scheduler, "SLICE", 2)
    sources = [due_source(account, ago=number * MINUTE) for number in range(5)]
    start_due_jobs(timezone.now())
    assert [started(source).count() for source in sources] == [1] * 5


def test_looking_is_one_query_by_the_index_and_writes_nothing(account):
    due_source(account, next_run_at=timezone.now() + MINUTE)
    add_task("start_due_jobs", key=TIMED_KEY)
    kinds = set(HANDLERS) - {"start_due_jobs"}
    with CaptureQueriesContext(connection) as queries:
        assert claim_next(now=timezone.now(), full=kinds) is None
    looked = [query["sql"] for query in queries if "next_run_at" in query["sql"]]
    assert len(looked) == 1
    assert not [query for query in queries if query["sql"].startswith(("UPDATE", "INSERT"))]
    plan = Integration.objects.filter(next_run_at__lte=timezone.now()).order_by("next_run_at").explain()
    if connection.vendor == "sqlite":  # PostgreSQL reads a table of one row as it is
        assert "integration_by_next_run" in plan
    due_source(account)
    assert claim_next(now=timezone.now(), full=kinds).kind == "start_due_jobs"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_number", range(3))
def test_J1_of_many_workers_one_starts_what_is_due(account, round_number):
    source = due_source(account)
    read = [Integration.objects.select_related("account").get(pk=source.pk) for _ in range(6)]
    barrier, now = Barrier(6), timezone.now()

    def start(integration):
        barrier.wait()
        try:
            return start_due_job(integration=integration, now=now)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(start, read))
    assert outcomes.count(True) == 1
    assert Job.objects.filter(integration=source, completed_at=None).count() == 1
