"""How a person signs in: two-factor authentication, passkeys, sessions. Theirs, whatever their accounts."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import signed_in
from accounts.services.second_factor import second_factors_of
from accounts.settings_tabs import settings_tabs


@signed_in
@require_safe
def security(request: HttpRequest) -> HttpResponse:
    """Show what the person has and where it is changed."""
    return render(request, "accounts/security.html", in_account(request) | security_context(request))


def security_context(request: HttpRequest) -> dict[str, object]:
    return {"factors": second_factors_of(request.user)}


def in_account(request: HttpRequest) -> dict[str, object]:
    """Frame the page by the account opened last, for people who are in one; it shows nothing of the account."""
    membership = request.user.memberships.active().last_used().select_related("account__plan").first()
    if membership is None:
        return {"settings_tabs": []}
    request.membership, request.account = membership, membership.account
    return {
        "settings_tabs": settings_tabs(membership.account, "accounts:security"),
        "account": membership.account,
    }
