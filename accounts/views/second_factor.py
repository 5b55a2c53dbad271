"""Adding and removing an authenticator app, and making recovery codes. Each asks for a fresh sign-in first."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.access import signed_in
from accounts.forms.second_factor import AppForm
from accounts.qr import draw
from accounts.services.second_factor import (
    EnrolmentSpent,
    WrongFirstCode,
    add_app,
    begin_enrolment,
    make_recovery_codes,
    open_enrolment,
    remove_app,
    second_factors_of,
)
from accounts.services.two_factor_rule import accounts_that_require
from accounts.sign_in_age import stay_signed_in
from accounts.views.session import next_url
from stitchapp.server_address import server_address


@signed_in(fresh=True)
@never_cache
@sensitive_post_parameters("enrolment", "code")
@require_http_methods(["GET", "POST"])
def authenticator_create(request: HttpRequest) -> HttpResponse:
    """Show a new secret as QR code and text; store it once the app has shown its first code."""
    form = AppForm(request.POST if request.method == "POST" else None)
    enrolment = None
    if form.is_bound:
        try:
            enrolment = open_enrolment(request.user, form.data.get("enrolment", ""))
            if form.is_valid():
                codes = add_app(
                    person=request.user,
                    enrolment=enrolment,
                    code=form.cleaned_data["code"],
                    server=server_address(request),
                    session_key=request.session.session_key,
                )
                if codes:
                    stay_signed_in(request)
                return added(request, codes)
        except WrongFirstCode as error:
            form.add_error("code", error.message)
        except EnrolmentSpent as error:
            form.add_error(None, error.message)
    enrolment = enrolment or begin_enrolment(request.user)
    context = {
        "form": form,
        "enrolment": enrolment,
        "qr": draw(enrolment.url),
        "secret": " ".join(enrolment.secret[at : at + 4] for at in range(0, len(enrolment.secret), 4)),
        "next": next_url(request),
    }
    return render(request, "accounts/authenticator_create.html", context, status=422 if form.errors else 200)


@signed_in(fresh=True)
@require_http_methods(["GET", "POST"])
def authenticator_remove(request: HttpRequest) -> HttpResponse:
    """Ask, saying what it means; then remove the app."""
    if request.method == "POST":
        remove_app(person=request.user, server=server_address(request))
        messages.success(request, "The authenticator app is removed.")
        return redirect("accounts:security")
    factors = second_factors_of(request.user)
    if factors.app is None:
        return redirect("accounts:security")
    subject = {"passkeys": factors.passkeys, "required_by": accounts_that_require(request.user)}
    return render(request, "accounts/authenticator_remove.html", {"subject": subject})


@signed_in(fresh=True)
@never_cache
@require_http_methods(["GET", "POST"])
def recovery_codes_create(request: HttpRequest) -> HttpResponse:
    """Ask, since the old codes stop working; then show new ones in this response and never again."""
    if request.method == "POST":
        return show_codes(request, make_recovery_codes(person=request.user, server=server_address(request)))
    return render(
        request, "accounts/recovery_codes_create.html", {"factors": second_factors_of(request.user)}
    )


def added(request: HttpRequest, codes: list[str]) -> HttpResponse:
    """Show the recovery codes that were made with the first factor; else go back to the list."""
    if codes:
        return show_codes(request, codes)
    messages.success(request, "The authenticator app is added. Your recovery codes are the same as before.")
    return redirect(next_url(request) or "accounts:security")


def show_codes(request: HttpRequest, codes: list[str]) -> HttpResponse:
    """Show recovery codes: this response is the only place where they stand (promise P5)."""
    lines = [" ".join(code[at : at + 4] for at in range(0, len(code), 4)) for code in codes]
    context = {"codes": "\n".join(lines), "next": next_url(request)}
    return render(request, "accounts/recovery_codes.html", context)
