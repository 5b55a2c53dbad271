"""`/v4/sources/{id}/sync`: start and stop an extraction (connect-api.md 2.8, 5.1, 5.2)."""

from typing import Any

from django.http import HttpRequest
from ninja import Router

from integrations.connect.job_schemas import StartedJob
from integrations.connect.responses import Refusal, send
from integrations.connect.schemas import Done, GroupedError, PlainError
from integrations.importapi.refusals import MAX_IDEMPOTENCY_KEY
from integrations.models import Integration, JobTrigger
from integrations.services.jobs import IntegrationDeleted, JobRunning, NotRunnable, start_job, stop_job

router = Router(tags=["Replication jobs"])
JOB_NAME_HEADER = "X-Stitch-Job-Name"


@router.post(
    "sources/{int:source_id}/sync",
    response={200: StartedJob | GroupedError, 400: GroupedError, 401: PlainError, 404: PlainError},
    summary="Start a job",
    url_name="sync",
    openapi_extra={
        "parameters": [
            {
                "in": "header",
                "name": "Idempotency-Key",
                "schema": {"type": "string", "minLength": 1, "maxLength": MAX_IDEMPOTENCY_KEY},
                "description": "The same key gives the same job for a day.",
            }
        ]
    },
)
def sync_start(request: HttpRequest, source_id: int):
    """Extract now, paused or not. While a job runs the answer is its error, with 200 and the job's name in a header."""
    integration = find_source(request, source_id)
    try:
        job = start_job(
            integration=integration,
            actor=request.api_key.owner,
            api_key=request.api_key,
            trigger=JobTrigger.API,
            idempotency_key=idempotency_key(request),
        )
    except IntegrationDeleted as error:
        raise refused("invalid_source", "Integration is deleted.") from error
    except JobRunning as error:
        words = (
            f"Did not create job for client-id: {request.account.client_id}; connection-id: {source_id} "
            "because one already exists"
        )
        raise refused("already_running", words, status=200, name=error.job.name) from error
    except NotRunnable as error:
        words = f"Could not create job for client-id: {request.account.client_id}; connection-id: {source_id}"
        raise refused("generic", words, code=error.code, reason=error.message) from error
    return send({"job_name": job.name})


@router.delete(
    "sources/{int:source_id}/sync",
    response={200: Done, 400: GroupedError, 401: PlainError, 404: PlainError},
    summary="Stop a job",
    url_name="sync",
)
def sync_stop(request: HttpRequest, source_id: int):
    """End the extraction that runs, if one does; what it has extracted is loaded all the same."""
    integration = find_source(request, source_id)
    stop_job(integration=integration, actor=request.api_key.owner, api_key=request.api_key)
    return send({"status": 200})


def find_source(request: HttpRequest, source_id: int) -> Integration:
    """Return the account's integration, deleted ones too; refuse an unknown id in the words of jobs."""
    integration = request.account.integrations.filter(pk=source_id).first()
    if integration is None:
        words = f"Unable to locate source({source_id}) for client ({request.account.client_id})"
        raise refused("invalid_source", words)
    return integration


def idempotency_key(request: HttpRequest) -> str:
    """Return the key that makes a repeated request harmless; empty without one."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return ""
    if not (0 < len(key) <= MAX_IDEMPOTENCY_KEY and key.isascii() and key.isprintable()):
        words = f"Idempotency-Key should be 1 to {MAX_IDEMPOTENCY_KEY} printable ASCII characters"
        raise refused("generic", words, code="idempotency_key_invalid")
    return key


def refused(
    error: str, message: str, *, status: int = 400, code: str = "", name: str = "", reason: str = ""
) -> Refusal:
    """Build an error of jobs (envelope B of connect-api.md 1.9); what it has no place for stands in headers."""
    body: dict[str, Any] = {"error": {"type": error, "message": message}}
    headers = {header: text for header, text in ((JOB_NAME_HEADER, name), ("X-Error-Reason", reason)) if text}
    return Refusal(status, body, code=code or error, headers=headers)
