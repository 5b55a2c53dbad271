"""Loads: what each table loaded in a span of time, and each attempt of one table by day."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import Can, allow
from integrations.models import Integration
from integrations.services.load_reports import (
    Range,
    TableReport,
    attempts_on,
    kept_since,
    knows_table,
    minutes_of,
    table_reports,
    table_rows,
)
from integrations.services.rejected_records import open_count
from integrations.views.days import chosen_day, day_graph
from integrations.views.frame import find_integration, frame, url_of
from stitchapp.rendering import render_page

PAGE_SIZE = 50
MINUTES_A_DAY = 24 * 60


@allow(Can.VIEW_LOADS)
@require_safe
def integration_loads(request: HttpRequest, integration_id: int) -> HttpResponse:
    """All tables, with the rows each loaded in the chosen span, and what waits and why."""
    integration = find_integration(request, integration_id)
    span = next((span for span in Range if span.slug == request.GET.get("range")), Range.DAY)
    now = timezone.now()
    tables = table_rows(integration=integration, span=span, now=now)
    page = Paginator(tables, PAGE_SIZE).get_page(request.GET.get("page"))
    reports = table_reports(integration=integration, tables=page)
    table_url = url_of(integration, "table-loads")
    context = frame(request, integration, "integration-loads") | {
        "page": page,
        "rows": [row_of(report, table_url) for report in reports],
        "ranges": [
            {"label": each.label, "url": f"?range={each.slug}", "current": each is span} for each in Range
        ],
        "kept": urlencode({"range": span.slug}),
        "span": span.label,
        "cut_at": cut_at(integration, now) if span is Range.DAY else None,
        "is_new": not tables and not integration.loaded_tables.exists(),
        "loads_url": request.get_full_path(),
        "settings_url": url_of(integration, "integration-settings"),
        "batches_url": url_of(integration, "batch-list"),
        "requests_url": url_of(integration, "request-list"),
        "rejected_url": url_of(integration, "rejected-list"),
        "rejected_open": open_count(integration=integration, now=now),
        "looks_again": any(table.waiting for table in tables),
    }
    return render_page(request, "integrations/integration_loads.html", context)


@allow(Can.VIEW_LOADS)
@require_safe
def table_loads(request: HttpRequest, integration_id: int) -> HttpResponse:
    """Each attempt to load one table on one UTC day."""
    integration = find_integration(request, integration_id)
    table_name = request.GET.get("name", "")
    if not knows_table(integration=integration, table_name=table_name):
        raise Http404
    today = datetime.now(UTC).date()
    day = chosen_day(request.GET.get("day", ""), today)
    oldest, begin = (
        today - timedelta(days=request.account.plan.report_days - 1),
        request.account.reports_begin_at,
    )
    attempts = attempts_on(integration=integration, table_name=table_name, day=day)
    if begin is not None:  # a downgrade took what was older
        oldest, attempts = max(oldest, begin.date()), attempts.filter(finished_at__gte=begin)
    if day < oldest:
        attempts = attempts.none()
    minutes = minutes_of(attempts)
    since = kept_since(integration=integration)
    context = frame(request, integration, "integration-loads") | {
        "table_name": table_name,
        "page": Paginator(attempts, PAGE_SIZE).get_page(request.GET.get("page")),
        "kept": urlencode({"name": table_name, "day": day}),
        "day": day,
        "report_days": request.account.plan.report_days,
        "is_too_old": day < oldest,
        "cut_at": since if since is not None and day <= since.date() else None,
        "graph": day_graph(
            url=request.path,
            day=day,
            today=today,
            oldest=oldest,
            bars=time_line(minutes),
            words=load_words(minutes),
            kept={"name": table_name},
        ),
        "rejected_url": url_of(integration, "rejected-list"),
        "crumbs": [
            {"label": integration.display_name, "url": url_of(integration, "integration-summary")},
            {"label": "Loads", "url": url_of(integration, "integration-loads")},
            {"label": table_name, "url": ""},
        ],
    }
    return render_page(request, "integrations/table_loads.html", context)


def row_of(report: TableReport, table_url: str) -> dict[str, object]:
    """Return what a table's row shows: a template finds a key in half the time of an attribute."""
    return {
        "name": report.name,
        "url": f"{table_url}?{urlencode({'name': report.name})}",
        "failed": report.waiting is not None and bool(report.waiting.error),
        "more": report if report.waiting or report.subtables else None,
        "bookmarks": report.bookmarks,
        "received_at": report.received_at,
        "rows": report.rows,
    }


def cut_at(integration: Integration, now: datetime) -> datetime | None:
    """Return since when loads of the last 24 hours are kept; None when all of them are."""
    since = kept_since(integration=integration)
    return since if since is not None and since > now - timedelta(days=1) else None


def time_line(minutes: list[tuple[int, bool]]) -> list[dict[str, object]]:
    """Return a bar for each minute of the day with an attempt, in per cent of the day's width."""
    return [{"x": f"{100 * minute / MINUTES_A_DAY:.2f}", "failed": failed} for minute, failed in minutes]


def load_words(minutes: list[tuple[int, bool]]) -> str:
    """Say what the bars say, for those who do not see them."""
    if not minutes:
        return "Nothing was loaded on this day."
    failed = sum(failed for _, failed in minutes)
    told = f", {failed:,} with an error" if failed else ""
    return f"Each bar is a minute with a load: {len(minutes):,}{told}. The list below has each load."
