"""Starting and stopping jobs: one of a kind for each source (J1), who may run, and what is written down."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connections, transaction
from django.utils import timezone

from accounts.audit import Event
from accounts.models import Task
from integrations.models import Job, JobMode, JobTrigger, SetUpStep
from integrations.services.integrations import delete_integration
from integrations.services.jobs import (
    IntegrationDeleted,
    JobRunning,
    NotRunnable,
    log_path,
    read_log,
    start_check,
    start_job,
    stop_job,
)
from tests.factories import (
    make_account,
    make_api_key,
    make_integration,
    make_job,
    make_member,
    make_postgres_destination,
    make_source,
)

RACERS = 50


@pytest.fixture
def source(account, member):
    return make_source(account)


def events(source):
    return list(source.account.audit_events.order_by("pk").values_list("event", flat=True))


@pytest.mark.django_db(transaction=True)
def test_J1_of_fifty_parallel_starts_one_begins_and_the_others_are_told_its_name():
    account = make_account()
    make_member(account)
    source = make_source(account)
    together = Barrier(RACERS)

    def start(_):
        try:
            together.wait()
            return start_job(integration=source, trigger=JobTrigger.API).name, "started"
        except JobRunning as error:
            return error.job.name, "told"
        finally:
            connections.close_all()

    with ThreadPoolExecutor(RACERS) as pool:
        answers = list(pool.map(start, range(RACERS)))
    assert sorted(outcome for _, outcome in answers) == ["started"] + ["told"] * (RACERS - 1)
    job = source.jobs.get()
    assert {name for name, _ in answers} == {job.name}
    assert Task.objects.get(kind="extraction").facts == {"job": job.pk}


def test_a_job_its_task_and_its_event_are_written_together(source, member):
    key, _ = make_api_key(source.account)
    job = start_job(integration=source, actor=member, api_key=key, trigger=JobTrigger.API)
    assert job.name.startswith(f"{source.account.client_id}.{source.pk}.sync.")
    assert (job.outcome, job.started_by, job.trigger) == ("running", member, "api")
    task = Task.objects.get(kind="extraction")
    assert (task.key, task.facts, task.account) == (job.name, {"job": job.pk}, source.account)
    event = source.account.audit_events.get(event=Event.EXTRACTION_STARTED)
    assert (event.actor, event.api_key_last_four, event.object_id) == (member, key.last_four, source.pk)
    assert event.detail == {"job": job.name}


def test_nothing_is_left_of_a_start_that_is_rolled_back(source):
    with pytest.raises(RuntimeError), transaction.atomic():
        start_job(integration=source, trigger=JobTrigger.API)
        raise RuntimeError
    assert not Job.objects.exists()
    assert not Task.objects.exists()
    assert events(source) == []


def test_what_the_schedule_starts_is_no_event_of_the_trail(source):
    start_job(integration=source, trigger=JobTrigger.SCHEDULE)
    assert events(source) == []


def test_the_same_idempotency_key_gives_the_same_job_for_a_day(source):
    def start(key="once"):
        return start_job(integration=source, trigger=JobTrigger.API, idempotency_key=key)

    first = start()
    assert start() == first
    with pytest.raises(JobRunning):
        start("another")
    Job.objects.update(completed_at=timezone.now())
    assert start() == first
    Job.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert start() != first


def test_a_source_that_a_member_paused_runs_and_stays_paused(source):
    source.paused_at = timezone.now()
    source.save()
    start_job(integration=source, trigger=JobTrigger.API)
    source.refresh_from_db()
    assert source.paused_at is not None


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"system_paused_at": timezone.now()}, "paused by the system"),
        ({"step": SetUpStep.FIELD_SELECTION}, "not fully configured"),
        ({"step": SetUpStep.FORM}, "not fully configured"),
        ({"type": "import_api"}, "Programs push data"),
    ],
)
def test_who_cannot_run_is_told_why(account, member, fields, told):
    source = make_integration(account, **{"type": "platform.hp-postgres"} | fields)
    with pytest.raises(NotRunnable, match=told):
        start_job(integration=source, trigger=JobTrigger.API)
    assert not Job.objects.exists()


def test_without_a_destination_nothing_runs(source, settings):
    settings.EMBEDDED_WAREHOUSE = False
    with pytest.raises(NotRunnable, match="no destination"):
        start_job(integration=source, trigger=JobTrigger.API)
    gone = make_postgres_destination(source.account, deleted_at=timezone.now())
    source.destination = gone
    source.save()
    with pytest.raises(NotRunnable, match="no destination"):
        start_job(integration=source, trigger=JobTrigger.API)


def test_a_closed_account_and_one_whose_trial_is_over_run_nothing(source):
    source.account.closed_at = timezone.now()
    source.account.save()
    with pytest.raises(NotRunnable, match="closed"):
        start_job(integration=source, trigger=JobTrigger.API)


def test_a_deleted_source_runs_nothing_and_its_jobs_end(source, member):
    waiting = start_job(integration=source, trigger=JobTrigger.API)
    check = make_job(source, mode=JobMode.CHECK, completed_at=None, discovery_exit_status=None)
    delete_integration(integration=source, actor=member)
    waiting.refresh_from_db()
    check.refresh_from_db()
    assert waiting.outcome == "stopped"
    assert (check.completed_at, check.stopped_by) == (None, member)  # its worker sees it
    with pytest.raises(IntegrationDeleted):
        start_job(integration=source, trigger=JobTrigger.API)
    with pytest.raises(IntegrationDeleted):
        start_check(integration=source, actor=member, trigger=JobTrigger.PAGE)
    assert stop_job(integration=source) is None


def test_a_job_that_no_worker_has_begun_is_stopped_at_once(source, member):
    job = start_job(integration=source, trigger=JobTrigger.PAGE)
    assert stop_job(integration=source, actor=member) == job
    job.refresh_from_db()
    assert (job.outcome, job.stopped_by, job.completed_at) == ("stopped", member, job.stop_asked_at)
    assert (job.discovery_exit_status, job.discovery_description) == (-15, "Terminated")
    assert (job.tap_exit_status, job.target_exit_status) == (None, None)
    assert not Task.objects.exists()
    assert events(source) == [Event.EXTRACTION_STARTED, Event.EXTRACTION_STOPPED]
    assert stop_job(integration=source) is None


def test_a_running_job_is_asked_to_stop_once(source, member):
    job = make_job(source, completed_at=None)
    stop_job(integration=source, actor=member)
    stop_job(integration=source, actor=member)
    job.refresh_from_db()
    assert (job.outcome, job.stopped_by) == ("running", member)
    assert events(source) == [Event.EXTRACTION_STOPPED]


def test_a_check_takes_the_place_of_the_one_before(source, member):
    first = start_check(integration=source, actor=member, trigger=JobTrigger.SET_UP)
    second = start_check(integration=source, actor=member, trigger=JobTrigger.PAGE)
    first.refresh_from_db()
    assert first.outcome == "stopped"
    assert source.jobs.open().get() == second
    assert Task.objects.get().key == second.name
    start_job(integration=source, trigger=JobTrigger.API)  # a check is in no extraction's way


def test_a_check_of_what_programs_push_to_is_refused(account, member):
    with pytest.raises(NotRunnable):
        start_check(integration=make_integration(account), actor=member, trigger=JobTrigger.PAGE)


def test_a_log_is_read_piece_by_piece(source, settings, tmp_path, monkeypatch):
    settings.DATA_DIR = tmp_path
    monkeypatch.setattr("integrations.services.job_logs.MOST_READ", 4)
    job = make_job(source)
    assert read_log(job) == b""
    log_path(job).parent.mkdir(parents=True)
    log_path(job).write_bytes(b"abcdef")
    assert [read_log(job, offset) for offset in (0, 4, 6)] == [b"abcd", b"ef", b""]
    job.log_purged_at = timezone.now()
    assert read_log(job) == b""
