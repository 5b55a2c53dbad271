"""What changed in a source's tables and fields, from one discovery to the next."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts.access import Can, allow
from integrations.services.schema_changes import MAX_KEPT
from integrations.views.frame import frame, url_of
from integrations.views.selection import find_source
from integrations.views.selection_rows import Level, level_crumbs
from stitchapp.rendering import render_page

PAGE_SIZE = 50


@allow(Can.VIEW_ACCOUNT)
@require_safe
def schema_changes(request: HttpRequest, integration_id: int) -> HttpResponse:
    """List them, the newest first."""
    integration = find_source(request, integration_id)
    page = Paginator(integration.schema_changes.all(), PAGE_SIZE).get_page(request.GET.get("page"))
    crumbs = level_crumbs(
        integration,
        Level(),
        url_of(integration, "integration-tables"),
        {"label": "Schema changes", "url": request.path},
    )
    context = frame(request, integration, "integration-tables") | {
        "page": page,
        "crumbs": crumbs,
        "max_kept": MAX_KEPT if page.paginator.count >= MAX_KEPT else None,
    }
    return render_page(request, "integrations/schema_changes.html", context)
