"""Generate and revoke the API access tokens of an integration."""

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_http_methods

from accounts.access import Can, allow
from integrations.models import Integration
from integrations.services.access_tokens import (
    TokenAlreadyGenerated,
    TokenAlreadyRevoked,
    TokenLimitReached,
    create_access_token,
    revoke_access_token,
)
from integrations.snippets import curl_snippet, python_snippet
from integrations.views.frame import find_integration, url_of
from stitchapp.rendering import render_page
from stitchapp.server_address import server_address


@allow(Can.MODIFY_INTEGRATIONS, fresh=True)
@require_http_methods(["GET", "HEAD", "POST"])
def access_token_create(request: HttpRequest, integration_id: int) -> HttpResponse:
    """Generate a token and show it, in this answer alone."""
    integration = find_integration(request, integration_id)
    settings_page = redirect(url_of(integration, "integration-settings"))
    if request.method != "POST":
        return settings_page
    try:
        _, secret = create_access_token(
            integration=integration, actor=request.user, form_id=read_form_id(request)
        )
    except (TokenLimitReached, TokenAlreadyGenerated) as refusal:
        messages.warning(request, refusal.message)
        return settings_page
    return show_token(request, integration, secret, leads_to="integration-settings")


def read_form_id(request: HttpRequest) -> uuid.UUID | None:
    """Return the one-time id of the form; None for a program that sends none."""
    try:
        return uuid.UUID(request.POST.get("form_id", ""))
    except ValueError:
        return None


def show_token(request: HttpRequest, integration: Integration, secret: str, *, leads_to: str) -> HttpResponse:
    """Show a new token. It stands in no session, message or address, and no cache keeps it (promise P5)."""
    server = server_address(request)
    context = {
        "integration": integration,
        "secret": secret,
        "curl": curl_snippet(server=server, token=secret),
        "python": python_snippet(server=server, token=secret),
        "continue_url": url_of(integration, leads_to),
    }
    response = render(request, "integrations/access_token_created.html", context)
    add_never_cache_headers(response)
    return response


@allow(Can.MODIFY_INTEGRATIONS, fresh=True)
@require_http_methods(["GET", "HEAD", "POST"])
def access_token_revoke(request: HttpRequest, integration_id: int, token_id: int) -> HttpResponse:
    """Ask, then revoke a token; the next request with it is refused."""
    integration = find_integration(request, integration_id)
    tokens = integration.access_tokens.select_related("created_by")
    token = get_object_or_404(tokens if request.method == "POST" else tokens.active(), pk=token_id)
    settings_url = url_of(integration, "integration-settings")
    if request.method == "POST":
        try:
            revoke_access_token(token=token, actor=request.user)
        except TokenAlreadyRevoked as refusal:
            messages.warning(request, refusal.message)
        else:
            messages.success(request, "The API access token was revoked. Requests with it are refused now.")
        return redirect(settings_url)
    context = {
        "nav_active": "integrations",
        "integration": integration,
        "asked": {"token": token, "is_last": integration.access_tokens.active().count() == 1},
        "action": request.path,
        "cancel_url": settings_url,
    }
    return render_page(request, "integrations/access_token_revoke.html", context)
