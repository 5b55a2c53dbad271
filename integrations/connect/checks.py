"""`/v4/sources/{id}/last-connection-check` (connect-api.md 2.4, 3.7)."""

from typing import Any

from django.http import HttpRequest
from ninja import Router

from integrations.connect.responses import NOT_FOUND, Refusal, timestamp
from integrations.connect.schemas import ConnectionCheck, PlainError, SourceError
from integrations.connect.sources import find_integration
from integrations.models import Job
from integrations.services.latest_jobs import last_check

router = Router(tags=["Connection checks"])
OUTCOMES = {"running": "running", "succeeded": "succeeded"}


@router.get(
    "sources/{int:source_id}/last-connection-check",
    response={200: ConnectionCheck, 401: PlainError, 404: SourceError | PlainError},
    summary="Read the last connection check",
    url_name="source-check",
)
def check_read(request: HttpRequest, source_id: int):
    """Checks start by themselves when a source is created and when its properties change."""
    job = last_check(integration=find_integration(request, source_id, status=404))
    if job is None:
        raise Refusal(404, NOT_FOUND, code="never_checked")
    return check(job)


def check(job: Job) -> dict[str, Any]:
    """Return a connection check as the Connect API shows it."""
    statuses = (
        job.target_exit_status,
        job.check_exit_status,
        job.tap_exit_status,
        job.discovery_exit_status,
    )
    status = OUTCOMES.get(job.outcome, "failed")
    return {
        "target_exit_status": job.target_exit_status,
        "tap_error_message": job.tap_description,
        "check_exit_status": job.check_exit_status,
        "name": job.name,
        "start_time": timestamp(job.started_at or job.created_at),
        "mode": "check",
        "tap_exit_status": job.tap_exit_status,
        "target_error_message": job.target_description,
        "discovery_exit_status": job.discovery_exit_status,
        "status": status,
        "completion_time": timestamp(job.completed_at),
        "error": status == "failed" or any(statuses),
        "discovery_error_message": job.discovery_description,
    }
