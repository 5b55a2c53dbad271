"""Extractions of a source, by day: which there were, how long they ran and how they ended (app.md 10.3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db.models import Q, QuerySet

from accounts.models import Account
from integrations.models import Integration, Job

LONGEST = timedelta(hours=24)  # longer than an extraction may run
MOST_BARS = 1_500  # of a day's graph; an extraction a minute makes 1,440


@dataclass(frozen=True, slots=True)
class Span:
    """One extraction as a part of a day: from and until which second of it."""

    job: Job
    begin: float
    end: float


def reports_since(account: Account, now: datetime) -> datetime:
    """Return since when extractions and their logs are shown; what a downgrade took does not come back."""
    kept = now - timedelta(days=account.plan.extraction_log_days)
    begin = account.reports_begin_at
    return kept if begin is None else max(kept, begin)


def has_log(job: Job, account: Account, now: datetime) -> bool:
    """Tell whether the log of an extraction can still be read."""
    return job.log_purged_at is None and job.created_at >= reports_since(account, now)


def extractions_on(*, integration: Integration, day: date, now: datetime) -> QuerySet[Job]:
    """Return the extractions that ran on the UTC day, newest first, as far back as the plan shows them."""
    start = datetime.combine(day, time.min, UTC)
    since = max(start - LONGEST, reports_since(integration.account, now))
    ran = Q(completed_at=None) | Q(completed_at__gte=start)
    found: QuerySet[Job] = integration.jobs.extractions().filter(
        ran, created_at__gte=since, created_at__lt=start + timedelta(days=1)
    )
    return found.order_by("-created_at", "-pk")


def spans_of(jobs: QuerySet[Job], *, day: date, now: datetime) -> list[Span]:
    """Return the day's extractions for its graph, cut where the day begins and ends, oldest first."""
    start = datetime.combine(day, time.min, UTC)
    whole = timedelta(days=1).total_seconds()
    spans = []
    for job in jobs[:MOST_BARS]:
        begin = (job.started_at or job.created_at) - start
        end = (job.completed_at or now) - start
        spans.append(Span(job, max(begin.total_seconds(), 0.0), min(max(end, begin).total_seconds(), whole)))
    return spans[::-1]


def error_of(job: Job) -> str:
    """Return what a failed job said: of the phase that failed first. A check discovers, and has no later words."""
    descriptions = job.discovery_description, job.tap_description, job.target_description
    failed = [text for text, status in zip(descriptions, job.statuses, strict=False) if text and status != 0]
    return failed[0] if failed else ""


def running_extraction(*, integration: Integration) -> Job | None:
    """Return the extraction that waits or runs."""
    job: Job | None = integration.jobs.extractions().open().first()
    return job


def newest_job(*, integration: Integration) -> Job | None:
    """Return the newest extraction, running or over."""
    job: Job | None = integration.jobs.extractions().order_by("-created_at", "-pk").first()
    return job


def last_completed(*, integration: Integration) -> Job | None:
    """Return the extraction that ended last."""
    ended = integration.jobs.extractions().exclude(completed_at=None)
    job: Job | None = ended.order_by("-created_at", "-pk").first()
    return job
