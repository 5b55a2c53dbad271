"""Accepting an invitation: as a new person, with the sign-in one has, or not at all (app.md 8.3, D5, D6).

The code moves from the address line into the session before the page shows, as that of a new password does.
"""

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from accounts.access import public, signed_in
from accounts.errors import DomainError
from accounts.forms.members import NewMemberForm
from accounts.models import Account, Invitation, Role
from accounts.services.accepting import (
    HasSignIn,
    accept_as_new_person,
    accept_invitation,
)
from accounts.services.email_addresses import is_taken
from accounts.services.invitation_links import InvitationSpent, open_link, read_link
from accounts.services.members import with_article
from accounts.services.sessions import record_sign_out
from accounts.services.sign_up import new_form_id
from accounts.views.session import with_next

CODE = "invitation_code"
CODE_IN_SESSION = "new"


@public
@never_cache
@require_safe
def invitation(request: HttpRequest, code: str) -> HttpResponse:
    """Show who invites where, and the one step that is left for whoever is looking."""
    if code != CODE_IN_SESSION:
        if read_link(code) is None:
            return show_spent(request)
        request.session[CODE] = code
        return HttpResponseRedirect(here())
    return show(request, NewMemberForm(initial={"form_id": new_form_id()}))


@public
@never_cache
@sensitive_post_parameters("password")
@require_POST
def invitation_register(request: HttpRequest) -> HttpResponse:
    """Make the invited person, sign them in and open the account."""
    if request.user.is_authenticated:
        return HttpResponseRedirect(here())
    form = NewMemberForm(request.POST)
    if not form.is_valid():
        return show(request, form)
    try:
        person, account = accept_as_new_person(code=request.session.get(CODE, ""), **form.cleaned_data)
    except (InvitationSpent, HasSignIn):
        return show(request, form)
    except DomainError as refusal:
        form.add_error(None, refusal.message)
        return show(request, form)
    request.session.pop(CODE, None)
    messages.success(request, f"Welcome to {account.company_name}.")
    login = Login(user=person, redirect_url=dashboard_of(account))
    return perform_password_login(request, {"email": person.email}, login)


@signed_in
@require_POST
def invitation_join(request: HttpRequest) -> HttpResponse:
    """Give the person who is signed in their place."""
    try:
        account = accept_invitation(code=request.session.get(CODE, ""), person=request.user)
    except DomainError as refusal:
        return show(request, refusal=refusal.message)
    request.session.pop(CODE, None)
    messages.success(request, f"You are now a member of {account.company_name}.")
    return HttpResponseRedirect(dashboard_of(account))


@public
@require_POST
def invitation_switch(request: HttpRequest) -> HttpResponse:
    """Sign out whoever is signed in, and keep the invitation at hand."""
    code = request.session.get(CODE, "")
    if request.user.is_authenticated:
        record_sign_out(person=request.user)
        logout(request)
    request.session[CODE] = code
    return HttpResponseRedirect(here())


def show(request: HttpRequest, form: NewMemberForm | None = None, *, refusal: str = "") -> HttpResponse:
    """Render the invitation for whoever is looking: nobody, its own person, or somebody else."""
    code = request.session.get(CODE, "")
    try:
        opened = open_link(code)
    except InvitationSpent:
        return show_spent(request)
    found, person = opened.invitation, request.user
    account = found.account
    if is_member_by(person, found):
        return show_member(request, account)
    context = {
        "invitation": found,
        "company": account,
        "role": with_article(Role(found.role)),
        "refusal": refusal,
        "is_theirs": person.is_authenticated and person.email == found.email,
        "has_sign_in": is_taken(email=found.email),
        "sign_in_url": with_next("accounts:sign-in", here()),
        "form": form,
    }
    wrong = bool(refusal or (form is not None and form.errors))
    return render(request, "accounts/invitation.html", context, status=422 if wrong else 200)


def show_spent(request: HttpRequest) -> HttpResponse:
    """Say that the link opens nothing; to a member who has used it, where their account is."""
    link, person = read_link(request.session.get(CODE, "")), request.user
    if link is not None and is_member_by(person, link.invitation):
        return show_member(request, link.invitation.account)
    context = {"spent": InvitationSpent.message}
    return render(request, "accounts/invitation.html", context, status=InvitationSpent.status)


def show_member(request: HttpRequest, account: Account) -> HttpResponse:
    """Tell somebody who is there already."""
    context = {"company": account, "is_member": True, "dashboard_url": dashboard_of(account)}
    return render(request, "accounts/invitation.html", context)


def is_member_by(person, found: Invitation) -> bool:
    """Tell whether the invitation is the person's own, and they are an active member already."""
    return (
        person.is_authenticated
        and person.email == found.email
        and person.memberships.active().filter(account=found.account).exists()
    )


def here() -> str:
    """Return the address of the page once the code is in the session."""
    return reverse("accounts:invitation", kwargs={"code": CODE_IN_SESSION})


def dashboard_of(account: Account) -> str:
    return reverse("integrations:dashboard", kwargs={"client_id": account.client_id})
