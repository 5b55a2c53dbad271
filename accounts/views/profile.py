"""Your Profile, the first tab of Settings (app.md 4.5)."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import Can, allow
from accounts.forms.passwords import ChangePasswordForm
from accounts.forms.profile import ProfileForm
from accounts.fresh_sign_in import require_fresh
from accounts.services.email_addresses import address_waiting, is_confirmed
from accounts.services.passwords import change_password
from accounts.services.profile import update_profile
from accounts.services.sign_up import AddressTaken
from accounts.settings_tabs import settings_tabs
from accounts.sign_in_age import renew, stay_signed_in
from accounts.views.sign_up import ask_to_confirm
from stitchapp.server_address import server_address


@allow(Can.VIEW_ACCOUNT)
@require_http_methods(["GET", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Show and change name, address and choice of mail. A new address needs a fresh sign-in."""
    form = ProfileForm(request.POST if request.method == "POST" else None, person=request.user)
    if not form.is_valid():
        return profile_page(request, profile_form=form)
    new_address = form.cleaned_data["email"] != request.user.email
    if new_address and (question := require_fresh(request)) is not None:
        return question
    waiting = address_waiting(request.user)
    fields = ("first_name", "last_name", "email", "error_mail")
    try:
        update_profile(person=request.user, **{name: form.cleaned_data[name] for name in fields})
    except AddressTaken as error:
        form.add_error("email", error.message)
        return profile_page(request, profile_form=form)
    messages.success(request, "Your profile is updated.")
    if new_address:
        ask_to_confirm(request, request.user)
    elif waiting is not None:
        messages.info(
            request, f"You keep {request.user.email}: the link sent to {waiting.email} leads nowhere now."
        )
    return back_to_profile(request)


@allow(Can.VIEW_ACCOUNT)
@sensitive_post_parameters("old_password", "new_password", "confirm_new_password")
@require_POST
def password_change(request: HttpRequest) -> HttpResponse:
    """Change the password; every other session of the person ends, this one goes on (promise S5)."""
    form = ChangePasswordForm(request.POST, request=request)
    if not form.is_valid():
        return profile_page(request, password_form=form)
    password = form.cleaned_data["new_password"]
    change_password(
        person=request.user,
        password=password,
        server=server_address(request),
        session_key=request.session.session_key,
    )
    stay_signed_in(request)
    renew(request)
    messages.success(request, "Your password is changed. Everywhere else you are signed out.")
    return back_to_profile(request)


@allow(Can.VIEW_ACCOUNT)
@require_POST
def email_confirmation_send(request: HttpRequest) -> HttpResponse:
    """Send the link that confirms the address once more."""
    ask_to_confirm(request, request.user)
    return back_to_profile(request)


def back_to_profile(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect(reverse("accounts:profile", kwargs={"client_id": request.account.client_id}))


def profile_page(
    request: HttpRequest,
    *,
    profile_form: ProfileForm | None = None,
    password_form: ChangePasswordForm | None = None,
) -> HttpResponse:
    """Show the tab with both forms, one of them perhaps with its errors."""
    invalid = any(form is not None and form.errors for form in (profile_form, password_form))
    waiting = address_waiting(request.user)
    context = {
        "profile_form": profile_form or ProfileForm(person=request.user),
        "password_form": password_form or ChangePasswordForm(request=request),
        "unconfirmed": waiting.email if waiting else "" if is_confirmed(request.user) else request.user.email,
        "waiting": waiting is not None,
        "settings_tabs": settings_tabs(request.account, "accounts:profile"),
    }
    return render(request, "accounts/profile.html", context, status=422 if invalid else 200)
