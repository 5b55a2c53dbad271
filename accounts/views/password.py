"""Setting a new password with a link sent by mail (app.md 4.3)."""

from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import public
from accounts.forms.passwords import ForgottenPasswordForm, NewPasswordForm
from accounts.services.passwords import (
    LinkSpent,
    TooManyRequests,
    find_by_code,
    request_reset,
    reset_password,
)
from accounts.views.sign_up import where_mail_goes
from stitchapp.server_address import server_address

CODE = "password_reset_code"
CODE_IN_SESSION = "new"


@public
@never_cache
@require_http_methods(["GET", "POST"])
def password_forgot(request: HttpRequest) -> HttpResponse:
    """Send a link; the answer is the same whether somebody has the address or nobody (promise S6)."""
    form = ForgottenPasswordForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            request_reset(email=form.cleaned_data["email"], server=server_address(request))
        except TooManyRequests as error:
            form.add_error(None, error.message)
        else:
            return HttpResponseRedirect(reverse("accounts:password-forgot-sent"))
    return render(
        request, "accounts/password_forgot.html", {"form": form}, status=422 if form.errors else 200
    )


@public
@require_safe
def password_forgot_sent(request: HttpRequest) -> HttpResponse:
    """Say what to look for."""
    return render(request, "accounts/password_forgot_sent.html", {"where_mail_goes": where_mail_goes()})


@public
@never_cache
@sensitive_post_parameters("new_password", "confirm_new_password")
@require_http_methods(["GET", "POST"])
def password_reset(request: HttpRequest, code: str) -> HttpResponse:
    """Set a new password; the code moves from the address line into the session before the form shows."""
    if code == CODE_IN_SESSION:
        code = request.session.get(CODE, "")
    form = NewPasswordForm(request.POST if request.method == "POST" else None)
    try:
        person = find_by_code(code)
        if request.resolver_match.kwargs["code"] != CODE_IN_SESSION:
            request.session[CODE] = code
            return HttpResponseRedirect(reverse("accounts:password-reset", kwargs={"code": CODE_IN_SESSION}))
        if form.is_valid():
            password = form.cleaned_data["new_password"]
            reset_password(code=code, password=password, server=server_address(request))
            logout(request)  # whoever was signed in here: the next step is to sign in with the new password
            messages.success(request, "Your password is changed. Sign in with it.")
            return HttpResponseRedirect(reverse("accounts:sign-in"))
    except LinkSpent as error:
        context = {"refusal": error.message}
        return render(request, "accounts/password_reset.html", context, status=error.status)
    context = {"form": form, "email": person.email}
    return render(request, "accounts/password_reset.html", context, status=422 if form.errors else 200)
