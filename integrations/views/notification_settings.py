"""Notification Settings: the custom list, what mails may hold, and the section of hooks (app.md 12.4)."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import Can, allow, may, public
from accounts.errors import DomainError
from accounts.settings_tabs import settings_tabs
from integrations.forms.notification_settings import NotificationAddressForm, NotificationContentForm
from integrations.models import MAX_ADDRESSES, NotificationAddress
from integrations.services import notification_addresses as addresses
from integrations.views.hook_rows import hook_section
from stitchapp.rendering import render_page
from stitchapp.server_address import server_address


@allow(Can.VIEW_ACCOUNT)
@require_safe
def notification_settings(request: HttpRequest) -> HttpResponse:
    """Show the tab."""
    return show_settings(request)


@allow(Can.MANAGE_NOTIFICATIONS)
@require_http_methods(["GET", "POST"])
def notification_address_create(request: HttpRequest) -> HttpResponse:
    """Show the tab with the field for one more address, and put it on the list."""
    form = NotificationAddressForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            address = addresses.add_address(
                account=request.account,
                actor=request.user,
                email=form.cleaned_data["email"],
                server=server_address(request),
            )
        except DomainError as error:
            form.add_error("email", error.message)
        else:
            messages.success(request, f"{address.email} is on the list. It was sent a link to confirm.")
            return to_settings(request)
    return show_settings(request, address_form=form, status=422 if form.errors else 200)


@allow(Can.MANAGE_NOTIFICATIONS)
@require_POST
def notification_address_ask(request: HttpRequest, address_id: int) -> HttpResponse:
    """Send another link to an address that is not confirmed."""
    address = find_address(request, address_id)
    try:
        addresses.ask_again(address=address, actor=request.user, server=server_address(request))
    except addresses.TooManyLinks as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"{address.email} was sent a new link to confirm.")
    return to_settings(request)


@allow(Can.MANAGE_NOTIFICATIONS)
@require_POST
def notification_address_disable(request: HttpRequest, address_id: int) -> HttpResponse:
    """Send an address nothing for the time being."""
    addresses.disable_address(address=find_address(request, address_id), actor=request.user)
    return to_settings(request)


@allow(Can.MANAGE_NOTIFICATIONS)
@require_POST
def notification_address_enable(request: HttpRequest, address_id: int) -> HttpResponse:
    """Send an address mail again."""
    addresses.enable_address(address=find_address(request, address_id), actor=request.user)
    return to_settings(request)


@allow(Can.MANAGE_NOTIFICATIONS)
@require_http_methods(["GET", "POST"])
def notification_address_delete(request: HttpRequest, address_id: int) -> HttpResponse:
    """Take an address from the list, once somebody has confirmed it."""
    address = find_address(request, address_id)
    if request.method == "POST":
        addresses.delete_address(address=address, actor=request.user)
        messages.success(request, f"{address.email} was taken from the list.")
        return to_settings(request)
    context = {"address": address, "settings_url": settings_url(request)}
    return render_page(request, "integrations/notification_address_delete.html", context)


@allow(Can.MANAGE_NOTIFICATIONS)
@require_POST
def notification_content_update(request: HttpRequest) -> HttpResponse:
    """Say whether mails may quote errors."""
    form = NotificationContentForm(request.POST)
    if form.is_valid():
        addresses.change_content(account=request.account, actor=request.user, **form.cleaned_data)
        messages.success(request, "Your content settings were saved.")
    return to_settings(request)


@public
@never_cache
@require_http_methods(["GET", "POST"])
def notification_address_confirm(request: HttpRequest, code: str) -> HttpResponse:
    """Let whoever reads the address's mail agree, by a button: programs that read mail open links by themselves."""
    try:
        address = addresses.find_to_confirm(code)
        if request.method == "POST":
            addresses.confirm_address(address=address, now=timezone.now())
            address.refresh_from_db()
    except addresses.LinkSpent as error:
        return show_link(request, refusal=error.message, status=error.status)
    return show_link(request, address=address, done=address.confirmed_at is not None)


@public
@never_cache
@require_http_methods(["GET", "POST"])
def notification_address_leave(request: HttpRequest, code: str) -> HttpResponse:
    """Let whoever reads the address's mail stop it, by a button."""
    try:
        address = addresses.find_to_leave(code)
        if request.method == "POST":
            addresses.leave_list(address=address, now=timezone.now())
            address.refresh_from_db()
    except addresses.LinkSpent as error:
        return show_link(request, leaving=True, refusal=error.message, status=error.status)
    return show_link(request, leaving=True, address=address, done=address.left_at is not None)


def show_link(
    request: HttpRequest,
    *,
    leaving: bool = False,
    address: NotificationAddress | None = None,
    done: bool = False,
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    """Show what a link from a mail does, or did, or why not."""
    context = {"leaving": leaving, "address": address, "done": done, "refusal": refusal}
    return render(request, "integrations/notification_address_link.html", context, status=status)


def show_settings(
    request: HttpRequest, *, address_form: NotificationAddressForm | None = None, status: int = 200
) -> HttpResponse:
    """Render the tab; with `address_form` its field for one more address is open."""
    account = request.account
    may_manage = may(request.membership, Can.MANAGE_NOTIFICATIONS)
    listed = account.notification_addresses.select_related("created_by").order_by("-created_at", "-pk")
    rows = [
        {"address": address, "menu": menu_of(address, account.client_id) if may_manage else []}
        for address in listed
    ]
    context = {
        "settings_tabs": settings_tabs(account, "integrations:notification-settings"),
        "rows": rows,
        "address_form": address_form,
        "max_addresses": MAX_ADDRESSES,
        "at_limit": len(rows) >= MAX_ADDRESSES,
        "content_form": NotificationContentForm(
            initial={"hide_errors": addresses.hides_errors(account=account)}
        ),
        "may_manage": may_manage,
        "settings_url": settings_url(request),
    } | hook_section(request, now=timezone.now())
    return render_page(request, "integrations/notification_settings.html", context, status=status)


def menu_of(address: NotificationAddress, client_id: int) -> list[dict[str, object]]:
    """Return the row menu: off or on, another link where it is not confirmed, and delete."""

    def item(label: str, name: str, **more: object) -> dict[str, object]:
        url = reverse(f"integrations:notification-address-{name}", args=[client_id, address.pk])
        return {"label": label, "url": url} | more

    ask = [] if address.confirmed_at else [item("Send the link again", "ask", method="post")]
    switch = (
        item("Disable this email", "disable", method="post")
        if address.disabled_at is None
        else item("Re-enable this email", "enable", method="post")
    )
    return [*ask, switch, item("Delete this email", "delete", method="dialog", danger=True)]


def find_address(request: HttpRequest, address_id: int) -> NotificationAddress:
    """Return the account's address, or answer 404."""
    address = get_object_or_404(request.account.notification_addresses, pk=address_id)
    address.account = request.account
    return address


def settings_url(request: HttpRequest) -> str:
    """Return the address of the tab."""
    return reverse("integrations:notification-settings", args=[request.account.client_id])


def to_settings(request: HttpRequest) -> HttpResponse:
    """Go back to the tab."""
    return redirect(settings_url(request))
