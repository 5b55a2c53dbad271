"""Extractions of a source: the jobs of a day, and one of them with its log, live while it runs (app.md 10.3)."""

from datetime import UTC, datetime
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import Can, allow, may
from integrations.models import Integration, Job
from integrations.services.extraction_reports import (
    Span,
    error_of,
    extractions_on,
    has_log,
    reports_since,
    running_extraction,
    spans_of,
)
from integrations.services.jobs import log_path
from integrations.views.days import chosen_day, day_graph
from integrations.views.frame import find_integration, frame, url_of
from integrations.views.log_pieces import log_shown
from integrations.views.type_words import type_words
from stitchapp import formats
from stitchapp.rendering import render_page

PAGE_SIZE = 50
MOST_TABLES = 20  # that are named on a line
SECONDS_A_DAY = 24 * 60 * 60
OUTCOMES = {
    "running": ("In Progress", "ok"),
    "succeeded": ("Succeeded", "soft"),
    "failed": ("Error", "bad"),
    "stopped": ("Stopped", "strong"),
    "timed out": ("Timed out", "bad"),
}


@allow(Can.VIEW_EXTRACTION_LOGS)
@require_safe
def integration_extractions(request: HttpRequest, integration_id: int) -> HttpResponse:
    """The extractions of a UTC day; what is pushed has none (app.md 17, 15)."""
    integration = find_integration(request, integration_id)
    context = frame(request, integration, "integration-extractions") | {
        "loads_url": url_of(integration, "integration-loads"),
    }
    if not integration.is_push:
        context |= day_of_extractions(request, integration, timezone.now())
    return render_page(request, "integrations/integration_extractions.html", context)


def day_of_extractions(request: HttpRequest, integration: Integration, now: datetime) -> dict[str, object]:
    """Return what the tab shows of one day."""
    today = now.astimezone(UTC).date()
    oldest = reports_since(request.account, now).astimezone(UTC).date()
    day = chosen_day(request.GET.get("day", ""), today)
    jobs = extractions_on(integration=integration, day=day, now=now)
    page = Paginator(jobs.select_related("started_by", "stopped_by"), PAGE_SIZE).get_page(
        request.GET.get("page")
    )
    spans = spans_of(jobs, day=day, now=now)
    running = running_extraction(integration=integration)
    may_run = may(request.membership, Can.MANAGE_EXTRACTIONS)
    return {
        "type_label": type_words(integration),
        "page": page,
        "lines": [line(integration, job, now) for job in page],
        "kept": urlencode({"day": day}),
        "day": day,
        "today": today,
        "graph": day_graph(
            url=request.path,
            day=day,
            today=today,
            oldest=oldest,
            bars=[bar(integration, span, now) for span in spans],
            words=extraction_words(spans),
        ),
        "log_days": request.account.plan.extraction_log_days,
        "is_too_old": day < oldest,
        "running": running,
        "may_start": may_run and integration.is_configured,
        "may_stop": may_run,
        "start_url": url_of(integration, "extraction-start"),
        "stop_url": url_of(integration, "extraction-stop"),
        "tab_url": request.get_full_path(),
        "settings_url": url_of(integration, "integration-settings"),
        "table_loads_url": url_of(integration, "integration-loads"),
        "looks_again": running is not None,
    }


def line(integration: Integration, job: Job, now: datetime) -> dict[str, object]:
    """Return an extraction as the page words it."""
    words, tone = outcome_words(job)
    return {
        "job": job,
        "started": formats.started_time(job.started_at or job.created_at, now),
        "outcome": words,
        "tone": tone,
        "is_stopping": job.is_open and job.stop_asked_at is not None,
        "ran": ran_for(job, now),
        "error": error_of(job) if job.outcome == "failed" else "",
        "rows": sorted(job.rows.items())[:MOST_TABLES],
        "more_tables": max(len(job.rows) - MOST_TABLES, 0),
        "has_log": has_log(job, integration.account, now),
        "url": url_of(integration, "extraction-detail", job_id=job.pk),
        "log_url": url_of(integration, "extraction-log", job_id=job.pk),
    }


def outcome_words(job: Job) -> tuple[str, str]:
    """Return how an extraction stands in a word, and its colour."""
    if job.is_open and job.started_at is None:
        return "Pending", "strong"
    return OUTCOMES[job.outcome]


def ran_for(job: Job, now: datetime) -> str:
    """Return how long it ran, or has been running."""
    if job.started_at is None:
        return ""
    return formats.duration((job.completed_at or now) - job.started_at)


def extraction_words(spans: list[Span]) -> str:
    """Say what the bars say, for those who do not see them."""
    if not spans:
        return "No extraction ran on this day."
    failed = sum(span.job.outcome in ("failed", "timed out") for span in spans)
    told = f", {failed:,} with an error" if failed else ""
    return f"Each bar is an extraction: {len(spans):,}{told}. The list below has each of them."


def bar(integration: Integration, span: Span, now: datetime) -> dict[str, object]:
    """Return an extraction's bar in the day's graph, in per cent of the day."""
    words, _ = outcome_words(span.job)
    lasted = ran_for(span.job, now)
    began = formats.clock_time(span.job.started_at or span.job.created_at)
    sentence = "has been running for" if span.job.is_open else "ran for"
    return {
        "x": f"{100 * span.begin / SECONDS_A_DAY:.3f}",
        "width": f"{max(100 * (span.end - span.begin) / SECONDS_A_DAY, 0.15):.3f}",
        "state": span.job.outcome,
        "url": url_of(integration, "extraction-detail", job_id=span.job.pk),
        "words": f"{began}. {words}. This extraction {sentence} {lasted}."
        if lasted
        else f"{began}. {words}.",
    }


@allow(Can.VIEW_EXTRACTION_LOGS)
@require_safe
def extraction_detail(request: HttpRequest, integration_id: int, job_id: int) -> HttpResponse:
    """One extraction and its raw log. With an offset htmx gets what was written since, until the end."""
    integration, job = find_extraction(request, integration_id, job_id)
    now = timezone.now()
    readable = has_log(job, integration.account, now)
    log = log_shown(job, request.GET.get("offset", "")) if readable else None
    context = frame(request, integration, "integration-extractions") | {
        "type_label": type_words(integration),
        "line": line(integration, job, now),
        "log": log,
        "detail_url": request.path,
        "stop_url": url_of(integration, "extraction-stop"),
        "may_stop": may(request.membership, Can.MANAGE_EXTRACTIONS),
        "log_days": request.account.plan.extraction_log_days,
        "loads_url": url_of(integration, "integration-loads"),
        "crumbs": [
            {"label": integration.display_name, "url": url_of(integration, "integration-summary")},
            {"label": "Extractions", "url": url_of(integration, "integration-extractions")},
            {"label": formats.key_time(job.started_at or job.created_at), "url": ""},
        ],
    }
    if not (request.htmx and "offset" in request.GET):
        return render_page(request, "integrations/extraction_detail.html", context)
    response = render_page(request, "integrations/extraction_log.html", context)
    if not job.is_open:
        response["HX-Trigger"] = "extraction-ended"
    return response


@allow(Can.VIEW_EXTRACTION_LOGS)
@require_safe
def extraction_log(request: HttpRequest, integration_id: int, job_id: int) -> HttpResponse:
    """The whole raw log, to be kept as a file."""
    integration, job = find_extraction(request, integration_id, job_id)
    if not has_log(job, integration.account, timezone.now()):
        raise Http404
    try:
        file = log_path(job).open("rb")
    except FileNotFoundError:
        raise Http404 from None
    return FileResponse(
        file, as_attachment=True, filename=f"{job.name}.log", content_type="text/plain; charset=utf-8"
    )


def find_extraction(request: HttpRequest, integration_id: int, job_id: int) -> tuple[Integration, Job]:
    """Return an extraction of the account's integration, or answer 404: another's, or older than the plan shows."""
    integration = find_integration(request, integration_id)
    jobs = integration.jobs.extractions().select_related("started_by", "stopped_by")
    job = get_object_or_404(jobs, pk=job_id)
    if not job.is_open and job.completed_at < reports_since(request.account, timezone.now()):
        raise Http404
    job.integration = integration
    return integration, job
