"""Configure your <type> Integration: the create form of a source that a tap reads."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.access import Can, allow, may
from accounts.errors import DomainError
from integrations.forms.schedules import ScheduleForm
from integrations.forms.sources import SourceForm
from integrations.models import SetUpStep
from integrations.services.destinations import main_destination
from integrations.services.integration_updates import create_mapped_integration
from integrations.services.integrations import AlreadyCreated
from integrations.sources.registry import find_source_type
from integrations.sources.source_types import SourceType
from integrations.views.catalogue import destinations_to_choose, is_own, name_in_warehouse, where_it_is
from integrations.views.frame import url_of
from integrations.views.schedules import sample_url
from stitchapp.rendering import render_page


@allow(Can.ADD_INTEGRATIONS)
@require_http_methods(["GET", "HEAD", "POST"])
def source_create(request: HttpRequest, source_type: str) -> HttpResponse:
    """Ask for the name and the connection, then check it and save."""
    declared = find_source_type(source_type)
    if declared is None or declared.is_push:
        raise Http404
    if declared.unavailable_reason:
        told = f"{declared.unavailable_reason} {declared.install_command}".strip()
        messages.warning(request, f"{declared.label} cannot be added. {told}")
        return redirect(reverse("integrations:catalogue", args=[request.account.client_id]))
    if request.method != "POST" or "schema_choice" in request.POST:
        typed = request.POST if "schedule-frequency" in request.POST else None
        return show_form(request, unsent_form(request, declared), schedule_form(request, declared, typed))
    form = make_form(request, declared, request.POST, own_schema=is_own(request.POST))
    schedule = schedule_form(request, declared, request.POST)
    if form.is_valid() & schedule.is_valid():  # both are judged, and all that is wrong is shown at once
        try:
            integration = create_mapped_integration(
                account=request.account,
                actor=request.user,
                display_name=form.cleaned_data["display_name"],
                schema_name=form.cleaned_data.get("schema_name"),
                destination=form.cleaned_data.get("destination"),
                type=declared.name,
                properties=form.properties() | schedule.chosen(),
                form_id=form.cleaned_data["form_id"],
            )
        except AlreadyCreated as refusal:
            messages.warning(request, "This form was sent twice. The integration exists once.")
            return redirect(where_it_is(refusal.integration))
        except DomainError as refusal:
            form.add_refusal(refusal)
        else:
            checked = integration.step in (SetUpStep.DISCOVER_SCHEMA, SetUpStep.FIELD_SELECTION)
            return redirect(url_of(integration, "connection-check" if checked else "integration-summary"))
    form.focus_on_first_error()
    return show_form(request, form, schedule, status=422)


def schedule_form(request: HttpRequest, declared: SourceType, sent=None) -> ScheduleForm:
    """Return the form of the schedule that the source begins with."""
    return ScheduleForm(sent, account=request.account, type_name=declared.name, now=timezone.now())


def make_form(request: HttpRequest, declared: SourceType, sent=None, **more) -> SourceForm:
    return SourceForm(
        sent,
        source_type=declared,
        destinations=destinations_to_choose(request),
        live_url=request.path,
        **more,
    )


def unsent_form(request: HttpRequest, declared: SourceType) -> SourceForm:
    """Return the form to fill in, with what was typed before the choice of schema name; no credential comes back."""
    typed = request.POST if request.method == "POST" else request.GET
    secret = {f"property_{item.name}" for item in declared.form if item.is_credential}
    own_schema = is_own(typed)
    initial = {name: value for name, value in typed.items() if name not in secret}
    if own_schema:
        found = name_in_warehouse(request, initial.get("display_name", ""))
        initial["schema_name"] = found["schema_name"]
    main = main_destination(account=request.account)
    initial.setdefault("destination", main.pk if main is not None else "")
    initial.pop("form_id", None)
    form = make_form(request, declared, initial=initial, own_schema=own_schema)
    if request.method == "POST":
        keep_typed(form, typed)
    return form


def keep_typed(form: SourceForm, typed) -> None:
    """Show again what was typed and ticked, where a field's own start would stand otherwise."""
    for name, field in form.fields.items():
        if name in ("form_id", "schema_name", "destination"):
            continue
        if field.widget.input_type == "checkbox" if hasattr(field.widget, "input_type") else False:
            field.initial = form.initial[name] = name in typed
        elif name in form.initial:
            field.initial = form.initial[name]


def show_form(
    request: HttpRequest, form: SourceForm, schedule: ScheduleForm, *, status: int = 200
) -> HttpResponse:
    """Render the form with the notice of the schema name that its display name makes."""
    context = {
        "nav_active": "integrations",
        "form": form,
        "type_label": form.source_type.label,
        "files_folder": request.account.client_id if form.source_type.files_folder else "",
        "create_url": request.path,
        "schedule": schedule,
        "sample": schedule.sample(),
        "sample_url": sample_url(request.account, type_name=form.source_type.name),
        "notice": name_in_warehouse(request, form["display_name"].value() or ""),
        "cancel_url": reverse("integrations:catalogue", args=[request.account.client_id]),
        "invite_url": reverse("accounts:member-invite", args=[request.account.client_id])
        if may(request.membership, Can.INVITE_MEMBERS)
        else "",
    }
    return render_page(request, "integrations/source_create.html", context, status=status)
