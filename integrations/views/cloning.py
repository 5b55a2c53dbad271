"""Clone Integration: the form of another integration like one that is there (app.md 9.7)."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from accounts.access import Can, allow
from accounts.errors import DomainError
from integrations.forms.cloning import CloneForm
from integrations.models import Integration, SetUpStep
from integrations.services.cloning import clone_integration
from integrations.services.destinations import destination_of
from integrations.services.integrations import AlreadyCreated
from integrations.services.schema_names import MAX_DISPLAY_NAME_LENGTH
from integrations.services.source_properties import provided
from integrations.sources.registry import find_source_type
from integrations.sources.source_types import SourceType
from integrations.views.catalogue import destinations_to_choose, is_own, name_in_warehouse, where_it_is
from integrations.views.frame import find_integration, url_of
from stitchapp.rendering import render_page


@allow(Can.ADD_INTEGRATIONS)
@require_http_methods(["GET", "HEAD", "POST"])
def integration_clone(request: HttpRequest, integration_id: int) -> HttpResponse:
    """Ask for the clone's names, destination and credentials, then make it, paused."""
    integration = find_integration(request, integration_id)
    declared = find_source_type(integration.type)
    if declared is None:
        raise Http404  # nothing of a type that is gone can be made
    if request.method != "POST" or "schema_choice" in request.POST:
        return show_form(request, integration, unsent_form(request, integration, declared))
    form = make_form(request, integration, declared, request.POST, own_schema=is_own(request.POST))
    if form.is_valid():
        try:
            clone = clone_integration(
                integration=integration,
                actor=request.user,
                display_name=form.cleaned_data["display_name"],
                schema_name=form.cleaned_data.get("schema_name"),
                destination=form.cleaned_data.get("destination"),
                credentials=form.properties(),
                keep_selection=form.cleaned_data.get("keep_selection", False),
                form_id=form.cleaned_data["form_id"],
            )
        except AlreadyCreated as refusal:
            messages.warning(request, "This form was sent twice. The clone exists once.")
            return redirect(where_it_is(refusal.integration))
        except DomainError as refusal:
            form.add_refusal(refusal)
        else:
            return redirect(after_cloning(request, clone))
    form.focus_on_first_error()
    return show_form(request, integration, form, status=422)


def after_cloning(request: HttpRequest, clone: Integration) -> str:
    """Say what the clone waits for, and return the page where that is done."""
    if clone.is_push:
        messages.success(
            request, "The clone is paused and has no token. Generate one here, then switch it to Active."
        )
        return url_of(clone, "integration-settings")
    messages.success(request, "The clone is paused: nothing is extracted until you switch it to Active.")
    checked = clone.step in (SetUpStep.DISCOVER_SCHEMA, SetUpStep.FIELD_SELECTION)
    return url_of(clone, "connection-check" if checked else "integration-settings")


def make_form(
    request: HttpRequest, integration: Integration, declared: SourceType, sent=None, **more
) -> CloneForm:
    return CloneForm(
        sent,
        source_type=declared,
        asked=provided(integration),
        destinations=destinations_to_choose(request),
        live_url=request.path,
        **more,
    )


def unsent_form(request: HttpRequest, integration: Integration, declared: SourceType) -> CloneForm:
    """Return the form to fill in, with what was typed before the choice of schema name; no credential comes back."""
    typed = request.POST if request.method == "POST" else request.GET
    own_schema = is_own(typed)
    suggested = f"{integration.display_name[: MAX_DISPLAY_NAME_LENGTH - 5]} Copy"
    present = destination_of(integration=integration)
    initial: dict[str, object] = {
        "display_name": typed.get("display_name", suggested),
        "destination": typed.get("destination") or (present.pk if present is not None else None),
    }
    if request.method == "POST":
        initial["keep_selection"] = "keep_selection" in typed
    if own_schema:
        initial["schema_name"] = name_in_warehouse(request, str(initial["display_name"]))["schema_name"]
    return make_form(request, integration, declared, initial=initial, own_schema=own_schema)


def show_form(
    request: HttpRequest, integration: Integration, form: CloneForm, *, status: int = 200
) -> HttpResponse:
    """Render the form with the notice of the schema name that its display name makes."""
    context = {
        "nav_active": "integrations",
        "integration": integration,
        "form": form,
        "create_url": request.path,
        "notice": name_in_warehouse(request, form["display_name"].value() or ""),
        "cancel_url": url_of(integration, "integration-settings"),
    }
    return render_page(request, "integrations/integration_clone.html", context, status=status)
