"""Add an integration: the catalogue, and the form of the Import API."""

from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import Can, allow
from integrations.forms.integrations import NamedForm
from integrations.models import Destination, Integration
from integrations.services.destination_changes import DestinationGone
from integrations.services.destinations import main_destination
from integrations.services.integration_updates import create_mapped_integration_with_token
from integrations.services.integrations import AlreadyCreated
from integrations.services.schema_names import NameRefused, choose_schema_name, clean_display_name
from integrations.sources.registry import source_types
from integrations.sources.source_types import SourceType
from integrations.views.access_tokens import show_token
from integrations.views.frame import PUSH_ICON, SOURCE_ICON, url_of
from stitchapp.rendering import render_page

GROUPS = (
    (
        "certified",
        "Certified by Stitch",
        "Our most popular and robust integrations, supported by our team.",
    ),
    ("community", "Community Supported", "Built on taps of the Singer community."),
)


@allow(Can.ADD_INTEGRATIONS)
@require_safe
def catalogue(request: HttpRequest) -> HttpResponse:
    """The types that this server knows, searched by name and category; those without their tap say what is missing."""
    query, category = (request.GET.get(name, "").strip() for name in ("q", "category"))
    types = source_types()
    categories = sorted({item.category for item in types})
    chosen = category if category in categories else ""
    found = [item for item in types if matches(item, query) and chosen in ("", item.category)]
    groups = [
        {
            "title": title,
            "words": words,
            "cards": [card(request, item) for item in found if item.support == support],
        }
        for support, title, words in GROUPS
    ]
    context = {
        "nav_active": "integrations",
        "groups": [group for group in groups if group["cards"]],
        "query": query,
        "categories": [
            {
                "name": name or "All",
                "url": f"?{urlencode({'q': query, 'category': name})}",
                "current": name == chosen,
            }
            for name in ("", *categories)
        ],
        "kept": [{"name": "category", "value": chosen}] if chosen else [],
        "catalogue_url": request.path,
    }
    return render_page(request, "integrations/catalogue.html", context)


def matches(source_type: SourceType, query: str) -> bool:
    """Tell whether a search finds the type: by label, category, name or one of its other names."""
    words = (source_type.label, source_type.category, source_type.name, *source_type.aliases)
    return query.casefold() in " ".join(words).casefold()


def card(request: HttpRequest, source_type: SourceType) -> dict[str, object]:
    """Return what a card shows. Only what can be added leads somewhere."""
    url = ""
    if source_type.is_push:
        url = reverse("integrations:import-api-create", args=[request.account.client_id])
    elif not source_type.unavailable_reason:
        url = reverse("integrations:source-create", args=[request.account.client_id, source_type.name])
    return {
        "name": source_type.label,
        "category": source_type.category,
        "icon": PUSH_ICON if source_type.is_push else SOURCE_ICON,
        "url": url,
        "reason": source_type.unavailable_reason,
        "command": source_type.install_command,
    }


@allow(Can.ADD_INTEGRATIONS, fresh=True)
@require_http_methods(["GET", "HEAD", "POST"])
def import_api_create(request: HttpRequest) -> HttpResponse:
    """Name an Import API integration and generate its first token, which this answer alone shows."""
    if request.method != "POST" or "schema_choice" in request.POST:
        return show_form(request, unsent_form(request))
    form = NamedForm(
        request.POST,
        own_schema=is_own(request.POST),
        live_url=request.path,
        destinations=destinations_to_choose(request),
    )
    if form.is_valid():
        try:
            integration, secret = create_mapped_integration_with_token(
                account=request.account, actor=request.user, **form.cleaned_data
            )
        except (NameRefused, DestinationGone) as refusal:
            form.add_refusal(refusal)
        except AlreadyCreated as refusal:
            messages.warning(request, refusal.message)
            return redirect(where_it_is(refusal.integration))
        else:
            return show_token(request, integration, secret, leads_to="integration-summary")
    form.focus_on_first_error()
    return show_form(request, form, status=422)


def where_it_is(integration: Integration) -> str:
    """Return the page of an integration that an earlier sending of the form made, if it is there still."""
    if integration.deleted_at is not None:
        return reverse("integrations:dashboard", args=[integration.account.client_id])
    return url_of(integration, "integration-settings")


def is_own(fields) -> bool:
    """Tell whether the person names the schema, instead of letting its name be derived."""
    return fields.get("schema_choice", fields.get("schema")) == "own"


def unsent_form(request: HttpRequest) -> NamedForm:
    """Return the form to fill in, with what was typed before the choice of schema name was changed."""
    typed = request.POST if request.method == "POST" else request.GET
    initial = {"display_name": typed.get("display_name", "")}
    own_schema = is_own(typed)
    if own_schema:
        initial["schema_name"] = name_in_warehouse(request, initial["display_name"])["schema_name"]
    main = main_destination(account=request.account)
    initial["destination"] = typed.get("destination") or (main.pk if main is not None else None)
    return NamedForm(
        initial=initial,
        own_schema=own_schema,
        live_url=request.path,
        destinations=destinations_to_choose(request),
    )


def destinations_to_choose(request: HttpRequest) -> QuerySet[Destination]:
    """Return what a new integration may load into; with one or none there is nothing to choose."""
    return request.account.destinations.live().order_by("pk")


def show_form(request: HttpRequest, form: NamedForm, *, status: int = 200) -> HttpResponse:
    """Render the form with the notice of the schema name that its display name makes."""
    context = {
        "nav_active": "integrations",
        "form": form,
        "create_url": request.path,
        "notice": name_in_warehouse(request, form["display_name"].value() or ""),
        "cancel_url": reverse("integrations:catalogue", args=[request.account.client_id]),
    }
    return render_page(request, "integrations/import_api_create.html", context, status=status)


def name_in_warehouse(request: HttpRequest, typed: str) -> dict[str, str]:
    """Return the schema name that a display name makes, or why it makes none; nothing for nothing typed."""
    if not typed.strip():
        return {"schema_name": "", "problem": ""}
    try:
        display_name = clean_display_name(typed)
        schema_name = choose_schema_name(account=request.account, display_name=display_name)
    except NameRefused as refusal:
        return {"schema_name": "", "problem": refusal.message}
    return {"schema_name": schema_name, "problem": ""}
