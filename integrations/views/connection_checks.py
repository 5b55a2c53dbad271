"""Testing Your Connection: the check of a source and its discovery, live, with its log and what to do next."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from accounts.access import Can, allow, may
from accounts.errors import DomainError
from integrations.extracting.causes import advice_on
from integrations.models import Integration, Job, JobTrigger, SetUpStep
from integrations.services.jobs import read_log, start_check
from integrations.views.frame import url_of
from integrations.views.selection import find_source
from stitchapp.rendering import render_page

LOG_SHOWN = 100_000  # characters of the end of a log
INTERNAL = "We encountered an internal error while checking the connection."
NO_ANSWER = "timed out"


@allow(Can.VIEW_ACCOUNT)
@require_safe
def connection_check(request: HttpRequest, integration_id: int) -> HttpResponse:
    """Show the newest check; the page looks again by itself while it runs."""
    integration = find_source(request, integration_id)
    job = integration.jobs.checks().order_by("-created_at", "-pk").first()
    context = {
        "nav_active": "integrations",
        "integration": integration,
        "job": job,
        "here": request.path,
        "log": tail_of(job) if job is not None else "",
        "is_incomplete": integration.step == SetUpStep.FORM,
        "has_tables": integration.streams.found().exists(),
        "may_check": may(request.membership, Can.MODIFY_INTEGRATIONS),
        "start_url": url_of(integration, "connection-check-start"),
        "choose_url": url_of(integration, "data-choice"),
        "summary_url": url_of(integration, "integration-summary"),
        "settings_url": url_of(integration, "integration-settings"),
        **(told(job) if job is not None and not job.is_open else {}),
    }
    return render_page(request, "integrations/connection_check.html", context)


def tail_of(job: Job) -> str:
    """Return the end of the check's log, as text."""
    pieces, offset = b"", 0
    while piece := read_log(job, offset):
        offset += len(piece)
        pieces = (pieces + piece)[-4 * LOG_SHOWN :]
    text = pieces.decode("utf-8", "replace")
    return text if len(text) <= LOG_SHOWN else f"…{text[-LOG_SHOWN:]}"


def told(job: Job) -> dict[str, str]:
    """Return how a check that has ended went, and for a failure its message and what to do."""
    if job.outcome == "succeeded":
        return {"outcome": "succeeded"}
    message = job.tap_description or job.discovery_description or ""
    if job.outcome == "stopped":
        return {"outcome": "stopped", "message": message}
    advice = advice_on(message)
    if job.outcome == "timed out":
        message, advice = "Connection timed out.", advice or advice_on(NO_ANSWER)
    told_already = advice in message
    return {"outcome": "failed", "message": message or INTERNAL, "advice": "" if told_already else advice}


@allow(Can.MODIFY_INTEGRATIONS)
@require_POST
def connection_check_start(request: HttpRequest, integration_id: int) -> HttpResponse:
    """Check the connection again."""
    integration = find_source(request, integration_id)
    begin_check(request, integration)
    return redirect(url_of(integration, "connection-check"))


def begin_check(request: HttpRequest, integration: Integration) -> None:
    """Start a check for the member, or say why it cannot be."""
    try:
        start_check(integration=integration, actor=request.user, trigger=JobTrigger.PAGE)
    except DomainError as refusal:
        messages.error(request, refusal.message)
