"""Requests: what programs sent with an integration's tokens, accepted or refused."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import Can, allow
from integrations.forms.request_filter import ENDPOINTS, RequestFilterForm
from integrations.models import Integration, ReceivedRequest
from integrations.services.request_log import request_days, requests_of, unlisted
from integrations.services.request_words import FAULTS, SENTENCES
from integrations.views.frame import find_integration, frame, url_of
from stitchapp.rendering import render_page

PAGE_SIZE = 50


@allow(Can.VIEW_LOADS)
@require_safe
def request_list(request: HttpRequest, integration_id: int) -> HttpResponse:
    """The newest requests, narrowed, and what all of them come to each day."""
    integration = find_integration(request, integration_id)
    form = RequestFilterForm(request.GET, integration=integration)
    now = timezone.now()
    found = requests_of(integration=integration, now=now).matching(**form.criteria())
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    days = list(request_days(integration=integration, now=now))
    query = request.GET.copy()
    query.pop("page", None)
    context = frame(request, integration, "integration-loads") | {
        "form": form,
        "page": page,
        "lines": [line(integration, each) for each in page],
        "days": days,
        "unlisted": unlisted(integration=integration, days=days),
        "report_days": integration.account.plan.report_days,
        "query": query.urlencode(),
        "is_narrowed": any(form.criteria().values()),
        "list_url": url_of(integration, "request-list"),
        "live_url": request.get_full_path() if page.number == 1 else "",
        "settings_url": url_of(integration, "integration-settings"),
        "crumbs": [
            {"label": integration.display_name, "url": url_of(integration, "integration-summary")},
            {"label": "Loads", "url": url_of(integration, "integration-loads")},
            {"label": "Requests", "url": ""},
        ],
    }
    return render_page(
        request, "integrations/request_list.html", context, status=200 if form.is_valid() else 422
    )


def line(integration: Integration, received: ReceivedRequest) -> dict[str, object]:
    """Return a request as the page words it."""
    tables = received.tables.splitlines()
    return {
        "request": received,
        "result": result_of(received),
        "is_good": received.status < 400,
        "endpoint": ENDPOINTS.get(received.endpoint, received.endpoint),
        "table": tables[0] if tables else "",
        "more_tables": max(len(tables) - 1, 0),
        "sentence": SENTENCES.get(received.reason, ""),
        "code": received.reason if received.reason in FAULTS else "",
        "milliseconds": f"{received.microseconds / 1000:,.1f}",
        "receipt_url": url_of(integration, "batch-receipt", receipt=received.receipt)
        if received.receipt
        else "",
    }


def result_of(received: ReceivedRequest) -> str:
    """Return what became of a request in a word: what only asked, or tried, stored nothing."""
    if received.status >= 500:
        return "Failed"
    if received.status >= 400:
        return "Refused"
    return "Accepted" if received.receipt else "Answered"
