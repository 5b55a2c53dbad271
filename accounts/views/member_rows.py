"""The table of team members and pending invitations as the Members tab shows it (app.md 8.1)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import Case, Q, QuerySet, Value, When
from django.db.models.functions import Concat, Lower
from django.urls import reverse

from accounts.access import Can, may
from accounts.models import Account, Invitation, Membership, Role
from accounts.services.invitations import mail_key
from accounts.services.mail import Delivery
from stitchapp.formats import key_time

MEMBERS_A_PAGE = 50
MEMBER, INVITATION = 0, 1
ACTIVE_FIRST, PENDING_NEXT, DEACTIVATED_LAST = 0, 1, 2


@dataclass(frozen=True, slots=True)
class MemberRow:
    """One line: a member or an invitation, and what its menus offer."""

    name: str
    email: str
    role: str
    status: str
    since: datetime | None = None
    marks: list[str] = field(default_factory=list)
    trouble: str = ""
    roles: list[dict[str, object]] = field(default_factory=list)
    menu: list[dict[str, object]] = field(default_factory=list)

    @property
    def whose(self) -> str:
        """Name the row in the labels of its controls."""
        return self.name or self.email


@dataclass(frozen=True, slots=True)
class Table:
    """What the rows have in common: who looks, and how to come back to this page of the list."""

    account: Account
    viewer: Membership
    query: str
    now: datetime
    is_full: bool
    administrators: int
    undelivered: Mapping[str, Delivery]

    def may(self, permission: Can) -> bool:
        return may(self.viewer, permission)

    def item(self, label: str, route: str, method: str, **kwargs: object) -> dict[str, object]:
        danger = bool(kwargs.pop("danger", False))
        return {"label": label, "url": self.url(route, **kwargs), "method": method, "danger": danger}

    def url(self, route: str, **kwargs: object) -> str:
        address = reverse(f"accounts:{route}", kwargs={"client_id": self.account.client_id} | kwargs)
        return f"{address}?{self.query}" if self.query else address

    def roles(self, current: str, route: str, **kwargs: object) -> list[dict[str, object]]:
        return [
            {
                "value": role.value,
                "label": role.label,
                "current": role == current,
                "url": self.url(route, **kwargs),
            }
            for role in Role
        ]


def page_of_members(account: Account, *, search: str, number: str | None) -> Page:
    """Return a page of (rank, sort name, kind, id), members and open invitations together."""
    members = (
        matching(account.memberships.all(), search, "user__first_name", "user__last_name", "user__email")
        .annotate(
            rank=Case(When(deactivated_at=None, then=Value(ACTIVE_FIRST)), default=Value(DEACTIVATED_LAST)),
            sort_name=Lower(Concat("user__first_name", Value(" "), "user__last_name")),
            kind=Value(MEMBER),
        )
        .values_list("rank", "sort_name", "kind", "pk")
    )
    invitations = (
        matching(account.invitations.open(), search, "email")
        .annotate(rank=Value(PENDING_NEXT), sort_name=Lower("email"), kind=Value(INVITATION))
        .values_list("rank", "sort_name", "kind", "pk")
    )
    both = members.union(invitations, all=True).order_by("rank", "sort_name", "pk")
    return Paginator(both, MEMBERS_A_PAGE).get_page(number)


def matching(rows: QuerySet, search: str, *columns: str) -> QuerySet:
    """Return the rows that have every word of the search in one of the columns."""
    for word in search.split():
        found = Q()
        for column in columns:
            found |= Q(**{f"{column}__icontains": word})
        rows = rows.filter(found)
    return rows


def member_rows(table: Table, page: Page) -> list[MemberRow]:
    """Return the rows of a page, in two queries."""
    wanted = {kind: [pk for _, _, each, pk in page if each == kind] for kind in (MEMBER, INVITATION)}
    account = table.account
    members = account.memberships.select_related("user").in_bulk(wanted[MEMBER])
    invitations = account.invitations.select_related("invited_by").in_bulk(wanted[INVITATION])
    make: dict[int, Callable] = {MEMBER: row_of_member, INVITATION: row_of_invitation}
    found = {MEMBER: members, INVITATION: invitations}
    return [make[kind](table, found[kind][pk]) for _, _, kind, pk in page if pk in found[kind]]


def row_of_member(table: Table, member: Membership) -> MemberRow:
    """Return a member's row; oneself and the last Administrator have less to choose from."""
    is_self, active = member.pk == table.viewer.pk, member.deactivated_at is None
    last = active and member.role == Role.ADMINISTRATOR and table.administrators <= 1
    menu = []
    if active and table.may(Can.DEACTIVATE_MEMBERS) and not is_self and not last:
        menu.append(
            table.item("Deactivate", "member-deactivate", "get", membership_id=member.pk, danger=True)
        )
    if not active and table.may(Can.REACTIVATE_MEMBERS) and not table.is_full:
        menu.append(table.item("Reactivate", "member-reactivate", "post", membership_id=member.pk))
    changeable = active and table.may(Can.CHANGE_ROLES) and not last
    return MemberRow(
        name=member.user.get_full_name(),
        email=member.user.email,
        role=Role(member.role).label,
        status="Active" if active else "Deactivated",
        since=member.deactivated_at,
        marks=[
            *(["You"] if is_self else []),
            *(["Invoice Admin"] if member.invoice_admin else []),
            *(["Last Administrator"] if last and table.may(Can.CHANGE_ROLES) else []),
        ],
        roles=table.roles(member.role, "member-role", membership_id=member.pk) if changeable else [],
        menu=menu,
    )


def row_of_invitation(table: Table, invitation: Invitation) -> MemberRow:
    """Return an invitation's row."""
    pending, named = invitation.is_pending(table.now), {"invitation_id": invitation.pk}
    menu = []
    if table.may(Can.INVITE_MEMBERS):
        if pending or not table.is_full:
            menu.append(table.item("Resend Invitation", "invitation-resend", "post", **named))
        if pending:
            menu.append(table.item("Copy Link", "invitation-link", "dialog", **named))
        menu.append(table.item("Cancel Invitation", "invitation-cancel", "dialog", danger=True, **named))
    return MemberRow(
        name="",
        email=invitation.email,
        role=Role(invitation.role).label,
        status="Pending" if pending else "Expired",
        since=invitation.expires_at,
        marks=[f"Invited by {invitation.invited_by.get_full_name()} ({invitation.invited_by.email})"],
        trouble=mail_trouble(table.undelivered.get(mail_key(invitation))),
        roles=table.roles(invitation.role, "invitation-role", **named) if table.may(Can.CHANGE_ROLES) else [],
        menu=menu,
    )


def mail_trouble(delivery: Delivery | None) -> str:
    """Say what holds an invitation's mail up; nothing for one that has gone out or is about to."""
    if delivery is None or not delivery.error:
        return ""
    if delivery.is_failed:
        return f"The mail was given up: {delivery.error} Copy the link instead, or resend."
    again = f" Next try {key_time(delivery.next_try_at)}." if delivery.next_try_at else ""
    return f"The mail has not arrived yet: {delivery.error}{again}"


def place_in_list(search: str, number: str | None) -> str:
    """Return the query that leads back to this page of the list."""
    return urlencode({name: value for name, value in (("q", search), ("page", number)) if value})
