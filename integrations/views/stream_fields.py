"""The fields of one table of a source: which are replicated, searched and paged on the server."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from accounts.access import Can, allow, may
from integrations.models import Integration, SelectionDraft, SetUpStep, Stream
from integrations.services.selection_drafts import draft_of, parents_of
from integrations.services.stream_metadata import Field, fields_of, is_view, key_properties, replicates
from integrations.views.frame import frame, url_of
from integrations.views.selection import find_source, pending_context
from integrations.views.selection_rows import Level, level_crumbs
from stitchapp.rendering import render_page

FIELDS_PAGE_SIZE = 100
GROUP_KEY = "tap_google_analytics.group"


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field with what is pending of it."""

    name: str
    type: str
    group: str
    replicates: bool
    pending: bool
    locked: str  # why it cannot be chosen; empty if it can
    method: str


@allow(Can.VIEW_ACCOUNT)
@require_safe
def stream_fields(request: HttpRequest, integration_id: int, stream_id: int) -> HttpResponse:
    """List a table's fields with their types and check boxes."""
    integration = find_source(request, integration_id)
    stream = get_object_or_404(integration.streams.found(), pk=stream_id)
    stream.integration = integration
    draft = draft_of(integration, request.user)
    query = request.GET.get("q", "").strip()
    rows = [field_row(stream, field, draft) for field in fields_of(stream)]
    found = [row for row in rows if query.casefold() in row.name.casefold()]
    tracked = draft.selected(stream.pk, is_selected=stream.is_selected, is_view=is_view(stream))
    context = frame(request, integration, "integration-tables") | {
        "stream": stream,
        "page": Paginator(found, FIELDS_PAGE_SIZE).get_page(request.GET.get("page")),
        "query": query,
        "kept": urlencode({"q": query}) if query else "",
        "has_fields": bool(rows),
        "has_groups": any(row.group for row in rows),
        "tracked": tracked,
        "replicating": sum(row.replicates for row in rows),
        "fields": len(rows),
        "fields_url": request.path,
        "can_choose": may(request.membership, Can.MANAGE_SELECTION)
        and integration.step in (SetUpStep.FIELD_SELECTION, SetUpStep.FULLY_CONFIGURED),
        "crumbs": stream_crumbs(integration, stream),
        "action": {
            "label": "Table Settings",
            "url": url_of(integration, "table-settings", stream_id=stream.pk),
            "gear": True,
        },
        **pending_context(request, integration, draft),
    }
    return render_page(request, "integrations/stream_fields.html", context)


def stream_crumbs(integration: Integration, stream: Stream, *more: dict[str, str]) -> list[dict[str, str]]:
    """Return the breadcrumbs down to a table."""
    level = Level(*parents_of(stream.metadata))
    table = {"label": stream.stream_name, "url": url_of(integration, "stream-fields", stream_id=stream.pk)}
    return level_crumbs(integration, level, url_of(integration, "integration-tables"), table, *more)


def field_row(stream: Stream, field: Field, draft: SelectionDraft) -> FieldRow:
    chosen = draft.field(stream.pk, field.name, chosen=field.chosen, is_view=is_view(stream))
    on = replicates(field, chosen)
    method = "Tracked" if on else "Not Tracked"
    locked = ""
    if field.is_automatic:
        key = field.name in key_properties(stream)
        locked = "Always replicated: part of the primary key" if key else "Always replicated"
    elif field.is_unsupported:
        method = "Not Supported"
        locked = str(field.metadata.get("unsupported-description") or "Its type cannot be replicated")
    return FieldRow(
        name=field.name,
        type=field.type_words,
        group=str(field.metadata.get(GROUP_KEY) or ""),
        replicates=on,
        pending=on != field.replicates,
        locked=locked,
        method=method,
    )
