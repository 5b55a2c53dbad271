"""`/v4/{client_id}/extractions`: how the last extraction of each source ended (connect-api.md 2.9, 3.13)."""

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Router

from integrations.connect.clients import require_own_client
from integrations.connect.job_reads import note_job_read
from integrations.connect.pages import Page, cut, envelope, page_number
from integrations.connect.responses import NOT_FOUND, Refusal, send, timestamp
from integrations.connect.schemas import ExtractionPage, GroupedError, PlainError
from integrations.connect.source_types import tap_of
from integrations.models import Job, JobMode
from integrations.services.job_logs import has_log
from integrations.services.latest_jobs import newest_extractions
from integrations.services.signed_logs import sign_log

router = Router(tags=["Extractions"])


@router.get(
    "{int:client_id}/extractions",
    response={200: ExtractionPage, 400: GroupedError, 401: PlainError, 404: PlainError, 429: GroupedError},
    summary="List the last extractions",
    url_name="extractions",
)
def extraction_list(request: HttpRequest, client_id: int, page: Page):
    """The last extraction of each source that ended, if within 60 days, by source id, 100 on a page."""
    require_own_client(request, client_id)
    note_job_read(request)
    number = page_number(page)
    jobs, total = cut(
        newest_extractions(
            account=request.account, now=timezone.now(), running=settings.LIST_RUNNING_EXTRACTIONS
        ),
        number,
    )
    data = [extraction(client_id, job) for job in jobs]
    return send(envelope(data, page=number, total=total, path=f"/v4/{client_id}/extractions"))


@router.get(
    "{int:client_id}/extractions/{job_name}",
    response={302: None, 401: PlainError, 404: PlainError, 429: GroupedError},
    summary="Read an extraction's log",
    url_name="extraction-log",
)
def extraction_log(request: HttpRequest, client_id: int, job_name: str):
    """Leads to the log as plain text, at an address that is open for ten minutes."""
    require_own_client(request, client_id)
    note_job_read(request)
    jobs = request.account.jobs.filter(mode=JobMode.SYNC)
    job = jobs.filter(name=job_name).first() if "\0" not in job_name else None
    if job is None or not has_log(job):
        raise Refusal(404, NOT_FOUND)
    query = urlencode(sign_log(job=job, now=timezone.now()))
    address = request.build_absolute_uri(f"/v4/logs/{job.name}?{query}")
    return HttpResponse(status=302, headers={"Location": address})


def extraction(client_id: int, job: Job) -> dict[str, Any]:
    """Return an extraction as the Connect API shows it; clients read either of two names for some values."""
    tap = tap_of(job.integration.type)
    return {
        "target_exit_status": job.target_exit_status,
        "job_name": job.name,
        "start_time": timestamp(job.started_at or job.created_at),
        "stitch_client_id": client_id,
        "tap_exit_status": job.tap_exit_status,
        "source_type": tap,
        "target_description": job.target_description,
        "discovery_exit_status": job.discovery_exit_status,
        "discovery_description": job.discovery_description,
        "tap_description": job.tap_description,
        "completion_time": timestamp(job.completed_at),
        "source_id": job.integration_id,
        "tap_name": tap,
        "discovery_error_message": job.discovery_description,
        "tap_error_message": job.tap_description,
        "target_error_message": job.target_description,
    }
