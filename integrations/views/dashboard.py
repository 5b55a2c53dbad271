"""The dashboard: all integrations of the account, and what they loaded."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import Can, allow, may
from accounts.plan_words import trial_words
from accounts.services.usage import days_of_billing_period
from integrations.models import Integration, Job, SetUpStep
from integrations.services.sync_states import newest_jobs, standing_word
from integrations.services.usage import account_usage, rows_by_integration
from integrations.views.frame import icon_of, switches, urls_of
from stitchapp import charts
from stitchapp.rendering import render_page

PAGE_SIZE = 50
CONTINUOUSLY = "Continuously Replicated"
COLUMNS = (
    ("name", "Name", lambda row: row.name.casefold()),
    ("status", "Status", lambda row: (row.status, row.name.casefold())),
    ("sync", "Last Sync Completed", lambda row: (row.last_sync or row.synced_words, row.name.casefold())),
    ("rows", "Rows This Billing Period", lambda row: (row.rows, row.name.casefold())),
)


@dataclass(slots=True)
class Row:
    """One integration as the table shows it."""

    name: str
    status: str
    last_sync: str  # a word; empty when there is a time, or nothing yet
    synced_at: datetime | None
    rows: int
    url: str
    set_up_url: str
    toggle: dict[str, object]
    icon: str  # of static/img

    @property
    def synced_words(self) -> str:
        """The time as it sorts: before every word."""
        return self.synced_at.isoformat() if self.synced_at is not None else ""


@allow(Can.VIEW_ACCOUNT)
@require_safe
def dashboard(request: HttpRequest) -> HttpResponse:
    """Search, sort and page the integrations; the usage block stands above them."""
    query = request.GET.get("q", "").strip()
    sort = chosen_sort(request.GET.get("sort", ""))
    now = timezone.now()
    days = days_of_billing_period(request.account, now=now)
    integrations = list(request.account.integrations.live())
    rows = table_rows(request, integrations, rows_by_integration(account=request.account, days=days))
    found = [row for row in rows if query.casefold() in row.name.casefold()]
    key = next(key for name, _, key in COLUMNS if name == sort.lstrip("-"))
    found.sort(key=key, reverse=sort.startswith("-"))
    usage = account_usage(account=request.account, days=days)
    context = {
        "nav_active": "integrations",
        "page": Paginator(found, PAGE_SIZE).get_page(request.GET.get("page")),
        "query": query,
        "kept": urlencode({"q": query, "sort": sort}),
        "sort_fields": [{"name": "sort", "value": sort}],
        "columns": sort_links(request.path, query, sort),
        "has_integrations": bool(integrations),
        "usage": usage,
        "trial": "" if request.account.trial_is_over(now) else trial_words(request.account, now),
        "quota": charts.quota(usage.counted, request.account.plan.rows_per_month),
        "chart": charts.daily_bars(usage.days),
        "may_add": may(request.membership, Can.ADD_INTEGRATIONS),
        "dashboard_url": request.path,
        "catalogue_url": client_url(request, "catalogue"),
        "billing_url": reverse("accounts:billing", kwargs={"client_id": request.account.client_id}),
    }
    return render_page(request, "integrations/dashboard.html", context)


def table_rows(request: HttpRequest, integrations: list[Integration], rows: dict[int, int]) -> list[Row]:
    """Return a row for each integration."""
    may_pause = may(request.membership, Can.PAUSE_INTEGRATIONS)
    toggle = switches(request.account, back=request.get_full_path(), may_pause=may_pause)
    summary_url = urls_of(request.account, "integration-summary")
    set_up_urls = {
        step: urls_of(request.account, name)
        for step, name in (
            (SetUpStep.FORM, "integration-settings"),
            (SetUpStep.DISCOVER_SCHEMA, "connection-check"),
            (SetUpStep.FIELD_SELECTION, "integration-tables"),
        )
    }
    jobs = newest_jobs(account=request.account) if any(not each.is_push for each in integrations) else {}
    now = timezone.now()
    return [
        Row(
            name=integration.display_name,
            status=integration.status,
            last_sync=last_sync(integration, jobs.get(integration.pk), now),
            synced_at=synced_at(integration, jobs.get(integration.pk)),
            rows=rows.get(integration.pk, 0),
            url=summary_url(integration),
            set_up_url="" if integration.is_configured else set_up_urls[integration.step](integration),
            toggle=toggle(integration),
            icon=icon_of(integration),
        )
        for integration in integrations
    ]


def last_sync(integration: Integration, newest: Job | None, now: datetime) -> str:
    """Return the word of the Last Sync column, if it is one."""
    return CONTINUOUSLY if integration.is_push else standing_word(integration, newest, now)


def synced_at(integration: Integration, newest: Job | None) -> datetime | None:
    """Return when the last extraction ended."""
    return newest.completed_at if newest is not None else None


def chosen_sort(wanted: str) -> str:
    """Return a sort that exists: a column's name, with a minus for descending. Name ascending otherwise."""
    return wanted if wanted.removeprefix("-") in {name for name, *_ in COLUMNS} else "name"


def sort_links(path: str, query: str, sort: str) -> list[dict[str, object]]:
    """Return each column's head: its label, its direction now, and the address that sorts by it."""
    heads = []
    for name, label, _ in COLUMNS:
        direction = {name: "ascending", f"-{name}": "descending"}.get(sort, "")
        follows = f"-{name}" if direction == "ascending" else name
        parameters = urlencode({"q": query, "sort": follows} if query else {"sort": follows})
        heads.append(
            {
                "label": label,
                "direction": direction,
                "url": f"{path}?{parameters}",
                "number": name == "rows",
            }
        )
    return heads


def client_url(request: HttpRequest, name: str) -> str:
    """Return the address of one of the account's pages."""
    return reverse(f"integrations:{name}", kwargs={"client_id": request.account.client_id})
