"""`/v4/jobs/{job_name}`: a job from its start to the last row in the destination, and waiting for it."""

import time
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router
from pydantic import WithJsonSchema

from integrations.connect.job_schemas import JobProgress
from integrations.connect.responses import Refusal, refusal, send, timestamp
from integrations.connect.schemas import GroupedError, PlainError, SourceError
from integrations.importapi.receipts import LOOK_AGAIN_SECONDS, waiters
from integrations.models import Job
from integrations.services import job_progress

router = Router(tags=["Replication jobs"])
LONGEST_WAIT = 60
Wait = Annotated[
    str,
    WithJsonSchema({"type": "integer", "minimum": 0, "maximum": LONGEST_WAIT, "default": 0}),
    Query(default="0", description="Seconds to hold the answer back until the job is over."),
]


@router.get(
    "jobs/{job_name}",
    response={200: JobProgress, 400: GroupedError, 401: PlainError, 404: SourceError | PlainError},
    summary="Read a job, or wait for it",
    url_name="job",
)
def job_read(request: HttpRequest, job_name: str, wait: Wait):
    """Extraction and loading in one object. `Preference-Applied` in the answer says that it was waited for.

    `state` is queued, running or loading, then succeeded, failed, stopped or timed_out; loading_fails when rows wait
    that cannot be loaded now. What had been extracted before a failure is loaded first.
    """
    seconds = wanted_wait(wait)
    job = request.account.jobs.filter(name=job_name).first() if "\0" not in job_name else None
    if job is None:
        raise refusal("InvalidJob", f"job not found ({job_name})", status=404)
    if not seconds:
        return send(progress(job_progress.progress_of(job=job)))
    with waiters.admitted() as admitted:
        found = wait_until_over(job, seconds if admitted else 0)
    response = send(progress(found))
    if admitted:
        response["Preference-Applied"] = f"wait={seconds}"
    return response


def wanted_wait(given: str) -> int:
    """Return for how many seconds to wait. Raises the refusal of what is no number of seconds that can be."""
    if given.isascii() and given.isdigit() and len(given) <= 3 and int(given) <= LONGEST_WAIT:
        return int(given)
    message = f"invalid wait: a whole number of seconds from 0 to {LONGEST_WAIT}"
    raise Refusal(400, {"error": {"message": message}}, code="invalid_wait")


def wait_until_over(job: Job, seconds: int) -> job_progress.JobProgress:
    """Look again and again until the job is over, or the time is."""
    give_up = time.monotonic() + seconds
    found = job_progress.progress_of(job=job)
    while found.is_open and (left := give_up - time.monotonic()) > 0:
        time.sleep(min(LOOK_AGAIN_SECONDS, left))
        job.refresh_from_db()
        found = job_progress.progress_of(job=job)
    return found


def progress(found: job_progress.JobProgress) -> dict[str, Any]:
    """Return a job as the Connect API shows it."""
    job = found.job
    return {
        "job_name": job.name,
        "mode": job.mode,
        "stitch_client_id": job.account.client_id,
        "source_id": job.integration_id,
        "state": found.state.value,
        "start_time": timestamp(job.started_at),
        "completion_time": timestamp(job.completed_at),
        "loaded_at": timestamp(found.loaded_at),
        "discovery_exit_status": job.discovery_exit_status,
        "check_exit_status": job.check_exit_status,
        "tap_exit_status": job.tap_exit_status,
        "target_exit_status": job.target_exit_status,
        "rows": job.records,
        "rows_waiting": sum(stream.waiting for stream in found.streams),
        "streams": [stream(each) for each in found.streams],
        "error": error_of(found),
    }


def stream(load: job_progress.StreamLoad) -> dict[str, Any]:
    """Return one stream of a job; counts that nobody knows any more are null."""
    counts = {name: getattr(load, name) for name in ("inserted", "updated", "superseded", "rejected")}
    return {
        "stream_name": load.stream_name,
        "extracted": load.extracted,
        "waiting": load.waiting,
        **(counts if load.is_told else dict.fromkeys(counts)),
        "error": load.error or None,
    }


def error_of(found: job_progress.JobProgress) -> dict[str, str | None] | None:
    """Return the first thing that went wrong: a phase of the job, else a table that cannot be loaded."""
    for phase in ("discovery", "tap", "target"):
        if message := getattr(found.job, f"{phase}_description"):
            return {"phase": phase, "stream_name": None, "message": message}
    for load in found.streams:
        if load.error:
            return {"phase": "load", "stream_name": load.stream_name, "message": load.error}
    return None
