"""The account's rule that everybody has two-factor authentication, and the door of who has not."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import Can, allow
from accounts.services.second_factor import has_second_factor
from accounts.services.two_factor_rule import (
    coverage_of,
    require_two_factor,
    stands_outside,
    stop_requiring_two_factor,
    with_factor,
)
from accounts.settings_tabs import settings_tabs
from accounts.views.session import next_url
from stitchapp.rendering import render_page
from stitchapp.server_address import server_address

MEMBERS_A_PAGE = 50


@allow(Can.REQUIRE_TWO_FACTOR)
@require_safe
def two_factor_members(request: HttpRequest) -> HttpResponse:
    """Show which members have it, those without first."""
    account = request.account
    members = with_factor(account.memberships.active()).select_related("user")
    page = Paginator(members.order_by("has_factor", "user__email"), MEMBERS_A_PAGE).get_page(
        request.GET.get("page")
    )
    context = {
        "settings_tabs": settings_tabs(account, "accounts:account-settings"),
        "page": page,
        "members": page,
        "coverage": coverage_of(account),
        "has_own": has_second_factor(request.user),
    }
    return render_page(request, "accounts/two_factor_members.html", context)


@allow(Can.REQUIRE_TWO_FACTOR, fresh=True)
@require_http_methods(["GET", "POST"])
def two_factor_require(request: HttpRequest) -> HttpResponse:
    """Say whom it will stop, then require it."""
    if request.method == "POST":
        require_two_factor(account=request.account, actor=request.user, server=server_address(request))
        messages.success(request, "Every member needs two-factor authentication from now on.")
        return redirect("accounts:two-factor-members", client_id=request.account.client_id)
    context = {"coverage": coverage_of(request.account)}
    return render_page(request, "accounts/two_factor_require.html", context)


@allow(Can.REQUIRE_TWO_FACTOR, fresh=True)
@require_http_methods(["GET", "POST"])
def two_factor_stop(request: HttpRequest) -> HttpResponse:
    """Say what it means, then stop requiring it."""
    if request.method == "POST":
        stop_requiring_two_factor(account=request.account, actor=request.user)
        messages.success(request, "Two-factor authentication is each member's own choice again.")
        return redirect("accounts:two-factor-members", client_id=request.account.client_id)
    return render_page(request, "accounts/two_factor_stop.html", {})


@allow(Can.VIEW_ACCOUNT, without_second_factor=True, while_closed=True)
@require_safe
def two_factor_missing(request: HttpRequest) -> HttpResponse:
    """Tell a member who has no second factor what the account asks for, and lead them to it and back."""
    wanted = next_url(request) or reverse(
        "integrations:dashboard", kwargs={"client_id": request.account.client_id}
    )
    if not stands_outside(request.user, request.account):
        return HttpResponseRedirect(wanted)
    return render_page(request, "accounts/two_factor_missing.html", {"next": wanted})
