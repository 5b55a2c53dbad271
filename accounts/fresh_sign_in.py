"""Ask for the password again before keys, tokens and destinations change hands (decisions D9 and D40, promise P12).

A form that needs a fresh sign-in is not even opened without one. If it runs out between opening and sending,
the page that asks carries what was typed, and the same request then goes on with it: nothing typed is kept on
the server, and what looks like a secret is never sent back.
"""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers

from accounts.forms.session import PasswordAgainForm
from accounts.services.passkeys import has_passkeys
from accounts.services.sessions import record_confirmation
from accounts.sign_in_age import is_fresh, renew

NEVER_CARRIED = ("password", "passkey", "credential", "secret", "csrfmiddlewaretoken")
OUR_OWN = (*PasswordAgainForm.names, "csrfmiddlewaretoken")
LEFT_OUT = (
    "left_out"  # names each field that was typed and not carried, so that its form can ask for it again
)


def require_fresh(request: HttpRequest) -> HttpResponse | None:
    """Return the answer that asks for the password; None when the request may go on."""
    if is_fresh(request):
        return None
    if request.method in ("GET", "HEAD"):
        return ask_before_opening(request)
    asked = any(name in request.POST for name in PasswordAgainForm.names)
    form = PasswordAgainForm(request.POST if asked else None, request=request)
    if not asked or not form.is_valid():
        return ask_with_what_was_typed(request, form)
    renew(request)
    record_confirmation(person=request.user)
    return None


def ask_before_opening(request: HttpRequest) -> HttpResponse:
    """Send the person to the page that asks, and from there back to the form they wanted."""
    url = f"{reverse('accounts:session-confirm')}?{urlencode({'next': request.get_full_path()})}"
    if request.htmx:
        return HttpResponse(headers={"HX-Redirect": url})
    return HttpResponseRedirect(url)


def ask_with_what_was_typed(request: HttpRequest, form: PasswordAgainForm) -> HttpResponse:
    """Show the page that asks; it sends the same fields to the same address again, with the password."""
    carried, left_out = [], []
    for name, values in request.POST.lists():
        if any(word in name.lower() for word in NEVER_CARRIED):
            left_out += [(LEFT_OUT, name) for value in values if value and name not in OUR_OWN]
        else:
            carried += [(name, value) for value in values]
    carried += left_out
    context = {
        "form": form,
        "carried": carried,
        "action": request.get_full_path(),
        "has_passkeys": has_passkeys(request.user),
    }
    response = render(request, "accounts/session_confirm.html", context, status=422)
    if request.htmx:
        response["HX-Retarget"], response["HX-Reswap"] = "body", "innerHTML"
    add_never_cache_headers(response)
    return response
