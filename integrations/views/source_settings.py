"""The Settings tab of a source that a tap reads: connection, start date, reset and deletion (app.md 9.9)."""

from __future__ import annotations

from datetime import date

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.access import Can, allow, may
from accounts.errors import DomainError
from integrations.forms.schedules import ScheduleForm
from integrations.forms.sources import SourceSettingsForm, StartDateForm
from integrations.models import Integration
from integrations.services.destinations import destination_of
from integrations.services.integration_updates import Changes, update_integration
from integrations.services.resets import reset_integration
from integrations.services.schema_names import NameRefused
from integrations.services.source_properties import BadProperties, provided
from integrations.sources.registry import find_source_type
from integrations.views.frame import clone_url, frame, url_of
from integrations.views.selection import find_source
from stitchapp.rendering import render_page


def show_source_settings(request: HttpRequest, integration: Integration) -> HttpResponse:
    """Show the settings; a changed connection is checked when it is saved."""
    declared = find_source_type(integration.type)
    if declared is None:
        return render(request, integration, None, status=200)
    present = destination_of(integration=integration)
    form = SourceSettingsForm(
        request.POST if request.method == "POST" else None,
        source_type=declared,
        provided=provided(integration),
        stored=integration.properties,
        initial={"display_name": integration.display_name, "destination": present},
        destinations=request.account.destinations.live().order_by("pk"),
    )
    if form.is_valid():
        changes: Changes = {
            "display_name": form.cleaned_data["display_name"],
            "properties": form.properties(),
        }
        chosen = form.cleaned_data.get("destination")
        if chosen is not None and chosen != present:
            changes["destination"] = chosen
        before = integration.jobs.checks().count()
        try:
            update_integration(integration=integration, actor=request.user, changes=changes)
        except NameRefused as refusal:
            form.add_error("display_name", refusal.message)
        except BadProperties as refusal:
            form.add_bad_properties(refusal)
        except DomainError as refusal:
            form.add_error(None, refusal.message)
        else:
            messages.success(request, "The integration's settings were updated.")
            if integration.jobs.checks().count() > before:
                return redirect(url_of(integration, "connection-check"))
            return redirect(request.path)
    return render(request, integration, form, status=422 if form.errors else 200)


def render(
    request: HttpRequest, integration: Integration, form: SourceSettingsForm | None, *, status: int
) -> HttpResponse:
    context = frame(request, integration, "integration-settings") | {
        "form": form,
        "type_label": form.source_type.label if form is not None else integration.type,
        "start_date": start_date_of(integration),
        "asks_for_start_date": form is not None and form.source_type.asks_for_start_date,
        "sample": sample_of(integration),
        "schedule_url": url_of(integration, "schedule-edit"),
        "settings_url": request.path,
        "summary_url": url_of(integration, "integration-summary"),
        "check_url": url_of(integration, "connection-check"),
        "start_date_url": url_of(integration, "start-date-change"),
        "reset_url": url_of(integration, "integration-reset"),
        "clone_url": clone_url(request, integration),
        "delete_url": url_of(integration, "integration-delete"),
        "may_delete": may(request.membership, Can.DELETE_INTEGRATIONS),
    }
    return render_page(request, "integrations/source_settings.html", context, status=status)


def sample_of(integration: Integration) -> dict[str, object] | None:
    """Return how often the source is extracted, and the next three starts."""
    form = ScheduleForm(
        account=integration.account,
        type_name=integration.type,
        stored=integration.properties,
        created_at=integration.created_at,
        now=timezone.now(),
    )
    return form.sample()


def start_date_of(integration: Integration) -> date | None:
    """Return the day from which the source is replicated."""
    try:
        return date.fromisoformat(str(integration.properties.get("start_date", ""))[:10])
    except ValueError:
        return None


@allow(Can.MODIFY_INTEGRATIONS)
@require_http_methods(["GET", "HEAD", "POST"])
def start_date_change(request: HttpRequest, integration_id: int) -> HttpResponse:
    """Change Date: warn, then store another day and forget the bookmarks, both or neither."""
    integration = find_source(request, integration_id)
    declared = find_source_type(integration.type)
    if declared is None or not declared.asks_for_start_date:
        raise Http404
    form = StartDateForm(
        request.POST if request.method == "POST" else None,
        initial={"start_date": start_date_of(integration)},
    )
    settings_url = url_of(integration, "integration-settings")
    if form.is_valid():
        day = f"{form.cleaned_data['start_date']:%Y-%m-%d}T00:00:00Z"
        if day == integration.properties.get("start_date"):
            messages.info(request, "The start date is as it was. Nothing was reset.")
            return redirect(settings_url)
        try:
            with transaction.atomic():
                reset_integration(integration=integration, actor=request.user, reason="start date")
                update_integration(
                    integration=integration,
                    actor=request.user,
                    changes={"properties": {"start_date": day}},
                )
        except DomainError as refusal:
            form.add_error(None, refusal.message)
        else:
            messages.success(request, "The start date was changed. The next extraction begins from there.")
            return redirect(settings_url)
    context = {
        "nav_active": "integrations",
        "integration": integration,
        "form": form,
        "start_date": start_date_of(integration),
        "action": request.path,
        "cancel_url": settings_url,
    }
    return render_page(
        request, "integrations/start_date_change.html", context, status=422 if form.errors else 200
    )


@allow(Can.MODIFY_INTEGRATIONS)
@require_http_methods(["GET", "HEAD", "POST"])
def integration_reset(request: HttpRequest, integration_id: int) -> HttpResponse:
    """Ask, then forget all bookmarks of the source."""
    integration = find_source(request, integration_id)
    settings_url = url_of(integration, "integration-settings")
    if request.method == "POST":
        try:
            reset_integration(integration=integration, actor=request.user)
        except DomainError as refusal:
            messages.error(request, refusal.message)
        else:
            messages.success(
                request, "Success! The next extraction reads every selected table from the start."
            )
        return redirect(settings_url)
    context = {
        "nav_active": "integrations",
        "integration": integration,
        "action": request.path,
        "cancel_url": settings_url,
    }
    return render_page(request, "integrations/integration_reset.html", context)
