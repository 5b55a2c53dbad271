"""All Notifications: what wants to be seen, and what was seen, solved or dismissed (app.md 12.1)."""

from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import Can, allow, may
from integrations.forms.notification_filter import NotificationFilterForm
from integrations.services.notifications import dismiss_every_notification, dismiss_notification
from integrations.views.notification_rows import notification_rows
from stitchapp.formats import thousands
from stitchapp.rendering import render_page

PAGE_SIZE = 50


@allow(Can.VIEW_ACCOUNT)
@require_safe
def notifications(request: HttpRequest) -> HttpResponse:
    """List what is open, newest first; with `show=past` what was solved or dismissed."""
    form = NotificationFilterForm(request.GET or None)
    past = request.GET.get("show") == "past"
    every = request.account.notifications
    chosen = every.past().order_by("-latest_at", "-pk") if past else every.open().order_by("-began_at", "-pk")
    narrowed = form.kinds()
    if narrowed is not None:
        chosen = chosen.filter(kind__in=narrowed)
    page = Paginator(chosen.select_related("integration", "destination", "dismissed_by"), PAGE_SIZE).get_page(
        request.GET.get("page")
    )
    kept = form.kept() | ({"show": "past"} if past else {})
    context = {
        "nav_active": "notifications",
        "form": form,
        "page": page,
        "rows": notification_rows(list(page), account=request.account, now=timezone.now()),
        "past": past,
        "is_narrowed": narrowed is not None,
        "query": urlencode(kept),
        "back": urlencode(kept | {"page": page.number}),
        "list_url": request.path,
        "open_query": urlencode(form.kept()),
        "past_query": urlencode(form.kept() | {"show": "past"}),
        "may_dismiss": may(request.membership, Can.DISMISS_NOTIFICATIONS),
    }
    return render_page(request, "integrations/notifications.html", context)


@allow(Can.DISMISS_NOTIFICATIONS)
@require_POST
def notification_dismiss(request: HttpRequest, notification_id: int) -> HttpResponse:
    """Hide one for everybody. One that is not open any more stays as it is."""
    notification = get_object_or_404(request.account.notifications, pk=notification_id)
    notification.account = request.account
    if dismiss_notification(notification=notification, actor=request.user, now=timezone.now()):
        messages.success(request, "The notification was dismissed for everybody.")
    else:
        messages.info(request, "The notification was over already.")
    return redirect(f"{list_url(request)}?{request.GET.urlencode()}")


@allow(Can.DISMISS_NOTIFICATIONS)
@require_http_methods(["GET", "POST"])
def notification_dismiss_all(request: HttpRequest) -> HttpResponse:
    """Hide all that is open for everybody, once somebody has confirmed it."""
    if request.method == "POST":
        number = dismiss_every_notification(account=request.account, actor=request.user, now=timezone.now())
        words = "1 notification was" if number == 1 else f"{thousands(number)} notifications were"
        messages.success(request, f"{words} dismissed for everybody.")
        return redirect(list_url(request))
    context = {
        "nav_active": "notifications",
        "number": request.account.notifications.open().count(),
        "list_url": list_url(request),
    }
    return render_page(request, "integrations/notification_dismiss_all.html", context)


def list_url(request: HttpRequest) -> str:
    """Return the address of the list."""
    return reverse("integrations:notifications", args=[request.account.client_id])
