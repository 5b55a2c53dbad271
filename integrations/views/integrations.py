"""One integration: its Summary, its Extractions tab, and pausing, resuming and deleting it."""

from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import Can, allow
from accounts.services.usage import days_of_billing_period
from integrations.models import Integration
from integrations.services.extraction_reports import last_completed, newest_job, running_extraction
from integrations.services.integrations import delete_integration, pause_integration, resume_integration
from integrations.services.sync_states import IN_PROGRESS, NOT_SYNCING
from integrations.services.sync_states import sync_status as source_status
from integrations.services.usage import account_usage, integration_usage
from integrations.services.waiting import WaitingTable, waiting_tables
from integrations.views.frame import find_integration, frame, url_of, way_back
from stitchapp import charts
from stitchapp.rendering import render_page

FAILED = ("failed", "timed out")
TONES = {IN_PROGRESS: "ok", NOT_SYNCING: "soft"}
MOST_NOTICES = 3  # of tables that fail; an outage can make hundreds of them


@allow(Can.VIEW_ACCOUNT)
@require_safe
def integration_summary(request: HttpRequest, integration_id: int) -> HttpResponse:
    """What came in, what waits, what was loaded; it looks again by itself while something waits."""
    integration = find_integration(request, integration_id)
    now = timezone.now()
    days = days_of_billing_period(request.account, now=now)
    usage = integration_usage(integration=integration, days=days)
    total = account_usage(account=request.account, days=days).total
    waiting = waiting_tables(integration=integration)
    failing = [table for table in waiting if table.error]
    context = frame(request, integration, "integration-summary") | {
        "last_received_at": last_received(integration, waiting),
        "sync_status": sync_status(integration, waiting),
        "extracted": None if integration.is_push else extracted(integration, now),
        "waiting_rows": sum(table.records for table in waiting),
        "waiting_tables": len(waiting),
        "failing": failing[:MOST_NOTICES],
        "more_failing": max(len(failing) - MOST_NOTICES, 0),
        "notifications_url": reverse("integrations:notifications", args=[request.account.client_id]),
        "rows_today": dict(usage.days).get(now.date(), 0),
        "last_table": integration.loaded_tables.order_by("-last_loaded_at", "name").first(),
        "usage": usage,
        "share": round(100 * usage.total / total) if total else None,
        "chart": charts.daily_bars(usage.days),
        "looks_again": looks_again(integration, waiting),
        "summary_url": request.path,
        "loads_url": url_of(integration, "integration-loads"),
        "table_loads_url": url_of(integration, "table-loads"),
        "settings_url": url_of(integration, "integration-settings"),
    }
    return render_page(request, "integrations/integration_summary.html", context)


def extracted(integration: Integration, now: datetime) -> dict[str, object]:
    """Return what the Summary says of a source's extractions (app.md 10.1)."""
    newest = newest_job(integration=integration)
    word = source_status(integration, newest, now)
    ended = newest if newest is not None and not newest.is_open else last_completed(integration=integration)
    is_running = newest is not None and newest.is_open and newest.started_at is not None
    return {
        "started_at": newest.started_at if newest is not None and is_running else None,
        "completed_at": ended.completed_at if ended is not None else None,
        "word": word,
        "tone": TONES.get(word, "strong"),
        "failed": ended is not None and ended.outcome in FAILED,
        "next_at": integration.next_run_at,
        "is_due": integration.next_run_at is not None and integration.next_run_at <= now,
        "last_url": url_of(integration, "extraction-detail", job_id=ended.pk) if ended is not None else "",
        "extractions_url": url_of(integration, "integration-extractions"),
        "schedule_url": url_of(integration, "schedule-edit"),
    }


def looks_again(integration: Integration, waiting: list[WaitingTable]) -> bool:
    """Tell whether the page would soon say something else."""
    if not integration.is_push:
        return bool(waiting) or running_extraction(integration=integration) is not None
    return bool(waiting) and not integration.is_paused


def last_received(integration: Integration, waiting: list[WaitingTable]):
    """Return when data was last accepted; what still waits counts too."""
    return max(
        [moment for moment in (integration.last_received_at, *(t.newest_at for t in waiting)) if moment],
        default=None,
    )


def sync_status(integration: Integration, waiting: list[WaitingTable]) -> dict[str, str]:
    """Return the word of the Sync status line and its colour."""
    if integration.is_paused:
        return {"word": "Not Syncing", "tone": "soft"}
    if any(table.error for table in waiting):
        return {"word": "Error", "tone": "bad"}
    if any(table.loading for table in waiting):
        return {"word": "In Progress", "tone": "ok"}
    if waiting:
        return {"word": "Pending", "tone": "strong"}
    return {"word": "Continuously Replicated", "tone": "strong"}


@allow(Can.PAUSE_INTEGRATIONS)
@require_http_methods(["GET", "HEAD", "POST"])
def integration_pause(request: HttpRequest, integration_id: int) -> HttpResponse:
    """Say what pausing does to senders, then pause."""
    integration = find_integration(request, integration_id)
    back = way_back(request, integration)
    if request.method == "POST":
        pause_integration(integration=integration, actor=request.user)
        after = (
            "Requests with its tokens are refused."
            if integration.is_push
            else "No extraction starts by itself."
        )
        messages.success(request, f"{integration.display_name} is paused. {after}")
        return redirect(back)
    context = {
        "nav_active": "integrations",
        "integration": integration,
        "action": request.path,
        "sent_along": [{"name": "next", "value": back}],
        "cancel_url": back,
    }
    return render_page(request, "integrations/integration_pause.html", context)


@allow(Can.PAUSE_INTEGRATIONS)
@require_POST
def integration_resume(request: HttpRequest, integration_id: int) -> HttpResponse:
    """Accept pushes again."""
    integration = find_integration(request, integration_id)
    resume_integration(integration=integration, actor=request.user)
    after = (
        "Its tokens work again." if integration.is_push else "Its extractions start by its schedule again."
    )
    messages.success(request, f"{integration.display_name} is active. {after}")
    return redirect(way_back(request, integration))


@allow(Can.DELETE_INTEGRATIONS)
@require_http_methods(["GET", "HEAD", "POST"])
def integration_delete(request: HttpRequest, integration_id: int) -> HttpResponse:
    """Ask, then delete the integration."""
    integration = find_integration(request, integration_id)
    if request.method == "POST":
        delete_integration(integration=integration, actor=request.user)
        messages.success(request, f"{integration.display_name} was deleted. Its loaded data stays.")
        return redirect(reverse("integrations:dashboard", args=[request.account.client_id]))
    used = integration.access_tokens.active().exclude(last_used_at=None)
    context = {
        "nav_active": "integrations",
        "integration": integration,
        "asked": {
            "integration": integration,
            "active_tokens": integration.access_tokens.active().count(),
            "last_used": used.order_by("-last_used_at").first(),
            "waiting_rows": sum(table.records for table in waiting_tables(integration=integration)),
        },
        "action": request.path,
        "cancel_url": url_of(integration, "integration-settings"),
    }
    return render_page(request, "integrations/integration_delete.html", context)
