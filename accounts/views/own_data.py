"""A person's own data: taking it along, and leaving an account."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import Can, allow, signed_in
from accounts.services.leavers import deactivate_member
from accounts.services.members import LastAdministrator, require_another_administrator
from accounts.services.own_data import own_data, record_download
from stitchapp.server_address import server_address


@signed_in(fresh=True)
@require_POST
def own_data_download(request: HttpRequest) -> HttpResponse:
    """Send what the product holds on the person as one JSON file."""
    record_download(person=request.user)
    response = StreamingHttpResponse(own_data(request.user), content_type="application/json")
    response["Content-Disposition"] = 'attachment; filename="my-data.json"'
    return response


@allow(Can.VIEW_ACCOUNT, fresh=True, without_second_factor=True, while_closed=True)
@require_http_methods(["GET", "POST"])
def account_leave(request: HttpRequest) -> HttpResponse:
    """Say what ends and what becomes of the person's keys; then let them go."""
    account, membership = request.account, request.membership
    if request.method == "POST":
        deactivate_member(
            membership=membership, actor=request.user, server=server_address(request), leaving=True
        )
        messages.success(request, f"You have left {account.company_name}.")
        return redirect("accounts:home")
    try:
        require_another_administrator(account, membership)
    except LastAdministrator as error:
        refusal = error.message
    else:
        refusal = ""
    context = {"refusal": refusal, "keys": list(account.api_keys.enabled().owned_by(request.user))}
    return render(request, "accounts/account_leave.html", context)
