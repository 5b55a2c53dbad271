"""Recent batches of an integration, and the receipt of each: accepted, loading, loaded."""

import uuid
from urllib.parse import urlencode

from django.conf import settings
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts.access import Can, allow
from integrations.services.receipts import Progress, batches_of, find_batch, receipt_of, summaries
from integrations.services.rejected_records import rejected_by_batch, replayed_by_batch
from integrations.views.frame import find_integration, frame, url_of
from stitchapp.rendering import render_page

PAGE_SIZE = 50


@allow(Can.VIEW_LOADS)
@require_safe
def batch_list(request: HttpRequest, integration_id: int) -> HttpResponse:
    """The newest batches, with how far each has come."""
    integration = find_integration(request, integration_id)
    page = Paginator(batches_of(integration=integration), PAGE_SIZE).get_page(request.GET.get("page"))
    rows = [
        (summary, url_of(integration, "batch-receipt", receipt=summary.batch.receipt))
        for summary in summaries(batches=list(page))
    ]
    context = frame(request, integration, "integration-loads") | {
        "page": page,
        "rows": rows,
        "settings_url": url_of(integration, "integration-settings"),
        "list_url": request.get_full_path(),
        "receipts_kept": settings.RECEIPTS_KEPT,
        "looks_again": any(summary.state is not Progress.LOADED for summary, _ in rows),
        "crumbs": [
            {"label": integration.display_name, "url": url_of(integration, "integration-summary")},
            {"label": "Loads", "url": url_of(integration, "integration-loads")},
            {"label": "Recent batches", "url": ""},
        ],
    }
    return render_page(request, "integrations/batch_list.html", context)


@allow(Can.VIEW_LOADS)
@require_safe
def batch_receipt(request: HttpRequest, integration_id: int, receipt: uuid.UUID) -> HttpResponse:
    """What one batch brought, and what became of it."""
    integration = find_integration(request, integration_id)
    batch = find_batch(integration=integration, receipt=str(receipt))
    if batch is None:
        raise Http404
    found = receipt_of(batch=batch)
    context = frame(request, integration, "integration-loads") | {
        "receipt": found,
        "page": Paginator(found.tables, PAGE_SIZE).get_page(request.GET.get("page")),
        "receipt_url": request.get_full_path(),
        "rejected": rejected_by_batch(integration=integration, receipt=batch.receipt),
        "rejected_url": f"{url_of(integration, 'rejected-list')}?{urlencode({'batch': batch.receipt})}",
        "replayed": replayed_by_batch(integration=integration, receipt=batch.receipt),
        "looks_again": found.state is not Progress.LOADED,
        "is_failing": any(table.is_failing for table in found.tables),  # looks less often: messages are read
        "crumbs": [
            {"label": integration.display_name, "url": url_of(integration, "integration-summary")},
            {"label": "Loads", "url": url_of(integration, "integration-loads")},
            {"label": "Recent batches", "url": url_of(integration, "batch-list")},
            {"label": "Receipt", "url": ""},
        ],
    }
    return render_page(request, "integrations/batch_receipt.html", context)
