"""Run Extraction Now and Stop Extraction (app.md 10.3)."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import Can, allow
from integrations.models import JobTrigger
from integrations.services.extraction_reports import running_extraction
from integrations.services.jobs import JobRunning, NotRunnable, start_job, stop_job
from integrations.views.frame import find_integration, url_of
from stitchapp.rendering import render_page


@allow(Can.MANAGE_EXTRACTIONS)
@require_POST
def extraction_start(request: HttpRequest, integration_id: int) -> HttpResponse:
    """Start an extraction; a paused integration stays paused."""
    integration = find_integration(request, integration_id)
    try:
        start_job(integration=integration, actor=request.user, trigger=JobTrigger.PAGE)
    except JobRunning:
        messages.warning(
            request, "No extraction was started, because one already exists. Only one runs at a time."
        )
    except NotRunnable as refusal:
        messages.error(request, refusal.message)
    else:
        update = "This page will update shortly with your new logs."
        messages.success(request, format_html("<strong>Extraction starting now.</strong> {}", update))
    return redirect(url_of(integration, "integration-extractions"))


@allow(Can.MANAGE_EXTRACTIONS)
@require_http_methods(["GET", "HEAD", "POST"])
def extraction_stop(request: HttpRequest, integration_id: int) -> HttpResponse:
    """Ask, then stop the running extraction; what it has extracted is loaded all the same."""
    integration = find_integration(request, integration_id)
    back = url_of(integration, "integration-extractions")
    if request.method == "POST":
        job = stop_job(integration=integration, actor=request.user)
        if job is None:
            messages.info(request, "No extraction is running.")
        else:
            messages.success(request, "The extraction is being stopped. What it has extracted is loaded.")
        return redirect(back)
    context = {
        "nav_active": "integrations",
        "integration": integration,
        "asked": {"integration": integration, "job": running_extraction(integration=integration)},
        "action": request.path,
        "cancel_url": back,
    }
    return render_page(request, "integrations/extraction_stop.html", context)
