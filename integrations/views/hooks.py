"""Add, disable, re-enable and delete a post-load hook (app.md 12.4)."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import Can, allow
from accounts.errors import DomainError
from accounts.plans import Feature
from integrations.forms.hooks import HookForm
from integrations.models import MAX_HOOKS
from integrations.services.destination_addresses import HostRefused
from integrations.services.destinations import main_destination, usable_destinations
from integrations.services.hook_addresses import InvalidURI
from integrations.services.hooks import (
    AlreadyCreated,
    HookLimitReached,
    NoDestination,
    create_hook,
    delete_hook,
    disable_hook,
    enable_hook,
)
from stitchapp.rendering import render_page


@allow(Can.MANAGE_HOOKS, feature=Feature.POST_LOAD_HOOKS)
@never_cache
@require_http_methods(["GET", "POST"])
def hook_create(request: HttpRequest) -> HttpResponse:
    """Add a hook; show its signing secret in this response and never again."""
    main = main_destination(account=request.account)
    form = HookForm(
        request.POST if request.method == "POST" else None,
        destinations=usable_destinations(account=request.account),
    )
    if form.is_valid():
        try:
            hook, secret = create_hook(account=request.account, actor=request.user, **form.cleaned_data)
        except AlreadyCreated as refusal:
            messages.warning(request, refusal.message)
            return to_settings(request)
        except (InvalidURI, HostRefused) as refusal:
            form.add_error("url", refusal.message)
        except (HookLimitReached, NoDestination) as refusal:
            form.add_error(None, refusal.message)
        else:
            return render_page(request, "integrations/hook_created.html", {"hook": hook, "secret": secret})
    context = {"form": form, "refusal": "" if form.is_bound else refusal_before(request, main)}
    return render_page(request, "integrations/hook_create.html", context, status=422 if form.errors else 200)


def refusal_before(request: HttpRequest, main: object) -> str:
    """Say why nothing could be added, before anybody types."""
    if main is None:
        return NoDestination.message
    return HookLimitReached.message if request.account.hooks.count() >= MAX_HOOKS else ""


@allow(Can.MANAGE_HOOKS)
@require_POST
def hook_disable(request: HttpRequest, hook_id: int) -> HttpResponse:
    """Send nothing to the address any more, at once; no question is asked."""
    hook = get_object_or_404(request.account.hooks.select_related("account"), pk=hook_id)
    disable_hook(hook=hook, actor=request.user)
    messages.success(request, f"The webhook {hook.url} is disabled. Nothing is sent to it.")
    return to_settings(request)


@allow(Can.MANAGE_HOOKS, feature=Feature.POST_LOAD_HOOKS)
@require_POST
def hook_enable(request: HttpRequest, hook_id: int) -> HttpResponse:
    """Tell the address of loads again, signed with the same secret."""
    hook = get_object_or_404(request.account.hooks.select_related("account"), pk=hook_id)
    try:
        enable_hook(hook=hook, actor=request.user)
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, f"The webhook {hook.url} is enabled again.")
    return to_settings(request)


@allow(Can.MANAGE_HOOKS)
@require_http_methods(["GET", "POST"])
def hook_delete(request: HttpRequest, hook_id: int) -> HttpResponse:
    """Ask, naming the address; then delete the hook for good."""
    hook = get_object_or_404(request.account.hooks.select_related("account", "destination"), pk=hook_id)
    if request.method == "POST":
        delete_hook(hook=hook, actor=request.user)
        messages.success(request, f"The webhook {hook.url} was deleted.")
        return to_settings(request)
    return render_page(request, "integrations/hook_delete.html", {"hook": hook})


def to_settings(request: HttpRequest) -> HttpResponse:
    """Go back to where the hooks are listed."""
    return redirect("integrations:notification-settings", client_id=request.account.client_id)
