"""The Settings tab of an integration: its name, its API access tokens, and deleting it."""

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.access import Can, allow, may
from integrations.forms.integrations import IntegrationSettingsForm
from integrations.models import MAX_ACTIVE_TOKENS, Integration
from integrations.services.destinations import destination_of
from integrations.services.integration_updates import Changes, update_integration
from integrations.services.refusals import recent_refusals
from integrations.services.schema_names import NameRefused
from integrations.views.frame import clone_url, find_integration, frame, url_of
from integrations.views.source_settings import show_source_settings
from stitchapp.rendering import render_page


@allow(Can.MODIFY_INTEGRATIONS)
@require_http_methods(["GET", "HEAD", "POST"])
def integration_settings(request: HttpRequest, integration_id: int) -> HttpResponse:
    """Show the settings; Update Settings renames and maps the integration, never its schema (T-18)."""
    integration = find_integration(request, integration_id)
    if not integration.is_push:
        return show_source_settings(request, integration)
    posted = request.POST if request.method == "POST" else None
    present = destination_of(integration=integration)
    form = IntegrationSettingsForm(
        posted,
        initial={"display_name": integration.display_name, "destination": present},
        destinations=request.account.destinations.live().order_by("pk"),
    )
    if form.is_valid():
        changes: Changes = {"display_name": form.cleaned_data["display_name"]}
        chosen = form.cleaned_data.get("destination")
        if chosen is not None and chosen != present:
            changes["destination"] = chosen
        try:
            update_integration(integration=integration, actor=request.user, changes=changes)
        except NameRefused as refusal:
            form.add_error("display_name", refusal.message)
        else:
            messages.success(request, "The integration's settings were updated.")
            return redirect(request.path)
    return show_settings(request, integration, form, status=422 if form.errors else 200)


def show_settings(
    request: HttpRequest, integration: Integration, form: IntegrationSettingsForm, *, status: int
) -> HttpResponse:
    """Render the tab."""
    refused = recent_refusals(integration=integration, now=timezone.now())
    tokens = list(integration.access_tokens.active().select_related("created_by"))
    for token in tokens:
        token.refused = refused.get(token.pk)
        token.revoke_url = url_of(integration, "access-token-revoke", token_id=token.pk)
    context = frame(request, integration, "integration-settings") | {
        "form": form,
        "settings_url": request.path,
        "summary_url": url_of(integration, "integration-summary"),
        "tokens": tokens,
        "revoked_in_use": [use for use in refused.values() if not use.token.is_active],
        "at_limit": len(tokens) >= MAX_ACTIVE_TOKENS,
        "form_id": uuid.uuid4(),
        "generate_url": url_of(integration, "access-token-create"),
        "clone_url": clone_url(request, integration),
        "delete_url": url_of(integration, "integration-delete"),
        "may_delete": may(request.membership, Can.DELETE_INTEGRATIONS),
    }
    return render_page(request, "integrations/integration_settings.html", context, status=status)
