"""Cancel Your Account, the page of a closed account, and reopening it (app.md 13.1)."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import Can, allow, may
from accounts.forms.closing import CloseAccountForm
from accounts.services.closing import close_account, reopen_account, what_stops
from stitchapp.server_address import server_address


@allow(Can.CANCEL_ACCOUNT, fresh=True)
@require_http_methods(["GET", "POST"])
def account_close(request: HttpRequest) -> HttpResponse:
    """Say what stops now and what is deleted later; close the account once its name is typed."""
    account = request.account
    form = CloseAccountForm(request.POST if request.method == "POST" else None, account=account)
    if form.is_valid():
        close_account(account=account, actor=request.user, server=server_address(request))
        messages.success(request, f"{account.company_name} is closed.")
        return redirect("accounts:account-closed", client_id=account.client_id)
    context = {
        "form": form,
        "stops": what_stops(account=account, actor=request.user, now=timezone.now()),
    }
    return render(request, "accounts/account_close.html", context, status=422 if form.errors else 200)


@allow(Can.VIEW_ACCOUNT, while_closed=True)
@require_safe
def account_closed(request: HttpRequest) -> HttpResponse:
    """Say that the account is closed, until when it can be reopened, and by whom."""
    account = request.account
    if account.closed_at is None:
        return HttpResponseRedirect(
            reverse("integrations:dashboard", kwargs={"client_id": account.client_id})
        )
    context = {
        "may_reopen": may(request.membership, Can.REOPEN_ACCOUNT),
        "is_over": account.deletes_at <= timezone.now(),
    }
    return render(request, "accounts/account_closed.html", context)


@allow(Can.REOPEN_ACCOUNT, fresh=True, while_closed=True)
@require_POST
def account_reopen(request: HttpRequest) -> HttpResponse:
    """Open the account again."""
    reopen_account(account=request.account, actor=request.user, server=server_address(request))
    messages.success(
        request, "The account is open again. Its API access keys stay disabled until you enable them."
    )
    return redirect("accounts:account-settings", client_id=request.account.client_id)
