"""Create, disable, re-enable and delete an API access key (app.md 6.4 to 6.6)."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import Can, allow
from accounts.forms.account_settings import ApiKeyForm
from accounts.models import MAX_API_KEYS
from accounts.plans import Feature
from accounts.services.api_keys import (
    AlreadyCreated,
    KeyLimitReached,
    create_api_key,
    delete_api_key,
    disable_api_key,
    enable_api_key,
)
from stitchapp.rendering import render_page


@allow(Can.MANAGE_API_KEYS, feature=Feature.CONNECT_API, fresh=True)
@never_cache
@require_http_methods(["GET", "POST"])
def api_key_create(request: HttpRequest) -> HttpResponse:
    """Configure a key; show its secret in this response and never again (promise P5)."""
    form = ApiKeyForm(request.POST if request.method == "POST" else None)
    at_limit = request.account.api_keys.count() >= MAX_API_KEYS
    if form.is_valid():
        try:
            key, secret = create_api_key(account=request.account, actor=request.user, **form.cleaned_data)
        except AlreadyCreated as refusal:
            messages.warning(request, refusal.message)
            return to_settings(request)
        except KeyLimitReached as refusal:
            form.add_error(None, refusal.message)
        else:
            return render_page(request, "accounts/api_key_created.html", {"key": key, "secret": secret})
    context = {"form": form, "at_limit": at_limit, "limit_words": KeyLimitReached.message}
    return render_page(request, "accounts/api_key_create.html", context, status=422 if form.errors else 200)


@allow(Can.MANAGE_API_KEYS)
@require_POST
def api_key_disable(request: HttpRequest, api_key_id: int) -> HttpResponse:
    """Switch a key off at once; no question is asked (app.md 6.5)."""
    key = get_object_or_404(request.account.api_keys, pk=api_key_id)
    disable_api_key(key=key, actor=request.user)
    messages.success(request, f"The key ending in {key.last_four} is disabled. Requests with it are refused.")
    return to_settings(request)


@allow(Can.MANAGE_API_KEYS, feature=Feature.CONNECT_API)
@require_POST
def api_key_enable(request: HttpRequest, api_key_id: int) -> HttpResponse:
    """Switch a key on again, with the same secret."""
    key = get_object_or_404(request.account.api_keys, pk=api_key_id)
    enable_api_key(key=key, actor=request.user)
    messages.success(request, f"The key ending in {key.last_four} is enabled again.")
    return to_settings(request)


@allow(Can.MANAGE_API_KEYS, fresh=True)
@require_http_methods(["GET", "POST"])
def api_key_delete(request: HttpRequest, api_key_id: int) -> HttpResponse:
    """Ask, naming the key and its last use; then delete it for good (app.md 6.6)."""
    key = get_object_or_404(request.account.api_keys.select_related("created_by", "handed_to"), pk=api_key_id)
    if request.method == "POST":
        delete_api_key(key=key, actor=request.user)
        messages.success(request, f"The key ending in {key.last_four} was deleted.")
        return to_settings(request)
    return render_page(request, "accounts/api_key_delete.html", {"key": key})


def to_settings(request: HttpRequest) -> HttpResponse:
    """Go back to where the keys are listed."""
    return redirect("accounts:account-settings", client_id=request.account.client_id)
