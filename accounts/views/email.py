"""Confirming an e-mail address."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.access import public
from accounts.services.email_addresses import LinkSpent, confirm_address, find_unconfirmed
from accounts.services.sign_up import AddressTaken
from stitchapp.server_address import server_address


@public
@never_cache
@require_http_methods(["GET", "POST"])
def email_confirm(request: HttpRequest, key: str) -> HttpResponse:
    """Show the address, and confirm it by a button: programs that read mail open links by themselves."""
    try:
        if request.method == "POST":
            address = confirm_address(key=key, server=server_address(request))
            messages.success(request, f"{address.email} is confirmed.")
            return HttpResponseRedirect(reverse("accounts:home"))
        address = find_unconfirmed(key)
    except (LinkSpent, AddressTaken) as error:
        return render(request, "accounts/email_confirm.html", {"refusal": error.message}, status=error.status)
    return render(request, "accounts/email_confirm.html", {"email": address.email})
