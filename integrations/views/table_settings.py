"""Table Settings: how one table of a source is replicated, and Reset Table."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods

from accounts.access import Can, allow
from accounts.errors import DomainError
from integrations.forms.table_settings import TableSettingsForm
from integrations.models import Integration, Stream
from integrations.services.resets import ExtractionRuns, reset_table
from integrations.services.run_catalog import method_of
from integrations.services.selection import choose
from integrations.services.stream_metadata import STREAM, forced_method, is_view, stream_choice
from integrations.views.frame import frame, url_of
from integrations.views.selection import find_source
from integrations.views.stream_fields import stream_crumbs
from stitchapp.rendering import render_page

METHOD_WORDS = {
    "INCREMENTAL": "Key-based Incremental",
    "LOG_BASED": "Log-based Incremental",
    "FULL_TABLE": "Full Table Replication",
}


def find_stream(request: HttpRequest, integration_id: int, stream_id: int) -> Stream:
    """Return a table that the latest discovery found in the account's source, or answer 404."""
    integration = find_source(request, integration_id)
    stream: Stream = get_object_or_404(integration.streams.found(), pk=stream_id)
    stream.integration = integration
    return stream


@allow(Can.MANAGE_SELECTION)
@require_http_methods(["GET", "HEAD", "POST"])
def table_settings(request: HttpRequest, integration_id: int, stream_id: int) -> HttpResponse:
    """Choose the replication method and keys of a table; they apply from the next extraction."""
    stream = find_stream(request, integration_id, stream_id)
    integration = stream.integration
    form = TableSettingsForm(
        request.POST if request.method == "POST" else None,
        stream=stream,
        log_based=may_use_the_log(integration, stream),
        initial=present(stream),
    )
    if form.is_valid():
        try:
            choose(integration=integration, choices={stream.pk: {STREAM: form.choices()}}, actor=request.user)
        except DomainError as refusal:
            form.add_error(None, refusal.message)
        else:
            messages.success(
                request, "The table's settings were updated. They apply from the next extraction."
            )
            return redirect(url_of(integration, "stream-fields", stream_id=stream.pk))
    forced = forced_method(stream)
    context = frame(request, integration, "integration-tables") | {
        "stream": stream,
        "form": form,
        "forced": METHOD_WORDS.get(forced or "", forced),
        "forced_reason": forced_reason(stream),
        "is_view": is_view(stream),
        "settings_url": request.path,
        "reset_url": url_of(integration, "table-reset", stream_id=stream.pk),
        "fields_url": url_of(integration, "stream-fields", stream_id=stream.pk),
        "crumbs": stream_crumbs(integration, stream, {"label": "Table Settings", "url": ""}),
    }
    return render_page(
        request, "integrations/table_settings.html", context, status=422 if form.errors else 200
    )


def present(stream: Stream) -> dict[str, Any]:
    """Return how the table is replicated now."""
    chosen = stream_choice(stream)
    keys = chosen.get("view-key-properties") or []
    return {
        "method": method_of(stream, stream.integration.properties) or "FULL_TABLE",
        "replication_key": chosen.get("replication-key") or stream.metadata.get("replication-key") or "",
        "primary_key": "custom" if keys else "none",
        "view_keys": keys,
    }


def may_use_the_log(integration: Integration, stream: Stream) -> bool:
    """Tell whether the database's log can be read for the table: chosen in the connection, and no view."""
    return integration.properties.get("use_log_based_replication") == "true" and not is_view(stream)


def forced_reason(stream: Stream) -> str:
    forced = stream.metadata.get("forced-replication-method")
    return str(forced.get("reason") or "") if isinstance(forced, dict) else ""


@allow(Can.MANAGE_SELECTION)
@require_http_methods(["GET", "HEAD", "POST"])
def table_reset(request: HttpRequest, integration_id: int, stream_id: int) -> HttpResponse:
    """Ask, then forget how far the table was read."""
    stream = find_stream(request, integration_id, stream_id)
    back = url_of(stream.integration, "table-settings", stream_id=stream.pk)
    if request.method == "POST":
        try:
            reset_table(stream=stream, actor=request.user)
        except ExtractionRuns as refusal:
            messages.error(request, refusal.message)
        else:
            messages.success(
                request, f"Success! {stream.stream_name} is read from the start by the next extraction."
            )
        return redirect(back)
    context = {
        "nav_active": "integrations",
        "stream": stream,
        "action": request.path,
        "cancel_url": back,
    }
    return render_page(request, "integrations/table_reset.html", context)
