"""Rehearsal: what sample records would become in the warehouse, without sending them."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.access import Can, allow
from integrations.forms.rehearsal import RehearsalForm
from integrations.loading.rehearsing import RehearsedTable
from integrations.services.rehearsals import IntegrationRehearsal, TableRehearsal, rehearse_batches
from integrations.views.frame import find_integration, frame, url_of
from stitchapp.rendering import render_page

SHOWN_TABLES = 50  # root tables of one push
SHOWN_COLUMNS = 200
SHOWN_ROW_COLUMNS = 40
SHOWN_REJECTED = 20
SHOWN_CHARACTERS = 2_000


@allow(Can.VIEW_ACCOUNT)
@require_http_methods(["GET", "POST"])
def integration_rehearsal(request: HttpRequest, integration_id: int) -> HttpResponse:
    """Show the form with an example; sent, also the result. That is no redirect: nothing was changed."""
    integration = find_integration(request, integration_id)
    sent = request.POST if request.method == "POST" else None
    form = RehearsalForm(sent, client_id=request.account.client_id, now=timezone.now())
    result = None
    if form.is_valid():
        result = shown(rehearse_batches(integration=integration, batches=form.batches))
    context = frame(request, integration, "integration-tables") | {
        "form": form,
        "result": result,
        "rehearsal_url": request.path,
        "crumbs": [
            {"label": integration.display_name, "url": url_of(integration, "integration-summary")},
            {"label": "Tables", "url": url_of(integration, "integration-tables")},
            {"label": "Rehearsal", "url": ""},
        ],
    }
    status = 422 if form.errors else 200
    return render_page(request, "integrations/integration_rehearsal.html", context, status=status)


def shown(rehearsal: IntegrationRehearsal) -> dict[str, Any]:
    """Return what the page shows of a rehearsal; what is left out is counted."""
    return {
        "told": rehearsal,
        "tables": [table_shown(table) for table in rehearsal.tables[:SHOWN_TABLES]],
        "more_tables": max(0, len(rehearsal.tables) - SHOWN_TABLES),
    }


def table_shown(table: TableRehearsal) -> dict[str, Any]:
    """Return one root table with its sub tables, its rejects and the schema to copy."""
    told = table.rehearsal
    return {
        "told": told,
        "tables": [columns_shown(rehearsed) for rehearsed in told.tables],
        "rejected": [
            {"reason": row.reason, "table": row.table_name, "record": cut(row.record)}
            for row in told.rejected_rows[:SHOWN_REJECTED]
        ],
        "rejects": sum(reason.count for reason in told.rejections),
        "schema": "" if table.schema is None else json.dumps(table.schema, indent=2),
    }


def columns_shown(table: RehearsedTable) -> dict[str, Any]:
    """Return a table's columns and its first rows, both no wider than a page can be read."""
    filled = {name for row in table.rows for name in row}
    own = [column for column in table.columns if not column.by_loader]
    ordered = sorted(table.columns, key=lambda column: column.by_loader)
    names = [column.name for column in ordered if column.name in filled][:SHOWN_ROW_COLUMNS]
    return {
        "told": table,
        "columns": own[:SHOWN_COLUMNS],
        "more_columns": max(0, len(own) - SHOWN_COLUMNS),
        "loader_columns": [column for column in table.columns if column.by_loader],
        "changes": sum(column.state != "existing" for column in table.columns),
        "row_columns": names,
        "rows": [[text_of(row.get(name)) for name in names] for row in table.rows],
        "more_rows": table.row_count - len(table.rows),
    }


def text_of(value: Any) -> str | None:
    """Return a value as a warehouse shows it; None is NULL."""
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def cut(text: str) -> str:
    """Return the beginning of a long record."""
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"
