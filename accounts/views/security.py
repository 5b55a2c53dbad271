"""How a person signs in: two-factor authentication, passkeys, sessions. Theirs, whatever their accounts."""

from django.contrib import messages
from django.contrib.auth import logout
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.access import signed_in
from accounts.devices import device_words
from accounts.forms.security import SignInAlertsForm
from accounts.services.second_factor import second_factors_of
from accounts.services.session_list import end_other_sessions, end_session, sessions_of
from accounts.services.sign_in_alerts import set_sign_in_alerts
from accounts.settings_tabs import settings_tabs
from accounts.sign_in_age import stay_signed_in

SESSIONS_ON_A_PAGE = 10


@signed_in
@require_safe
def security(request: HttpRequest) -> HttpResponse:
    """Show what the person has, where they are signed in, and where each is changed."""
    sessions = Paginator(sessions_of(request.user), SESSIONS_ON_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "factors": second_factors_of(request.user),
        "sessions": [
            {
                "session": session,
                "device": device_words(session.user_agent),
                "is_this": session.session_key == request.session.session_key,
            }
            for session in sessions
        ],
        "page": sessions,
        "alerts_form": SignInAlertsForm(initial={"sign_in_alerts": request.user.sign_in_alerts}),
    }
    return render(request, "accounts/security.html", in_account(request) | context)


@signed_in
@require_POST
def session_end(request: HttpRequest, session: int) -> HttpResponse:
    """End one session of the person; ending the one that asks is signing out."""
    ended = get_object_or_404(sessions_of(request.user), pk=session)
    end_session(person=request.user, ended=ended)
    if ended.session_key == request.session.session_key:
        logout(request)
        return redirect("accounts:sign-in")
    messages.success(request, f"{device_words(ended.user_agent)} is signed out.")
    return redirect("accounts:security")


@signed_in
@require_POST
def session_end_others(request: HttpRequest) -> HttpResponse:
    """Sign the person out everywhere but here."""
    end_other_sessions(person=request.user, keep=request.session.session_key)
    stay_signed_in(request)
    messages.success(request, "You are signed out everywhere else.")
    return redirect("accounts:security")


@signed_in
@require_POST
def session_end_all(request: HttpRequest) -> HttpResponse:
    """Sign the person out everywhere, here too."""
    end_other_sessions(person=request.user)
    logout(request)
    messages.success(request, "You are signed out everywhere.")
    return redirect("accounts:sign-in")


@signed_in(fresh=True)
@require_POST
def sign_in_alerts_update(request: HttpRequest) -> HttpResponse:
    """Switch the mails about new sign-ins on or off."""
    form = SignInAlertsForm(request.POST)
    form.is_valid()  # a box is ticked or it is not
    set_sign_in_alerts(person=request.user, wanted=form.cleaned_data["sign_in_alerts"])
    messages.success(request, "Your choice is kept.")
    return redirect("accounts:security")


def in_account(request: HttpRequest) -> dict[str, object]:
    """Frame the page by the account opened last, for people who are in one; it shows nothing of the account."""
    membership = (
        request.user.memberships.active().with_others().last_used().select_related("account__plan").first()
    )
    if membership is None:
        return {"settings_tabs": []}
    request.membership, request.account = membership, membership.account
    return {
        "settings_tabs": settings_tabs(membership.account, "accounts:security"),
        "account": membership.account,
    }
