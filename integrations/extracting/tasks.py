"""Jobs as background tasks: begun by a worker, ended whatever happens to it (promise J2).

The machinery is imported when the first job runs: an idle worker has no use for it.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Plan, Task
from accounts.services.task_leases import holding
from accounts.services.tasks import at_start, handles, timed
from integrations.extracting import folders
from integrations.extracting.endings import TERMINATED, TERMINATED_STATUS, WORKER_DIED, Phases
from integrations.models import Job, JobTrigger
from integrations.services.job_logs import log_path
from integrations.services.jobs import CHECK_TASK, EXTRACTION_TASK

logger = logging.getLogger("integrations.extracting")
LEFT_BEHIND_EVERY = timedelta(seconds=2)
ROWS_KEPT = timedelta(days=61)  # an extraction is told of for 60
AT_ONCE = 500
KINDS = (CHECK_TASK, EXTRACTION_TASK)


def end_if_open(task: Task) -> None:
    """End the job of a task that was given up."""
    job = Job.objects.filter(pk=task.facts["job"]).first()
    if job is not None:
        end_left_behind(job)


def extraction_places() -> int:
    return int(settings.EXTRACTIONS)


def check_places() -> int:
    return int(settings.JOBS)


@handles(EXTRACTION_TASK, pauses=(), exhausted=end_if_open, shown=("job",), places=extraction_places)
def carry_out_extraction(task: Task) -> None:
    """Extract a source."""
    carry_out(task)


@handles(CHECK_TASK, pauses=(), exhausted=end_if_open, shown=("job",), places=check_places)
def carry_out_check(task: Task) -> None:
    """Check a source's connection and discover what is there."""
    carry_out(task)


def carry_out(task: Task) -> None:
    """Run the task's job, once: one that a worker had begun before this one is over."""
    job = Job.objects.select_related("integration__account", "account").filter(pk=task.facts["job"]).first()
    if job is None or job.completed_at is not None:
        return
    if job.started_at is not None or not begin(job, task):
        end_left_behind(job)
        return
    from integrations.extracting.running import Run

    Run(job=job, task=task).carry_out()


def begin(job: Job, task: Task) -> bool:
    """Mark the job as begun, if nobody has begun or ended it."""
    with holding(task):
        waiting = Job.objects.filter(pk=job.pk, started_at=None, completed_at=None, stop_asked_at=None)
        job.started_at = timezone.now()
        return bool(waiting.update(started_at=job.started_at))


def left_behind() -> QuerySet[Job]:
    """Return the jobs that a worker began and that no worker has in hand."""
    held = Task.objects.held().filter(kind__in=KINDS)
    return Job.objects.open().filter(started_at__isnull=False).exclude(name__in=held.values("key"))


def is_any_left_behind(now: datetime) -> bool:
    return left_behind().exists()


@timed("jobs.end_left_behind", every=LEFT_BEHIND_EVERY, is_needed=is_any_left_behind)
def end_all_left_behind(now: datetime) -> None:
    """End the jobs whose worker is gone, even while all places for their kind are taken."""
    for job in left_behind().order_by("pk")[:AT_ONCE]:
        end_left_behind(job)


def end_left_behind(job: Job) -> None:
    """Complete a job that nobody runs any more, with a word about why."""
    job.refresh_from_db()
    if job.completed_at is not None:
        return
    phases = Phases(discovery_exit_status=job.discovery_exit_status)
    if job.stop_asked_at is not None:
        phases.interrupt(TERMINATED, status=TERMINATED_STATUS)
    else:
        phases.interrupt(WORKER_DIED, status=1)
    from integrations.extracting.job_log import JobLog
    from integrations.extracting.masking import Masking
    from integrations.extracting.running import after_end, run_again_soon

    log = JobLog(log_path(job), masking=Masking([]), most_bytes=settings.JOB_LOG_BYTES)
    if job.stop_asked_at is None:
        log.main(WORKER_DIED, "CRITICAL")
    log.main(phases.sentence())
    size, now = log.close(), timezone.now()
    with transaction.atomic():
        is_open = Job.objects.filter(pk=job.pk, completed_at=None)
        if is_open.update(**phases.columns(), completed_at=now, log_bytes=size):
            after_end(job, phases=phases, now=now, ended_with_worker=False)
            if job.trigger == JobTrigger.SCHEDULE and job.stop_asked_at is None:
                run_again_soon(job, now=now)
    logger.warning("job.left_behind", extra={"job": job.pk, "integration": job.integration_id})


@at_start
def sweep_folders() -> None:
    """Remove the working folders of taps that died with their worker."""
    removed = folders.sweep()
    if removed:
        logger.warning("job.folders_swept", extra={"folders": removed})


@timed("jobs.forget", every=timedelta(hours=1))
def forget_old_jobs(now: datetime) -> None:
    """Remove logs that the plan keeps no longer, then jobs that nothing tells of any more."""
    for plan in Plan.objects.all():
        kept_since = now - timedelta(days=plan.extraction_log_days)
        old = Job.objects.filter(
            account__plan=plan, completed_at__lt=kept_since, log_purged_at=None, log_bytes__gt=0
        )
        while some := list(old.order_by("pk")[:AT_ONCE]):
            purge_logs(some, now=now)
    gone = Job.objects.filter(completed_at__lt=now - ROWS_KEPT)
    gone.exclude(log_purged_at=None, log_bytes__gt=0).delete()
    folders.sweep()


def purge_logs(jobs: list[Job], *, now: datetime) -> None:
    """Remove the files, then say so: after a crash in between they are looked for once more."""
    for job in jobs:
        log_path(job).unlink(missing_ok=True)
    Job.objects.filter(pk__in=[job.pk for job in jobs]).update(log_purged_at=now)
