"""The schedule of a source: its page, and the next starts of what a form says (app.md 10.5)."""

from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import Can, allow
from accounts.errors import PlanRequired
from accounts.models import Account
from integrations.forms.schedules import ScheduleForm
from integrations.models import Integration
from integrations.services.integration_updates import update_integration
from integrations.services.schedules import InvalidCron, next_runs
from integrations.services.source_properties import BadProperties
from integrations.sources.registry import find_source_type
from integrations.views.frame import find_integration, frame, url_of
from stitchapp.rendering import render_page


@allow(Can.MANAGE_SCHEDULES)
@require_http_methods(["GET", "HEAD", "POST"])
def schedule_edit(request: HttpRequest, integration_id: int) -> HttpResponse:
    """Show when extractions start, and change it."""
    integration = find_integration(request, integration_id)
    if integration.is_push:
        raise Http404
    form = form_for(request, integration)
    if form.is_bound and form.is_valid():
        changes = {"properties": form.properties()}
        try:
            update_integration(integration=integration, actor=request.user, changes=changes)
        except (BadProperties, InvalidCron, PlanRequired) as refusal:
            form.add_error("advanced", refusal.message)
        else:
            messages.success(request, "The schedule was saved.")
            return redirect(request.path)
    context = frame(request, integration, "integration-settings") | {
        "schedule": form,
        "sample": form.sample(),
        "sample_url": sample_url(request.account, integration=integration),
        "schedule_url": request.path,
        "planned": next_runs(integration, timezone.now(), 3),
        "settings_url": url_of(integration, "integration-settings"),
        "extractions_url": url_of(integration, "integration-extractions"),
    }
    status = 422 if form.errors else 200
    return render_page(request, "integrations/schedule_edit.html", context, status=status)


def form_for(request: HttpRequest, integration: Integration) -> ScheduleForm:
    """Return the schedule's form of an integration, with what was posted."""
    return ScheduleForm(
        request.POST if request.method == "POST" else None,
        account=request.account,
        type_name=integration.type,
        stored=integration.properties,
        created_at=integration.created_at,
        now=timezone.now(),
    )


@allow(Can.MANAGE_SCHEDULES)
@require_safe
def schedule_sample(request: HttpRequest) -> HttpResponse:
    """The next three starts of what a form says; a page of its own without scripts."""
    type_name, stored, created_at = request.GET.get("type", ""), None, None
    wanted = request.GET.get("integration", "")
    if wanted:
        integration = (
            request.account.integrations.live().filter(pk=wanted).first() if wanted.isdecimal() else None
        )
        if integration is None or integration.is_push:
            raise Http404
        type_name, stored, created_at = integration.type, integration.properties, integration.created_at
    elif find_source_type(type_name) is None:
        raise Http404
    form = ScheduleForm(
        request.GET,
        account=request.account,
        type_name=type_name,
        stored=stored,
        created_at=created_at,
        now=timezone.now(),
    )
    context = {"nav_active": "integrations", "sample": form.sample(), "schedule": form}
    status = 422 if form.errors else 200
    return render_page(request, "integrations/schedule_sample.html", context, status=status)


def sample_url(account: Account, *, integration: Integration | None = None, type_name: str = "") -> str:
    """Return where the next starts of a schedule's form are shown."""
    of = {"integration": integration.pk} if integration is not None else {"type": type_name}
    return f"{reverse('integrations:schedule-sample', args=[account.client_id])}?{urlencode(of)}"
