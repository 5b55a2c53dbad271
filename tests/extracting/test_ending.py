"""Jobs that end before their tap does: stopped, out of time, without their worker (J2)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Account, Task
from accounts.services import task_leases, worker_end
from accounts.services.task_work import carry_out
from integrations.extracting import running, tasks
from integrations.models import Integration, Job, JobTrigger, SourceState
from integrations.queue import accepting
from integrations.services.job_logs import log_expires_at, log_path
from integrations.services.jobs import start_check, start_job, stop_job
from tests.extracting.conftest import configure, extract, ids_of, log_of, open_tasks, ready, state_of, work
from tests.extracting.test_bad_taps import meanwhile
from tests.factories import make_job


def test_a_stopped_job_loads_what_it_has_extracted(source, monkeypatch):
    ready(source, rows=5000, hang_after=1500)
    meanwhile(monkeypatch, lambda run: stop_job(integration=source))
    job = extract(source)
    assert (job.outcome, job.statuses) == ("stopped", [0, -15, 0])
    assert (job.tap_description, job.target_description) == ("Terminated", None)
    assert ids_of(source) == list(range(1, job.records + 1)) != []
    assert log_of(job)[-1].endswith(
        'Tap failed with code -15 and error message: "Terminated". Target succeeded.'
    )


def test_closing_the_account_ends_what_runs(source, monkeypatch):
    ready(source, rows=5000, hang_after=1500)
    of_source = Account.objects.filter(pk=source.account_id)
    meanwhile(monkeypatch, lambda run: of_source.update(closed_at=timezone.now()))
    job = extract(source)
    assert (job.statuses, job.tap_description) == ([0, -15, 0], "Terminated")


def test_a_job_at_its_time_limit_has_no_status_at_all(source, monkeypatch, settings):
    ready(source, rows=5000, hang_after=1500)

    def hurry(run):
        settings.EXTRACTION_MINUTES = 0

    meanwhile(monkeypatch, hurry)
    job = extract(source)
    assert (job.outcome, job.statuses) == ("timed out", [None, None, None])
    assert {job.discovery_description, job.tap_description, job.target_description} == {"Terminated"}
    assert ids_of(source) == list(range(1, job.records + 1)) != []
    assert log_of(job)[-1].endswith("Discovery terminated. Tap terminated. Target terminated.")


def test_O2_a_worker_that_is_told_to_end_ends_its_jobs_and_they_run_again_soon(source, monkeypatch):
    ready(source, rows=5000, hang_after=1500)
    Integration.objects.filter(pk=source.pk).update(next_run_at=timezone.now() + timedelta(hours=1))
    start_job(integration=source, trigger=JobTrigger.SCHEDULE)
    meanwhile(monkeypatch, lambda run: worker_end.ask())
    try:
        work("extraction")
    finally:
        worker_end.forget()
    job = source.jobs.extractions().get()
    assert job.statuses == [0, -15, 0]
    assert "the worker was told to end" in job.tap_description
    source.refresh_from_db()
    assert source.next_run_at < timezone.now() + timedelta(minutes=1)


def test_J2_a_job_whose_worker_is_gone_ends_with_a_word_about_it(source):
    ready(source)
    job = start_job(integration=source, trigger=JobTrigger.SCHEDULE)
    now = timezone.now()
    task = task_leases.claim_next(now=now, full=["check"])
    tasks.begin(job, task)
    Integration.objects.filter(pk=source.pk).update(next_run_at=now + timedelta(hours=1))
    assert not tasks.is_any_left_behind(now)
    later = now + 2 * task_leases.LEASE
    task_leases.reclaim_left_behind(now=later)
    assert tasks.is_any_left_behind(later)
    tasks.end_all_left_behind(later)
    job.refresh_from_db()
    assert (job.outcome, job.discovery_exit_status) == ("failed", 1)
    assert job.discovery_description.startswith("The worker that ran this job ended")
    assert "Exit status is: Discovery failed" in log_of(job)[-1]
    source.refresh_from_db()
    assert source.next_run_at < now + timedelta(minutes=1)
    carry_out(task_leases.claim_next(now=later + timedelta(seconds=5), full=["check"]))
    assert (open_tasks(), source.jobs.extractions().count()) == (0, 1)


def test_J2_the_worker_that_gets_a_begun_job_again_does_not_run_it_twice(source):
    ready(source)
    job = start_job(integration=source, trigger=JobTrigger.API)
    Job.objects.filter(pk=job.pk).update(started_at=timezone.now(), discovery_exit_status=0)
    work("extraction")
    job.refresh_from_db()
    assert (job.statuses, ids_of(source)) == ([0, 1, 0], [])


def test_J2_a_worker_that_lost_its_lease_stores_nothing_more(source, monkeypatch):
    ready(source, rows=5000, hang_after=1500)

    def lose(run):
        Task.objects.filter(pk=run.task.pk).update(lease=None, leased_until=None)

    meanwhile(monkeypatch, lose)
    job = extract(source)
    assert (job.is_open, state_of(source)) == (True, {})


def test_a_task_that_was_given_up_ends_its_job(source):
    ready(source)
    job = start_job(integration=source, trigger=JobTrigger.API)
    task = task_leases.claim_next(now=timezone.now(), full=["check"])
    task_leases.give_up(task, "Every worker that began it ended.", now=timezone.now())
    job.refresh_from_db()
    assert job.outcome == "failed"


def test_a_check_that_another_one_replaced_changes_nothing(source, monkeypatch):
    configure(source, discovery_hangs="true")
    first = start_check(integration=source, actor=None, trigger=JobTrigger.PAGE)
    real = running.Run._raise_what_is_due

    def replace(run, now):
        if run.job == first and not source.jobs.exclude(pk=first.pk).exists():
            start_check(integration=source, actor=None, trigger=JobTrigger.PAGE)
        real(run, now)

    monkeypatch.setattr(running.Run, "_raise_what_is_due", replace)
    work("check")
    first.refresh_from_db()
    assert (first.outcome, first.check_exit_status) == ("stopped", None)
    assert source.jobs.open().count() == 1


def test_I1_a_bookmark_waits_until_the_queue_has_taken_the_rows_before_it(source, monkeypatch):
    ready(source, rows=3000)
    full, real = [], accepting.require_room

    def no_room(size, records):
        if len(full) < 3:
            full.append(state_of(source))
            raise accepting.QueueFull
        real(size, records)

    monkeypatch.setattr(accepting, "require_room", no_room)
    monkeypatch.setattr("integrations.extracting.handing_over.PAUSE_SECONDS", 0.01)
    job = extract(source)
    assert full == [{}, {}, {}]
    assert (job.outcome, len(ids_of(source))) == ("succeeded", 3000)
    assert state_of(source)["bookmarks"]["stream_1"] == {"id": 3000}


def test_I1_a_job_that_ends_while_the_queue_is_full_keeps_its_old_bookmark(source, monkeypatch):
    ready(source, rows=3000)

    def no_room(size, records):
        stop_job(integration=source)
        raise accepting.QueueFull

    monkeypatch.setattr(accepting, "require_room", no_room)
    monkeypatch.setattr(running, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr("integrations.extracting.handing_over.PAUSE_SECONDS", 0.01)
    job = extract(source)
    assert (job.outcome, job.records, state_of(source)) == ("stopped", 0, {})


def test_sequences_rise_even_when_the_clock_goes_back(source):
    ready(source, rows=10)
    ahead = 2**62
    SourceState.objects.create(integration=source, sequence=ahead, updated_at=timezone.now())
    extract(source)
    assert SourceState.objects.get().sequence > ahead


@pytest.mark.parametrize(("plan", "days"), [("free_trial", 1), ("standard", 7), ("premium", 60)])
def test_logs_are_kept_for_as_long_as_the_plan_says(source, plan, days):
    from accounts.models import Plan

    source.account.plan = Plan.objects.get(slug=plan)
    source.account.save()
    now = timezone.now()
    kept = make_job(source, completed_at=now - timedelta(days=days, minutes=-1), log_bytes=1)
    gone = make_job(source, completed_at=now - timedelta(days=days, minutes=1), log_bytes=1)
    for job in (kept, gone):
        log_path(job).parent.mkdir(parents=True, exist_ok=True)
        log_path(job).write_bytes(b"x")
    assert log_expires_at(kept) > now > log_expires_at(gone)
    tasks.forget_old_jobs(now)
    kept.refresh_from_db()
    gone.refresh_from_db()
    assert (kept.log_purged_at, gone.log_purged_at) == (None, now)
    assert (log_path(kept).exists(), log_path(gone).exists()) == (True, False)


def test_jobs_that_nothing_tells_of_any_more_are_removed(source):
    now = timezone.now()
    make_job(source, completed_at=now - timedelta(days=62))
    recent = make_job(source, completed_at=now - timedelta(days=59))
    tasks.forget_old_jobs(now)
    assert source.jobs.get() == recent
