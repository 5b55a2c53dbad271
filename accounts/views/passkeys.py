"""Adding and removing passkeys, and signing in with one."""

from allauth.account.models import Login
from allauth.mfa.webauthn.internal.flows import perform_passwordless_login
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import public, signed_in
from accounts.devices import device_words
from accounts.forms.passkeys import PasskeyForm, PasskeySignInForm
from accounts.services.passkeys import (
    PasskeyNotAdded,
    PasskeyRefused,
    TooManyTries,
    add_passkey,
    check_passkey,
    name_of,
    options_to_add,
    options_to_sign_in,
    passkeys_of,
    remove_passkey,
)
from accounts.services.second_factor import second_factors_of
from accounts.services.two_factor_rule import accounts_that_require
from accounts.sign_in_age import stay_signed_in
from accounts.views.second_factor import show_codes
from accounts.views.session import next_url, with_next
from stitchapp import request_facts
from stitchapp.server_address import server_address


@signed_in(fresh=True)
@never_cache
@sensitive_post_parameters("credential")
@require_http_methods(["GET", "POST"])
def passkey_create(request: HttpRequest) -> HttpResponse:
    """Ask for a name and let the browser make a passkey; the script in static/js/passkeys.js stands between."""
    form = PasskeyForm(request.POST or None, initial={"name": device_words(request_facts.current().client)})
    if form.is_valid():
        try:
            codes = add_passkey(
                person=request.user,
                name=form.cleaned_data["name"],
                credential=form.cleaned_data["credential"],
                server=server_address(request),
                session_key=request.session.session_key,
            )
        except PasskeyNotAdded as error:
            form.add_error(None, error.message)
        else:
            return added(request, codes)
    context = {"form": form, "options": options_to_add(request.user), "next": next_url(request)}
    return render(request, "accounts/passkey_create.html", context, status=422 if form.errors else 200)


def added(request: HttpRequest, codes: list[str]) -> HttpResponse:
    """Show the recovery codes that were made with the first factor; else go back to the list."""
    if codes:
        stay_signed_in(request)
        return show_codes(request, codes)
    messages.success(request, "The passkey is added. You can sign in with it from now on.")
    return redirect(next_url(request) or "accounts:security")


@signed_in(fresh=True)
@require_http_methods(["GET", "POST"])
def passkey_remove(request: HttpRequest, passkey: int) -> HttpResponse:
    """Ask, saying what it means; then remove the passkey."""
    found = get_object_or_404(passkeys_of(request.user), pk=passkey)
    name = name_of(found)
    if request.method == "POST":
        remove_passkey(person=request.user, passkey=found, server=server_address(request))
        messages.success(request, f"The passkey “{name}” is removed.")
        return redirect("accounts:security")
    factors = second_factors_of(request.user)
    subject = {
        "name": name,
        "is_last": factors.app is None and len(factors.passkeys) == 1,
        "required_by": accounts_that_require(request.user),
    }
    return render(request, "accounts/passkey_remove.html", {"passkey": found, "subject": subject})


@public
@never_cache
@require_POST
def passkey_options(request: HttpRequest) -> HttpResponse:
    """Answer what the browser needs to ask for a passkey."""
    try:
        return HttpResponse(options_to_sign_in(), content_type="application/json")
    except TooManyTries as error:
        return JsonResponse({"message": error.message}, status=error.status)


@public
@never_cache
@sensitive_post_parameters("credential")
@require_POST
def passkey_sign_in(request: HttpRequest) -> HttpResponse:
    """Sign in whoever's passkey answers; it is both steps in one."""
    wanted = next_url(request)
    if request.user.is_authenticated:
        return HttpResponseRedirect(wanted or reverse("accounts:home"))
    form = PasskeySignInForm(request.POST)
    try:
        used = check_passkey(credential=form.cleaned_data.get("credential", "") if form.is_valid() else "")
    except PasskeyRefused as error:
        messages.error(request, error.message)
        return HttpResponseRedirect(with_next("accounts:sign-in", wanted))
    login = Login(user=used.user, redirect_url=wanted or reverse("accounts:home"))
    return perform_passwordless_login(request, used, login)
