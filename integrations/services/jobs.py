"""Start and stop the jobs of a source: connection checks and extractions (connect-api.md 5, promises J1, J2).

A job is a row, and the background task that carries it out (`integrations/extracting`); both begin in one
transaction. Of each kind a source has one open job at most: the database holds that, the lock on the source makes
it a plain answer instead of an error.
"""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from accounts.audit import Event, record
from accounts.errors import DomainError
from accounts.models import ApiKey, Task, User
from accounts.services.tasks import add_task
from integrations.models import Integration, Job, JobMode, JobTrigger, SetUpStep
from integrations.services.destinations import destination_of
from integrations.services.job_logs import log_path, read_log
from integrations.services.locking import IntegrationDeleted, lock_integration

__all__ = [
    "CHECK_TASK",
    "EXTRACTION_TASK",
    "IntegrationDeleted",
    "JobRunning",
    "NotRunnable",
    "end_open_jobs",
    "log_path",
    "read_log",
    "start_check",
    "start_job",
    "stop_job",
]

CHECK_TASK, EXTRACTION_TASK = "check", "extraction"
TERMINATED, TERMINATED_STATUS = "Terminated", -15
SAME_KEY_FOR = timedelta(hours=24)  # as long as the Import API remembers an Idempotency-Key


class JobRunning(DomainError):
    """The source has an open job already: `job`. Nothing was started (promise J1)."""

    code, status = "already_running", 409

    def __init__(self, job: Job) -> None:
        super().__init__("An extraction of this integration is running; only one runs at a time.")
        self.job = job


class NotRunnable(DomainError):
    """The source cannot run now, and why."""

    code, status = "not_runnable", 409


def start_check(
    *,
    integration: Integration,
    actor: User | None,
    trigger: str,
    api_key: ApiKey | None = None,
) -> Job:
    """Check the connection and discover what is there, with the source's present properties.

    A check that is running is ended first: it was given older ones. Raises IntegrationDeleted, and NotRunnable for
    a source that programs push to.
    """
    with transaction.atomic():
        current = lock_integration(integration)
        if current.is_push:
            raise NotRunnable("Programs push data to this integration: there is no connection to check.")
        now = timezone.now()
        for running in current.jobs.open().filter(mode=JobMode.CHECK):
            ask_to_stop(running, actor=actor, now=now)
            complete_as_stopped(running, now=now)
        return begin(
            current,
            mode=JobMode.CHECK,
            event=Event.CHECK_STARTED,
            actor=actor,
            api_key=api_key,
            trigger=trigger,
        )


def start_job(
    *,
    integration: Integration,
    actor: User | None = None,
    api_key: ApiKey | None = None,
    trigger: str,
    idempotency_key: str = "",
) -> Job:
    """Start an extraction, as soon as a worker has a hand free; return its job at once.

    The same idempotency key gives the same job for a day, whatever became of it. A source that a member paused may
    run: a pause stops scheduled starts only. Raises IntegrationDeleted, JobRunning and NotRunnable.
    """
    with transaction.atomic():
        current = lock_integration(integration)
        digest = hashlib.sha256(idempotency_key.encode()).hexdigest() if idempotency_key else ""
        earlier = job_of_key(current, digest, now=timezone.now())
        if earlier is not None:
            return earlier
        running = current.jobs.open().filter(mode=JobMode.SYNC).first()
        if running is not None:
            raise JobRunning(running)
        require_runnable(current, now=timezone.now())
        return begin(
            current,
            mode=JobMode.SYNC,
            event=Event.EXTRACTION_STARTED,
            actor=actor,
            api_key=api_key,
            trigger=trigger,
            idempotency_digest=digest,
        )


def stop_job(
    *, integration: Integration, actor: User | None = None, api_key: ApiKey | None = None
) -> Job | None:
    """End the running extraction; what it has extracted is loaded all the same. None when nothing runs.

    One that no worker has begun is over at once; the worker of every other sees the wish within seconds.
    """
    with transaction.atomic():
        current = lock_integration(integration, even_deleted=True)
        job: Job | None = current.jobs.open().filter(mode=JobMode.SYNC).select_for_update().first()
        if job is None:
            return None
        if job.stop_asked_at is None:
            now = timezone.now()
            ask_to_stop(job, actor=actor, now=now)
            if job.started_at is None:
                complete_as_stopped(job, now=now)
            record(
                Event.EXTRACTION_STOPPED,
                account=current.account,
                actor=actor,
                target=current,
                target_name=current.display_name,
                api_key=api_key,
                job=job.name,
            )
        return job


def end_open_jobs(*, integration: Integration, actor: User | None) -> None:
    """Have every job of the source end: it was deleted, or its account closed. Called in that transaction."""
    now = timezone.now()
    for job in integration.jobs.open().select_for_update():
        ask_to_stop(job, actor=actor, now=now)
        if job.started_at is None:
            complete_as_stopped(job, now=now)


def job_of_key(integration: Integration, digest: str, *, now: datetime) -> Job | None:
    """Return the job that was started with the idempotency key; an old one gives the key free."""
    if not digest:
        return None
    job: Job | None = integration.jobs.filter(idempotency_digest=digest).first()
    if job is not None and not job.is_open and job.created_at <= now - SAME_KEY_FOR:
        Job.objects.filter(pk=job.pk).update(idempotency_digest="")
        return None
    return job


def require_runnable(integration: Integration, *, now: datetime) -> None:
    """Raise NotRunnable unless the source can be extracted now (connect-api.md 5.1)."""
    if integration.is_push:
        raise NotRunnable("Programs push data to this integration: there is no extraction to start.")
    if integration.step != SetUpStep.FULLY_CONFIGURED:
        raise NotRunnable("This integration is not fully configured. Finish its set-up, then start it.")
    if integration.system_paused_at is not None:
        raise NotRunnable("This integration was paused by the system. Resume it, then start it.")
    if integration.account.closed_at is not None:
        raise NotRunnable("The account is closed.")
    if integration.account.trial_is_over(now):
        raise NotRunnable("The account's free trial has ended. Choose a plan, then start it.")
    if destination_of(integration=integration) is None:
        raise NotRunnable("This integration has no destination. Choose one, then start it.")


def begin(
    integration: Integration,
    *,
    mode: str,
    event: Event,
    actor: User | None,
    api_key: ApiKey | None,
    trigger: str,
    idempotency_digest: str = "",
) -> Job:
    """Write the job, its task and, unless the schedule began it, its audit event; the source is locked."""
    account = integration.account
    job: Job = integration.jobs.create(
        account=account,
        mode=mode,
        name=f"{account.client_id}.{integration.pk}.{mode}.{uuid.uuid4()}",
        trigger=trigger,
        started_by=actor,
        idempotency_digest=idempotency_digest,
    )
    kind = CHECK_TASK if mode == JobMode.CHECK else EXTRACTION_TASK
    add_task(kind, account=account, key=job.name, job=job.pk)
    if trigger != JobTrigger.SCHEDULE:  # what runs by itself every hour is no change that somebody made
        record(
            event,
            account=account,
            actor=actor,
            target=integration,
            target_name=integration.display_name,
            api_key=api_key,
            job=job.name,
        )
    return job


def ask_to_stop(job: Job, *, actor: User | None, now: datetime) -> None:
    """Write down that the job shall end."""
    if job.stop_asked_at is None:
        job.stop_asked_at, job.stopped_by = now, actor
        job.save(update_fields=["stop_asked_at", "stopped_by"])


def complete_as_stopped(job: Job, *, now: datetime) -> None:
    """End a job that nobody runs, or whose runner's word does not count any more: its first phase was interrupted."""
    job.discovery_exit_status, job.discovery_description = TERMINATED_STATUS, TERMINATED
    job.completed_at = now
    job.save(update_fields=["discovery_exit_status", "discovery_description", "completed_at"])
    Task.objects.filter(key=job.name, kind__in=(CHECK_TASK, EXTRACTION_TASK), lease=None).delete()
