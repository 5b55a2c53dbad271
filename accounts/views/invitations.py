"""What an Administrator does with an invitation that is open: send again, copy its link, change its role, cancel."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import Can, allow
from accounts.forms.members import RoleForm
from accounts.models import Invitation
from accounts.services.invitation_links import code_to_copy, link_of
from accounts.services.invitations import cancel_invitation, change_invited_role, resend_invitation
from accounts.views.members import attempt, refuse_role, to_list
from accounts.views.sign_up import where_mail_goes
from stitchapp.rendering import render_page
from stitchapp.server_address import server_address


def open_invitation(request: HttpRequest, invitation_id: int) -> Invitation:
    """Return the account's open invitation; accepted and cancelled ones do not exist any more."""
    found = request.account.invitations.open().select_related("account", "invited_by")
    return get_object_or_404(found, pk=invitation_id)


@allow(Can.INVITE_MEMBERS)
@require_POST
def invitation_resend(request: HttpRequest, invitation_id: int) -> HttpResponse:
    """Send a new link; the old one stops."""
    invitation = open_invitation(request, invitation_id)
    return attempt(
        request,
        lambda: resend_invitation(invitation=invitation, actor=request.user, server=server_address(request)),
        f"A new link is on its way to {invitation.email}; earlier ones have stopped working.{where_mail_goes()}",
    )


@allow(Can.INVITE_MEMBERS)
@never_cache
@require_safe
def invitation_link(request: HttpRequest, invitation_id: int) -> HttpResponse:
    """Show the link, to be handed over in another way than by mail."""
    invitation = open_invitation(request, invitation_id)
    pending = invitation.is_pending(timezone.now())
    context = {
        "invitation": invitation,
        "link": server_address(request) + link_of(code_to_copy(invitation, by=request.membership))
        if pending
        else "",
        "back_url": to_list(request).url,
    }
    return render_page(request, "accounts/invitation_link.html", context)


@allow(Can.CHANGE_ROLES)
@require_POST
def invitation_role(request: HttpRequest, invitation_id: int) -> HttpResponse:
    """Give the invitation another role before it is accepted."""
    invitation = open_invitation(request, invitation_id)
    form = RoleForm(request.POST)
    if not form.is_valid():
        return refuse_role(request)
    role = form.cleaned_data["role"]
    return attempt(
        request,
        lambda: change_invited_role(invitation=invitation, actor=request.user, role=role),
        f"{invitation.email} will join as: {role.label}.",
    )


@allow(Can.INVITE_MEMBERS)
@require_http_methods(["GET", "POST"])
def invitation_cancel(request: HttpRequest, invitation_id: int) -> HttpResponse:
    """Ask, then take the invitation back."""
    invitation = open_invitation(request, invitation_id)
    if request.method == "POST":
        return attempt(
            request,
            lambda: cancel_invitation(invitation=invitation, actor=request.user),
            f"The invitation of {invitation.email} is cancelled; its link has stopped working.",
        )
    context = {"invitation": invitation, "back_url": to_list(request).url, "action": request.get_full_path()}
    return render_page(request, "accounts/invitation_cancel.html", context)
