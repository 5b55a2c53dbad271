"""Signing in, signing out, and showing once more that it is you."""

from urllib.parse import urlencode

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from django.contrib.auth import logout
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import public, signed_in
from accounts.forms.session import PasswordAgainForm, SignInForm
from accounts.services.passkeys import has_passkeys
from accounts.services.sessions import record_confirmation, record_sign_out
from accounts.sign_in_age import renew


def next_url(request: HttpRequest) -> str:
    """Return the page to go to afterwards, if one was asked for and it is ours."""
    wanted = request.POST.get("next") or request.GET.get("next", "")
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if safe else ""


def with_next(route: str, wanted: str) -> str:
    """Return the address of a route that remembers where to go afterwards."""
    return reverse(route) + (f"?{urlencode({'next': wanted})}" if wanted else "")


@public
@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    """Sign a person in and take them where they wanted to go."""
    wanted = next_url(request)
    if request.user.is_authenticated:
        return HttpResponseRedirect(wanted or reverse("accounts:home"))
    form = SignInForm(request.POST if request.method == "POST" else None, request=request)
    if form.is_valid():
        login = Login(user=form.person, redirect_url=wanted or reverse("accounts:home"))
        return perform_password_login(request, {"email": form.person.email}, login)
    context = {
        "form": form,
        "action": with_next("accounts:sign-in", wanted),
        "passkey_action": with_next("accounts:passkey-sign-in", wanted),
        "sign_up_url": with_next("accounts:sign-up", wanted),
    }
    return render(request, "accounts/sign_in.html", context, status=422 if form.errors else 200)


@public
@never_cache
@require_safe
def admin_sign_in(request: HttpRequest) -> HttpResponse:
    """Take the admin's visitors to the one page that signs people in, with its throttle and its trail."""
    if request.user.is_authenticated:
        raise PermissionDenied("The admin is for staff.")
    return HttpResponseRedirect(with_next("accounts:sign-in", next_url(request) or reverse("admin:index")))


@signed_in
@require_safe
def admin_password_change(request: HttpRequest) -> HttpResponse:
    """Staff change their password like everybody else: with a link sent to their address."""
    return HttpResponseRedirect(reverse("accounts:password-forgot"))


@public
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session; also the browser's own copies of its pages."""
    if request.user.is_authenticated:
        record_sign_out(person=request.user)
        logout(request)
    response = HttpResponseRedirect(reverse("accounts:sign-in"))
    response["Clear-Site-Data"] = '"cache"'
    return response


@signed_in
@sensitive_post_parameters("password_again")
@require_http_methods(["GET", "POST"])
def session_confirm(request: HttpRequest) -> HttpResponse:
    """Ask for the password, then go where the person wanted to go."""
    form = PasswordAgainForm(request.POST if request.method == "POST" else None, request=request)
    wanted = next_url(request)
    if form.is_valid():
        renew(request)
        record_confirmation(person=request.user)
        return HttpResponseRedirect(wanted or reverse("accounts:home"))
    context = {
        "form": form,
        "action": with_next("accounts:session-confirm", wanted),
        "has_passkeys": has_passkeys(request.user),
    }
    return render(request, "accounts/session_confirm.html", context, status=422 if form.errors else 200)
