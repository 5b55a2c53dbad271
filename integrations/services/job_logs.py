"""The raw log of a job: a file for each under DATA_DIR, readable while the job runs and kept as the plan says."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings

from integrations.models import Job

MOST_READ = 1024 * 1024


def logs_folder() -> Path:
    """Where the logs of all jobs lie."""
    return Path(settings.DATA_DIR) / "logs" / "jobs"


def log_path(job: Job) -> Path:
    """Return where a job's log is written; nothing lies there before the job has begun."""
    return logs_folder() / str(job.account_id) / str(job.integration_id) / f"{job.name}.log"


def has_log(job: Job) -> bool:
    """Tell whether there is something to read."""
    return job.log_purged_at is None and log_path(job).is_file()


def read_log(job: Job, offset: int = 0) -> bytes:
    """Return the next piece of a job's log; empty at its end, before the job began and after it was purged."""
    if job.log_purged_at is not None or offset < 0:
        return b""
    try:
        descriptor = os.open(log_path(job), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return b""
    try:
        return os.pread(descriptor, MOST_READ, offset)
    finally:
        os.close(descriptor)


def log_expires_at(job: Job) -> datetime | None:
    """Return until when the log can be read; None while the job runs. The job's account is loaded with its plan."""
    if job.completed_at is None:
        return None
    expires: datetime = job.completed_at + timedelta(days=job.account.plan.extraction_log_days)
    return expires
