"""The Members tab: who belongs to the account, roles, and letting people out and in (app.md 8)."""

from collections.abc import Callable

from django.conf import settings
from django.contrib import messages
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import Can, allow, may
from accounts.errors import DomainError
from accounts.forms.members import DepartureForm, InvitationForm, RoleForm
from accounts.models import Role
from accounts.plans import Feature, has_feature
from accounts.services.invitations import invite_member
from accounts.services.leavers import Departure, OwnPlace, deactivate_member
from accounts.services.mail import undelivered
from accounts.services.members import change_role, reactivate_member
from accounts.services.seats import seats_of
from accounts.settings_tabs import settings_tabs
from accounts.views.key_rows import key_rows
from accounts.views.member_rows import Table, member_rows, page_of_members, place_in_list
from accounts.views.sign_up import where_mail_goes
from stitchapp.rendering import render_page
from stitchapp.server_address import server_address


@allow(Can.VIEW_ACCOUNT)
@require_safe
def members(request: HttpRequest) -> HttpResponse:
    """List members and open invitations; search by name and address, a page at a time."""
    account, now = request.account, timezone.now()
    search, seats = request.GET.get("q", "").replace("\0", "").strip()[:200], seats_of(account, now=now)
    page = page_of_members(account, search=search, number=request.GET.get("page"))
    table = Table(
        account=account,
        viewer=request.membership,
        query=place_in_list(search, str(page.number) if page.number > 1 else None),
        now=now,
        is_full=seats.are_full,
        administrators=account.memberships.active().filter(role=Role.ADMINISTRATOR).count(),
        undelivered=undelivered(account),
    )
    may_invite = may(request.membership, Can.INVITE_MEMBERS)
    context = {
        "settings_tabs": settings_tabs(account, "accounts:members"),
        "page": page,
        "rows": member_rows(table, page),
        "search": search,
        "kept": place_in_list(search, None),
        "seats": seats,
        "may_invite": may_invite,
        "may_act": may_invite or may(request.membership, Can.DEACTIVATE_MEMBERS),
        "may_change_plan": settings.PLAN_SELF_SERVICE and may(request.membership, Can.MANAGE_PLAN),
    }
    return render_page(request, "accounts/members.html", context)


@allow(Can.INVITE_MEMBERS)
@require_http_methods(["GET", "POST"])
def member_invite(request: HttpRequest) -> HttpResponse:
    """Ask for address and role, and send the invitation."""
    form = InvitationForm(request.POST if request.method == "POST" else None)
    seats = seats_of(request.account)
    if form.is_valid():
        try:
            invitation = invite_member(
                account=request.account,
                actor=request.user,
                server=server_address(request),
                **form.cleaned_data,
            )
        except DomainError as refusal:
            form.add_error("email", refusal.message)
        else:
            messages.success(
                request,
                f"An invitation is on its way to {invitation.email}; its link works for 7 days. You can also "
                f"copy the link from the row’s menu.{where_mail_goes()}",
            )
            return to_list(request)
    context = {"form": form, "seats": seats}
    return render_page(request, "accounts/member_invite.html", context, status=422 if form.errors else 200)


@allow(Can.CHANGE_ROLES)
@require_POST
def member_role(request: HttpRequest, membership_id: int) -> HttpResponse:
    """Give a member the role that was chosen, at once."""
    member = get_object_or_404(request.account.memberships.select_related("user"), pk=membership_id)
    form = RoleForm(request.POST)
    if not form.is_valid():
        return refuse_role(request)
    role = form.cleaned_data["role"]
    return attempt(
        request,
        lambda: change_role(membership=member, actor=request.user, role=role, server=server_address(request)),
        f"{member.user.get_full_name()} ({member.user.email}) is now: {role.label}.",
    )


@allow(Can.DEACTIVATE_MEMBERS, fresh=True)
@require_http_methods(["GET", "POST"])
def member_deactivate(request: HttpRequest, membership_id: int) -> HttpResponse:
    """The leaver's desk: show what the member's leaving ends, decide about every key, then do it all at once."""
    account, now = request.account, timezone.now()
    member = get_object_or_404(account.memberships.select_related("user"), pk=membership_id)
    if member.deactivated_at is not None:
        messages.info(request, f"{member.user.email} is deactivated already.")
        return to_list(request)
    if member.user_id == request.user.pk:
        messages.error(request, OwnPlace.message)
        return to_list(request)
    api_access = has_feature(account, Feature.CONNECT_API, now)
    rows = [
        row
        for row in key_rows(account, api_access=api_access, may_manage=False, now=now)
        if member.user_id in (row.key.owner_id, row.key.created_by_id)
    ]
    own = [row for row in rows if row.key.owner_id == member.user_id]
    prefetch_related_objects([row.key for row in own], "clients")
    posted = request.POST if request.method == "POST" else None
    form = DepartureForm(posted, account=account, leaver=member, keys=[row.key for row in own])
    refusal = ""
    if posted is not None and form.is_valid():
        try:
            departure = deactivate_member(
                membership=member,
                actor=request.user,
                server=server_address(request),
                choices=form.choices,
            )
        except DomainError as error:
            refusal = error.message
        else:
            messages.success(request, f"{member.user.email} is deactivated.{key_words(departure)}")
            return to_list(request)
    context = {
        "member": member,
        "person": member.user,
        "desk": list(zip(own, form.forms, strict=True)),
        "others": [row for row in rows if row.key.owner_id != member.user_id],
        "refusal": refusal,
        "owners": account.memberships.active()
        .exclude(pk=member.pk)
        .select_related("user")
        .order_by("user__email"),
    }
    return render_page(
        request, "accounts/member_deactivate.html", context, status=200 if posted is None else 422
    )


@allow(Can.REACTIVATE_MEMBERS)
@require_POST
def member_reactivate(request: HttpRequest, membership_id: int) -> HttpResponse:
    """Let a deactivated member in again."""
    member = get_object_or_404(request.account.memberships.select_related("user"), pk=membership_id)
    return attempt(
        request,
        lambda: reactivate_member(membership=member, actor=request.user, server=server_address(request)),
        f"{member.user.get_full_name()} ({member.user.email}) is active again. Their API access keys stay "
        "disabled until somebody re-enables them.",
    )


def attempt(request: HttpRequest, change: Callable[[], object], done: str) -> HttpResponse:
    """Make a change from a row of the list, and go back to it with what became of it."""
    try:
        change()
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, done)
    return to_list(request)


def refuse_role(request: HttpRequest) -> HttpResponse:
    """Answer a role that is not in the menu."""
    messages.error(request, f"There is no such role. Choose {' or '.join(Role.labels)}.")
    return to_list(request)


def to_list(request: HttpRequest) -> HttpResponse:
    """Go back to the page of the list that the row's control stood on."""
    address = reverse("accounts:members", kwargs={"client_id": request.account.client_id})
    place = place_in_list(request.GET.get("q", "")[:200], request.GET.get("page", "")[:10])
    return HttpResponseRedirect(f"{address}?{place}" if place else address)


def key_words(departure: Departure) -> str:
    """Return what became of the keys, as a further sentence."""
    parts = [
        f"{count} {verb}"
        for count, verb in (
            (departure.kept, "kept under a new owner"),
            (departure.deleted, "deleted"),
            (departure.disabled, "disabled"),
        )
        if count
    ]
    return f" API access keys: {', '.join(parts)}." if parts else ""
