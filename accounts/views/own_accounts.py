"""The accounts of the person who is signed in: all of them, and another one (decision D5)."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import signed_in
from accounts.errors import DomainError
from accounts.forms.members import AccountForm
from accounts.services.sign_up import new_form_id, open_another_account
from accounts.switching import entry_of, place_of
from stitchapp.rendering import render_page

ACCOUNTS_A_PAGE = 50


@signed_in
@require_safe
def account_list(request: HttpRequest) -> HttpResponse:
    """List the accounts, the one used last first."""
    memberships = request.user.memberships.active().last_used()
    page = Paginator(memberships, ACCOUNTS_A_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "entries": [entry_of(place_of(membership)) for membership in page]}
    return render_page(request, "accounts/account_list.html", context)


@signed_in
@require_http_methods(["GET", "POST"])
def account_create(request: HttpRequest) -> HttpResponse:
    """Open another account for a person who has a sign-in already; they are its Administrator."""
    form = AccountForm(request.POST if request.method == "POST" else None, initial={"form_id": new_form_id()})
    if form.is_valid():
        try:
            account = open_another_account(person=request.user, **form.cleaned_data)
        except DomainError as refusal:
            form.add_error(None, refusal.message)
        else:
            messages.success(request, f"{account.company_name} has its account. You are its Administrator.")
            return HttpResponseRedirect(
                reverse("integrations:dashboard", kwargs={"client_id": account.client_id})
            )
    return render(request, "accounts/account_create.html", {"form": form}, status=422 if form.errors else 200)
