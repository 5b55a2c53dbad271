"""The messages of a post-load hook: what became of each, and sending one again."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.access import Can, allow, may
from accounts.errors import DomainError
from accounts.plans import Feature, has_feature
from accounts.settings_tabs import settings_tabs
from integrations.models import DeliveryState
from integrations.services.hook_deliveries import PAUSES, kept, next_tries, replay
from integrations.services.hook_messages import FAILED
from integrations.views.hook_rows import hook_url
from stitchapp.rendering import render_page

PAGE_SIZE = 50


@allow(Can.VIEW_ACCOUNT)
@require_safe
def hook_deliveries(request: HttpRequest, hook_id: int) -> HttpResponse:
    """List the newest messages of a hook."""
    hook = get_object_or_404(request.account.hooks.select_related("destination"), pk=hook_id)
    page = Paginator(hook.deliveries.order_by("-at", "-pk").defer("body"), PAGE_SIZE).get_page(
        request.GET.get("page")
    )
    sold = has_feature(request.account, Feature.POST_LOAD_HOOKS, timezone.now())
    may_replay = hook.is_enabled and sold and may(request.membership, Can.MANAGE_HOOKS)
    due = next_tries(account=request.account, deliveries=page)
    lines = [
        {
            "delivery": delivery,
            "is_bad": delivery.state in (DeliveryState.FAILED, DeliveryState.DROPPED),
            "what": "Failed load" if delivery.event == FAILED else "Load",
            "next_try": due.get(delivery.pk),
            "replay_url": hook_url(hook, request.account, "hook-replay", delivery_id=delivery.pk)
            if may_replay and delivery.state != DeliveryState.WAITING
            else "",
        }
        for delivery in page
    ]
    context = {
        "settings_tabs": settings_tabs(request.account, "integrations:notification-settings"),
        "hook": hook,
        "is_enabled": hook.is_enabled and sold,
        "page": page,
        "lines": lines,
        "kept": kept(),
        "tries": len(PAUSES) + 1,
        "live_url": request.get_full_path() if page.number == 1 else "",
        "crumbs": [
            {
                "label": "Notification Settings",
                "url": reverse("integrations:notification-settings", args=[request.account.client_id]),
            },
            {"label": "Deliveries", "url": ""},
        ],
    }
    return render_page(request, "integrations/hook_deliveries.html", context)


@allow(Can.MANAGE_HOOKS, feature=Feature.POST_LOAD_HOOKS)
@require_POST
def hook_replay(request: HttpRequest, hook_id: int, delivery_id: int) -> HttpResponse:
    """Send a message again as it was."""
    hook = get_object_or_404(request.account.hooks, pk=hook_id)
    delivery = get_object_or_404(hook.deliveries, pk=delivery_id)
    try:
        replay(delivery=delivery, actor=request.user)
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, f"The message about {delivery.table_name} is sent again.")
    return redirect("integrations:hook-deliveries", client_id=request.account.client_id, hook_id=hook.pk)
