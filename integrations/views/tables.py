"""Tables to Replicate: what an Import API integration has received, and what stands in the warehouse.

Of a source that a tap reads, `selection.py` shows what can be chosen.
"""

from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from accounts.access import Can, allow
from integrations.loading.errors import Busy, LoadError, UnknownTable
from integrations.loading.outcomes import Preview
from integrations.models import Integration, LoadedTable
from integrations.services.load_reports import is_subtable
from integrations.services.warehouses import preview_rows
from integrations.views.frame import find_integration, frame, url_of
from integrations.views.selection import show_tables
from stitchapp.rendering import render_page

PAGE_SIZE = 50
COLUMNS_PAGE_SIZE = 200
SYSTEM_PREFIX = "_sdc_"


@allow(Can.VIEW_ACCOUNT)
@require_safe
def integration_tables(request: HttpRequest, integration_id: int) -> HttpResponse:
    """List the tables and subtables that received data; there is nothing to select (app.md 17, 16)."""
    integration = find_integration(request, integration_id)
    if not integration.is_push:
        return show_tables(request, integration)
    query = request.GET.get("q", "").strip()
    tables = integration.loaded_tables.order_by("root", "name")
    every = list(tables)
    found = [table for table in every if query.casefold() in table.name.casefold()]
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    for table in page:
        table.is_subtable = is_subtable(table.name, root=table.root)
        table.url = url_of(integration, "integration-table", table_id=table.pk)
        table.preview_url = url_of(integration, "table-preview", table_id=table.pk)
    context = frame(request, integration, "integration-tables") | {
        "page": page,
        "query": query,
        "kept": urlencode({"q": query}) if query else "",
        "has_tables": bool(every),
        "tables_url": request.path,
        "rehearsal_url": url_of(integration, "integration-rehearsal"),
        "settings_url": url_of(integration, "integration-settings"),
    }
    return render_page(request, "integrations/integration_tables.html", context)


@allow(Can.VIEW_ACCOUNT)
@require_safe
def integration_table(request: HttpRequest, integration_id: int, table_id: int) -> HttpResponse:
    """List a table's columns with their types."""
    integration = find_integration(request, integration_id)
    table = get_object_or_404(integration.loaded_tables, pk=table_id)
    columns = [
        {"name": name, "type": kind, "by_stitch": name.startswith(SYSTEM_PREFIX)}
        for name, kind in sorted(table.columns, key=is_system_column)
    ]
    context = frame(request, integration, "integration-tables") | {
        "table": table,
        "page": Paginator(columns, COLUMNS_PAGE_SIZE).get_page(request.GET.get("page")),
        "crumbs": crumbs(integration, table),
        "action": {"label": "Preview", "url": url_of(integration, "table-preview", table_id=table.pk)},
    }
    return render_page(request, "integrations/integration_table.html", context)


@allow(Can.VIEW_ACCOUNT)
@require_safe
def table_preview(request: HttpRequest, integration_id: int, table_id: int) -> HttpResponse:
    """Show a table's newest rows as they stand in the warehouse, or why that is not possible now."""
    integration = find_integration(request, integration_id)
    table = get_object_or_404(integration.loaded_tables, pk=table_id)
    table.integration = integration
    rows, problem = None, ""
    try:
        rows = own_columns_first(preview_rows(table=table))
    except Busy:
        problem = "The table is being written. Try again in a moment."
    except UnknownTable:
        problem = "The table is not in the warehouse any more. It is made again when rows for it arrive."
    except LoadError as error:
        problem = f"The warehouse cannot be read: {error.message}"
    context = frame(request, integration, "integration-tables") | {
        "table": table,
        "preview": rows,
        "problem": problem,
        "preview_url": request.path,
        "crumbs": [
            *crumbs(integration, table)[:-1],
            {"label": table.name, "url": url_of(integration, "integration-table", table_id=table.pk)},
            {"label": "Preview", "url": ""},
        ],
    }
    return render_page(request, "integrations/table_preview.html", context)


def is_system_column(column: tuple[str, str]) -> bool:
    """Tell a column that the loader adds; sorted by this, what people sent stands before it."""
    name, _ = column
    return name.startswith(SYSTEM_PREFIX)


def own_columns_first(preview: Preview | None) -> Preview | None:
    """Return the preview with the sender's columns before those that the loader adds."""
    if preview is None:
        return None
    order = sorted(range(len(preview.columns)), key=lambda at: is_system_column(preview.columns[at]))
    return Preview([preview.columns[at] for at in order], [[row[at] for at in order] for row in preview.rows])


def crumbs(integration: Integration, table: LoadedTable) -> list[dict[str, str]]:
    """Return the way to a table's page."""
    return [
        {"label": integration.display_name, "url": url_of(integration, "integration-summary")},
        {"label": "Tables", "url": url_of(integration, "integration-tables")},
        {"label": table.name, "url": ""},
    ]
