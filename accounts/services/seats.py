"""Count the places that an account's people take, and say when its plan has no more (app.md 8.2)."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from accounts.errors import DomainError
from accounts.models import Account


class MemberLimitReached(DomainError):
    """The plan's members are all there, counting the invitations that can still be accepted."""

    code, status = "member_limit", 409


@dataclass(frozen=True, slots=True)
class Seats:
    """How many places are taken, and how many the plan has; None means unlimited."""

    members: int
    invitations: int
    most: int | None

    @property
    def taken(self) -> int:
        return self.members + self.invitations

    @property
    def are_full(self) -> bool:
        return self.most is not None and self.taken >= self.most

    @property
    def reason(self) -> str:
        """Say why nobody can be added; nothing while somebody can."""
        if not self.are_full:
            return ""
        pending = f" and {self.invitations} pending" if self.invitations else ""
        return (
            f"Your plan has {self.most} team members; this account has {self.members} active{pending}. Deactivate "
            "a member, cancel an invitation or change the plan to add somebody."
        )


def seats_of(account: Account, *, now: datetime | None = None) -> Seats:
    """Return the account's places. Active members and pending invitations count, deactivated members do not."""
    return Seats(
        members=account.memberships.active().count(),
        invitations=account.invitations.pending(now or timezone.now()).count(),
        most=account.plan.max_members,
    )


def require_seat(account: Account) -> None:
    """Raise MemberLimitReached unless one more fits; the caller holds the account locked."""
    seats = seats_of(account)
    if seats.are_full:
        raise MemberLimitReached(seats.reason)
