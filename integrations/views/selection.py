"""Tables to Replicate of a source that a tap reads, and Choose Your Data: choices, pending until finalized."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST, require_safe

from accounts.access import Can, allow, may
from accounts.errors import DomainError
from integrations.models import Integration, SelectionDraft, SetUpStep
from integrations.services.selection_drafts import (
    NothingPending,
    discard_draft,
    draft_of,
    finalize,
    latest_foreign_change,
    see_changes,
    tick,
    tick_all,
)
from integrations.views.frame import find_integration, frame, url_of, way_back
from integrations.views.selection_rows import Level, found_rows, level_crumbs, listed, show_level
from stitchapp.rendering import render_page

CHANGES_SHOWN = 20
MAX_SHOWN = 1_000  # rows that one request ticks or unticks
NUMBER_LENGTH = 18


def show_tables(request: HttpRequest, integration: Integration) -> HttpResponse:
    """Render the tab of a source: a level of databases, schemas and tables, each with its check box."""
    context = frame(request, integration, "integration-tables") | list_context(request, integration)
    context["crumbs"] = level_crumbs(integration, Level.of(request.GET), request.path)
    return render_page(request, "integrations/source_tables.html", context)


@allow(Can.MANAGE_SELECTION)
@require_safe
def data_choice(request: HttpRequest, integration_id: int) -> HttpResponse:
    """Choose Your Data: the same list while the source is being set up, as a step that can be skipped."""
    integration = find_source(request, integration_id)
    if integration.step in (SetUpStep.FORM, SetUpStep.DISCOVER_SCHEMA):
        return redirect(url_of(integration, "connection-check"))
    context = list_context(request, integration) | {
        "nav_active": "integrations",
        "integration": integration,
        "skip_url": url_of(integration, "integration-summary"),
        "levels": level_crumbs(integration, Level.of(request.GET), request.path),
    }
    return render_page(request, "integrations/data_choice.html", context)


def find_source(request: HttpRequest, integration_id: int) -> Integration:
    """Return the account's integration, if it is one that a tap reads; else answer 404."""
    integration = find_integration(request, integration_id)
    get_object_or_404(request.account.integrations.exclude(type="import_api"), pk=integration.pk)
    return integration


def list_context(request: HttpRequest, integration: Integration) -> dict[str, Any]:
    """Return what the list shows, at the level and for the search of the request."""
    level = Level.of(request.GET)
    query = request.GET.get("q", "").strip()
    draft = draft_of(integration, request.user)
    rows = found_rows(integration, draft)
    shown = show_level(rows, level, query, draft)
    return {
        "can_choose": may(request.membership, Can.MANAGE_SELECTION)
        and integration.step in (SetUpStep.FIELD_SELECTION, SetUpStep.FULLY_CONFIGURED),
        "is_checked": integration.step not in (SetUpStep.FORM, SetUpStep.DISCOVER_SCHEMA),
        "check_url": url_of(integration, "connection-check"),
        "page": listed(shown.entries, request.GET.get("page")),
        "level": level,
        "shown": shown,
        "query": query,
        "kept": urlencode(level.parameters | ({"q": query} if query else {})),
        "search_hidden": [{"name": key, "value": value} for key, value in level.parameters.items()],
        "has_views": any(row.is_view for row in rows),
        "is_database": any(row.parents for row in rows),
        "tracked": sum(row.tracked for row in rows),
        "tables": len(rows),
        "list_url": request.path,
        **pending_context(request, integration, draft),
        **changes_context(integration, draft),
    }


def pending_context(request: HttpRequest, integration: Integration, draft: SelectionDraft) -> dict[str, Any]:
    """Return what the buttons at the bottom need, and who changed the selection meanwhile."""
    foreign = latest_foreign_change(draft) if draft.is_pending else None
    return {
        "draft": draft,
        "foreign": foreign,
        "seen_event": foreign.pk if foreign is not None else 0,
        "here": request.get_full_path(),
        "choose_url": url_of(integration, "selection-choose"),
        "track_all_url": url_of(integration, "selection-track-all"),
        "stop_all_url": url_of(integration, "selection-stop-all"),
        "finalize_url": url_of(integration, "selection-finalize"),
        "cancel_url": url_of(integration, "selection-cancel"),
    }


def changes_context(integration: Integration, draft: SelectionDraft) -> dict[str, Any]:
    """Return the differences that discoveries found since the member said to have seen them."""
    unseen = integration.schema_changes.filter(pk__gt=draft.seen_change_id)
    newest = list(unseen[: CHANGES_SHOWN + 1])
    return {
        "changes": newest[:CHANGES_SHOWN],
        "more_changes": len(newest) > CHANGES_SHOWN,
        "changes_url": url_of(integration, "schema-changes"),
        "seen_url": url_of(integration, "schema-changes-seen"),
    }


def keep_ticks(request: HttpRequest, integration: Integration) -> None:
    """Note what the sent page has ticked and unticked of the rows that it showed."""
    sent = request.POST
    streams = integration.streams.found()
    shown = {number for number in sent.getlist("shown")[:MAX_SHOWN] if is_number(number)}
    ticked = set(sent.getlist("ticked"))
    tables = {stream: str(stream.pk) in ticked for stream in streams.filter(pk__in=shown)} if shown else {}
    parents = {
        tuple(json.loads(text)): text in sent.getlist("parent")
        for text in sent.getlist("shown_parent")[:MAX_SHOWN]
        if is_parent(text)
    }
    was_ticked = set(sent.getlist("was_parent"))
    parents = {key: on for key, on in parents.items() if on != (json.dumps(list(key)) in was_ticked)}
    fields = {}
    if is_number(sent.get("stream", "")):
        stream = get_object_or_404(streams, pk=sent["stream"])
        chosen = set(sent.getlist("field"))
        fields[stream] = {name: name in chosen for name in sent.getlist("shown_field")[:MAX_SHOWN]}
    if tables or parents or fields:
        tick(integration=integration, user=request.user, streams=tables, fields=fields, parents=parents)


def is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= NUMBER_LENGTH


def is_parent(text: str) -> bool:
    """Tell whether a sent text names a database, or one with its schema."""
    try:
        parent = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return (
        isinstance(parent, list)
        and 1 <= len(parent) <= 2
        and all(isinstance(part, str) and storable(part) for part in parent)
    )


def storable(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


@allow(Can.MANAGE_SELECTION)
@require_POST
def selection_choose(request: HttpRequest, integration_id: int) -> HttpResponse:
    """Keep what is ticked, pending."""
    integration = find_source(request, integration_id)
    try:
        keep_ticks(request, integration)
    except DomainError as refusal:
        messages.error(request, refusal.message)
    return redirect(way_back(request, integration), permanent=False)


@allow(Can.MANAGE_SELECTION)
@require_POST
def selection_track_all(request: HttpRequest, integration_id: int) -> HttpResponse:
    """Track All Tables and Fields, views not: pending."""
    return change_all(request, integration_id, track=True)


@allow(Can.MANAGE_SELECTION)
@require_POST
def selection_stop_all(request: HttpRequest, integration_id: int) -> HttpResponse:
    """Stop Tracking All Tables: pending."""
    return change_all(request, integration_id, track=False)


def change_all(request: HttpRequest, integration_id: int, *, track: bool) -> HttpResponse:
    integration = find_source(request, integration_id)
    try:
        tick_all(integration=integration, user=request.user, track=track)
    except DomainError as refusal:
        messages.error(request, refusal.message)
    return redirect(way_back(request, integration))


@allow(Can.MANAGE_SELECTION)
@require_POST
def selection_finalize(request: HttpRequest, integration_id: int) -> HttpResponse:
    """Finalize Your Selections, with what the sent page has ticked; conflicts are told and nothing is lost."""
    integration = find_source(request, integration_id)
    back = way_back(request, integration)
    version, seen = request.POST.get("version", ""), request.POST.get("seen_event", "")
    before = draft_of(integration, request.user).version
    expected = int(version) if is_number(version) else -1
    try:
        keep_ticks(request, integration)
        if expected == before:  # what this very page ticked is no surprise to it
            expected = draft_of(integration, request.user).version
        finalize(
            integration=integration,
            user=request.user,
            version=expected,
            seen_event=int(seen) if is_number(seen) else 0,
        )
    except NothingPending as refusal:
        messages.info(request, refusal.message)
        return redirect(back)
    except DomainError as refusal:
        messages.warning(request, refusal.message)
        return redirect(back)
    integration.refresh_from_db()
    if integration.step == SetUpStep.FIELD_SELECTION:
        messages.warning(
            request,
            "Your selections are final, but nothing replicates yet: track a table and one of its fields.",
        )
        return redirect(back)
    messages.success(request, "Your selections are final. They apply from the next extraction.")
    return redirect(url_of(integration, "integration-summary"))


@allow(Can.MANAGE_SELECTION)
@require_POST
def selection_cancel(request: HttpRequest, integration_id: int) -> HttpResponse:
    """Restore what was finalized last."""
    integration = find_source(request, integration_id)
    discard_draft(integration=integration, user=request.user)
    messages.info(request, "Your pending choices were discarded.")
    return redirect(way_back(request, integration))


@allow(Can.MANAGE_SELECTION)
@require_POST
def schema_changes_seen(request: HttpRequest, integration_id: int) -> HttpResponse:
    """Take the notice of schema changes away for this member."""
    integration = find_source(request, integration_id)
    last = request.POST.get("last", "")
    if is_number(last):
        newest = integration.schema_changes.filter(pk__lte=last).values_list("pk", flat=True)[:1]
        see_changes(integration=integration, user=request.user, change_ids=newest)
    return redirect(way_back(request, integration))
