"""Where a person goes who just opens the address of the server."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.access import public


@public
@never_cache
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Open the account the person used last; say so when there is none; let everybody else sign in."""
    if not request.user.is_authenticated:
        return HttpResponseRedirect(reverse("accounts:sign-in"))
    membership = request.user.memberships.active().last_used().first()
    if membership is None:
        return render(request, "accounts/home.html")
    return HttpResponseRedirect(
        reverse("integrations:dashboard", kwargs={"client_id": membership.account.client_id})
    )
