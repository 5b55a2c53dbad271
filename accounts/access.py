"""One gate before every view, and the table of who may do what (house style 5, app.md 14.2)."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlencode

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.views.decorators.csrf import csrf_exempt

from accounts.fresh_sign_in import require_fresh
from accounts.models import Membership, Role
from accounts.plans import Feature, require_feature
from accounts.services import membership_look_up
from accounts.services.last_account import note_opened
from accounts.services.two_factor_rule import stands_outside
from accounts.sign_in_age import keep_alive
from accounts.sign_in_first import page_to_return_to, sign_in_first


class Can(Enum):
    """A permission of app.md 14.2."""

    VIEW_ACCOUNT = "see the account's pages"
    MODIFY_COMPANY = "modify company settings"
    ENABLE_SSO = "enable single sign-on"
    MANAGE_SSO = "manage single sign-on"
    MANAGE_PAYMENT = "manage payment info"
    MANAGE_PLAN = "manage plan details"
    VIEW_INVOICES = "view past invoices"
    CANCEL_ACCOUNT = "cancel the account"
    REOPEN_ACCOUNT = "reopen the account"
    INVITE_MEMBERS = "invite new team members"
    DEACTIVATE_MEMBERS = "deactivate team members"
    REACTIVATE_MEMBERS = "reactivate team members"
    CHANGE_ROLES = "change a member's role"
    REQUIRE_TWO_FACTOR = "require two-factor authentication"
    MANAGE_API_KEYS = "manage API access keys"
    MANAGE_PARTNER_KEYS = "manage partner keys"
    DISMISS_NOTIFICATIONS = "dismiss account notifications"
    MANAGE_NOTIFICATIONS = "manage notification settings"
    MANAGE_HOOKS = "manage post-load hooks"
    MANAGE_DESTINATIONS = "manage destinations"
    ADD_INTEGRATIONS = "add integrations"
    MODIFY_INTEGRATIONS = "modify integrations"
    PAUSE_INTEGRATIONS = "pause integrations"
    DELETE_INTEGRATIONS = "delete integrations"
    MANAGE_SELECTION = "manage table and column selection"
    MANAGE_SCHEDULES = "modify replication schedules"
    MANAGE_EXTRACTIONS = "manage extraction jobs"
    VIEW_EXTRACTION_LOGS = "view extraction logs"
    VIEW_LOADS = "view loading reports"


ADMINISTRATORS_ONLY = frozenset(
    {
        Can.ENABLE_SSO,
        Can.MANAGE_SSO,
        Can.INVITE_MEMBERS,
        Can.DEACTIVATE_MEMBERS,
        Can.REACTIVATE_MEMBERS,
        Can.CHANGE_ROLES,
        Can.REQUIRE_TWO_FACTOR,
        Can.REOPEN_ACCOUNT,
    }
)
BILLING = frozenset({Can.MANAGE_PAYMENT, Can.MANAGE_PLAN, Can.VIEW_INVOICES, Can.CANCEL_ACCOUNT})
GRANTS: dict[str, frozenset[Can]] = {
    Role.ADMINISTRATOR: frozenset(Can),
    Role.GENERAL_USER: frozenset(Can) - ADMINISTRATORS_ONLY,
}


@dataclass(frozen=True, slots=True)
class Access:
    """What a view declares: who may enter."""

    kind: str  # "member", "public", "signed in", "staff" or "token"
    permission: Can | None = None
    feature: Feature | None = None
    scope: str = ""
    fresh: bool = False
    without_second_factor: bool = False
    while_closed: bool = False


def may(membership: Membership, permission: Can) -> bool:
    """Tell whether the member's role grants the permission, on this server (app.md 17, row 24)."""
    if settings.BILLING_FOR_ADMINISTRATORS and permission in BILLING:
        return bool(membership.role == Role.ADMINISTRATOR)
    return permission in GRANTS[membership.role]


def allow(
    permission: Can,
    *,
    feature: Feature | None = None,
    fresh: bool = False,
    without_second_factor: bool = False,
    while_closed: bool = False,
) -> Callable:
    """Admit members who hold `permission`, on a plan with `feature`; give the view its account.

    Not a member: 404. A role without the permission: 403. A plan without the feature: the 403 page that
    names the plan (PlanRequired). With `fresh`, a sign-in older than fifteen minutes is asked for the
    password first, when a form opens and when it is sent (promise P12). Where the account requires two-factor
    authentication, members without it are led to add it, except `without_second_factor`; of a closed account only
    views that are open `while_closed` can be entered.
    """

    def decorate(view: Callable) -> Callable:
        @sign_in_first
        @functools.wraps(view)
        def guarded(request: HttpRequest, client_id: int, *args, **kwargs) -> HttpResponse:
            membership = membership_look_up.look_up(request.user, client_id)
            if membership is None:
                return not_a_member(request)
            request.membership, request.account = membership, membership.account
            if not without_second_factor and stands_outside(request.user, membership.account):
                return to_door(request, "accounts:two-factor-missing")
            if not while_closed and membership.account.closed_at is not None:
                return to_door(request, "accounts:account-closed")
            if not may(membership, permission):
                raise PermissionDenied(f"Your role may not {permission.value}.")
            note_opened(session=request.session, membership=membership)
            if feature is not None:
                require_feature(membership.account, feature, timezone.now())
            return private(
                (require_fresh(request) if fresh else None) or view(request, *args, **kwargs), request
            )

        guarded.access = Access(
            "member",
            permission,
            feature,
            fresh=fresh,
            without_second_factor=without_second_factor,
            while_closed=while_closed,
        )
        return guarded

    return decorate


def not_a_member(request: HttpRequest) -> HttpResponse:
    """Answer alike for an account that is not theirs and one that does not exist (promise P11).

    Somebody who has lost their last place is told so, whichever account they ask for.
    """
    if request.user.memberships.active().exists():
        raise Http404
    return private(render(request, "accounts/home.html", status=404), request)


def to_door(request: HttpRequest, route: str) -> HttpResponse:
    """Lead a member to the page of their account that says why the others are closed, and back afterwards."""
    url = reverse(route, kwargs={"client_id": request.account.client_id})
    url = f"{url}?{urlencode({'next': page_to_return_to(request)})}"
    answer = HttpResponse(headers={"HX-Redirect": url}) if request.htmx else HttpResponseRedirect(url)
    return private(answer, request)


def public(view: Callable) -> Callable:
    """Admit everybody."""
    view.access = Access("public")
    return view


def signed_in(view: Callable | None = None, *, fresh: bool = False) -> Callable:
    """Admit every signed-in person, whatever their accounts; with `fresh`, only soon after a sign-in."""

    def decorate(view: Callable) -> Callable:
        @sign_in_first
        @functools.wraps(view)
        def guarded(request: HttpRequest, *args, **kwargs) -> HttpResponse:
            return private(
                (require_fresh(request) if fresh else None) or view(request, *args, **kwargs), request
            )

        guarded.access = Access("signed in", fresh=fresh)
        return guarded

    return decorate(view) if view is not None else decorate


def staff(view: Callable | None = None, *, permission: str = "") -> Callable:
    """Admit staff only, with Django's `permission` if one is named; refuse other signed-in people with 403."""

    def decorate(view: Callable) -> Callable:
        @sign_in_first
        @functools.wraps(view)
        def guarded(request: HttpRequest, *args, **kwargs) -> HttpResponse:
            if not request.user.is_staff or (permission and not request.user.has_perm(permission)):
                raise PermissionDenied("This page is for staff.")
            return private(view(request, *args, **kwargs), request)

        guarded.access = Access("staff", scope=permission)
        return guarded

    return decorate(view) if view is not None else decorate


def private(response: HttpResponse, request: HttpRequest) -> HttpResponse:
    """Keep a signed-in person's page out of every cache, so that Back shows nothing after signing out."""
    keep_alive(request)
    if not response.has_header("Cache-Control"):
        add_never_cache_headers(response)
    return response


def allow_token(scope: str, authenticate: Callable[[HttpRequest], HttpResponse | None]) -> Callable:
    """Admit bearers of a secret. `authenticate` sets `request.account`, or returns the refusal to send.

    Over plain HTTP the request is refused, never redirected (promise S3); a session cookie opens nothing here.
    """

    def decorate(view: Callable) -> Callable:
        @csrf_exempt
        @functools.wraps(view)
        def guarded(request: HttpRequest, *args, **kwargs) -> HttpResponse:
            refusal = refuse_plain_http(request) or authenticate(request)
            return refusal if refusal is not None else view(request, *args, **kwargs)

        guarded.access = Access("token", scope=scope)
        return guarded

    return decorate


def refuse_plain_http(request: HttpRequest) -> HttpResponse | None:
    """Return the refusal for a bearer request over plain HTTP; None when it may go on (promise S3)."""
    if settings.LOCAL_MODE or request.is_secure():
        return None
    return JsonResponse(
        {"error": "HttpsRequired", "message": "This API is served over HTTPS only."},
        status=403,
        headers={"X-Error-Code": "https_required"},
    )
