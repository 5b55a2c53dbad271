"""How far a job is, from its start to the last row in the destination: one answer for both halves."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from django.db.models import Count, Max, Q, QuerySet, Sum

from integrations.models import BatchTable, BatchTableState, Job, JobMode, QueuedTable


class JobState(StrEnum):
    """Where a job stands; the last five are over."""

    QUEUED = "queued"
    RUNNING = "running"
    LOADING = "loading"
    LOADING_FAILS = "loading_fails"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    STOPPED = "stopped"
    TIMED_OUT = "timed_out"


OPEN = frozenset({JobState.QUEUED, JobState.RUNNING, JobState.LOADING})
OUTCOMES = {
    "succeeded": JobState.SUCCEEDED,
    "failed": JobState.FAILED,
    "stopped": JobState.STOPPED,
    "timed out": JobState.TIMED_OUT,
}


@dataclass(frozen=True, slots=True)
class StreamLoad:
    """One stream of a job. The four counts of what is loaded add up to what is not waiting any more."""

    stream_name: str
    extracted: int
    waiting: int
    inserted: int
    updated: int
    superseded: int
    rejected: int
    error: str

    @property
    def is_told(self) -> bool:
        """Whether receipts of all that was extracted are kept."""
        known = self.waiting + self.inserted + self.updated + self.superseded + self.rejected
        return known >= self.extracted


@dataclass(frozen=True, slots=True)
class JobProgress:
    """A job and what became of what it brought."""

    job: Job
    state: JobState
    loaded_at: datetime | None
    streams: list[StreamLoad] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether waiting for it makes sense."""
        return self.state in OPEN


def progress_of(*, job: Job) -> JobProgress:
    """Return how far the job is now."""
    if job.mode == JobMode.CHECK:
        return JobProgress(job, state_of(job, []), loaded_at=None)
    loads = stream_loads(job)
    shares = shares_of(job)
    state = state_of(job, loads)
    over = state not in OPEN and state is not JobState.LOADING_FAILS
    return JobProgress(
        job, state, loaded_at=shares.aggregate(at=Max("loaded_at"))["at"] if over else None, streams=loads
    )


def state_of(job: Job, streams: list[StreamLoad]) -> JobState:
    """Tell where a job stands: it is over when nothing that it brought waits any more."""
    if job.completed_at is None:
        return JobState.RUNNING if job.started_at else JobState.QUEUED
    if any(stream.waiting for stream in streams):
        failing = any(stream.error for stream in streams)
        return JobState.LOADING_FAILS if failing else JobState.LOADING
    return OUTCOMES[job.outcome]


def shares_of(job: Job) -> QuerySet[BatchTable]:
    """Return the tables' shares of the batches that the job brought."""
    found: QuerySet[BatchTable] = BatchTable.objects.filter(batch__job_id=job.pk)
    return found


def stream_loads(job: Job) -> list[StreamLoad]:
    """Return the job's streams by name, with two queries."""
    waiting = Q(state=BatchTableState.WAITING)
    rows = {
        row["table_name"]: row
        for row in shares_of(job)
        .order_by()
        .values("table_name")
        .annotate(
            waiting=Sum("records", filter=waiting, default=0),
            inserted=Sum("inserted", default=0),
            updated=Sum("updated", default=0),
            superseded=Sum("superseded", default=0),
            rejected=Sum("rejected", default=0),
            error=Max("error", filter=waiting, default=""),
            shares=Count("pk"),
        )
    }
    errors = dict(
        QueuedTable.objects.failing()
        .filter(integration_id=job.integration_id)
        .values_list("table_name", "error")
    )
    loads = []
    for name in sorted({*job.rows, *rows}):
        row = rows.get(name, {})
        waits = row.get("waiting", 0)
        loads.append(
            StreamLoad(
                stream_name=name,
                extracted=job.rows.get(name, 0),
                waiting=waits,
                inserted=row.get("inserted", 0),
                updated=row.get("updated", 0),
                superseded=row.get("superseded", 0),
                rejected=row.get("rejected", 0),
                error=(row.get("error") or errors.get(name, "")) if waits else "",
            )
        )
    return loads
