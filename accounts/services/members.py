"""Change a member's role and give a place back. One Administrator always stays (app.md 8.3)."""

from django.db import transaction
from django.utils import timezone

from accounts.audit import Event, record
from accounts.errors import DomainError
from accounts.models import Account, Membership, Role, User
from accounts.services.account_lock import lock_account
from accounts.services.mail import send_mail
from accounts.services.seats import require_seat


class LastAdministrator(DomainError):
    """Without an Administrator nobody could invite, deactivate or make one."""

    code, status = "last_administrator", 409
    message = "An account needs an Administrator. Make somebody else an Administrator first."


class NotActive(DomainError):
    """Somebody deactivated the member in the meantime."""

    code, status = "member_not_active", 409
    message = "This person is not an active member of the account any more."


def require_another_administrator(account: Account, membership: Membership) -> None:
    """Raise LastAdministrator if the account would have none without this member; it is held locked."""
    others = account.memberships.active().filter(role=Role.ADMINISTRATOR).exclude(pk=membership.pk)
    if not others.exists():
        raise LastAdministrator


def change_role(*, membership: Membership, actor: User, role: Role, server: str) -> None:
    """Give the member another role, at once, and tell them. The same role again changes nothing."""
    with transaction.atomic():
        account = lock_account(membership.account)
        held = account.memberships.active().select_related("user").filter(pk=membership.pk).first()
        if held is None:
            raise NotActive
        if held.role == role:
            return
        if role != Role.ADMINISTRATOR:
            require_another_administrator(account, held)
        account.memberships.filter(pk=held.pk).update(role=role)
        record(
            Event.MEMBER_ROLE_CHANGED,
            account=account,
            actor=actor,
            target=held,
            target_name=held.user.email,
            before=Role(held.role).label,
            after=Role(role).label,
        )
        tell(
            held.user,
            account,
            server=server,
            subject=f"Your role in {account.company_name} was changed",
            sentence=f"{actor.get_full_name()} ({actor.email}) made you {with_article(Role(role))}.",
        )
    membership.role = role


def reactivate_member(*, membership: Membership, actor: User, server: str) -> None:
    """Let a deactivated member in again, with the role they had. Their keys stay disabled (app.md 17, 6)."""
    with transaction.atomic():
        account = lock_account(membership.account)
        held = account.memberships.select_related("user").get(pk=membership.pk)
        if held.deactivated_at is None:
            return
        close_open_invitation(account, held.user, actor, reason="The member was reactivated")
        require_seat(account)
        put_back(account, held, actor, role=Role(held.role))
        tell(
            held.user,
            account,
            server=server,
            subject=f"You are a member of {account.company_name} again",
            sentence=f"{actor.get_full_name()} ({actor.email}) let you in again as {with_article(Role(held.role))}.",
        )
    membership.deactivated_at = None


def put_back(account: Account, membership: Membership, actor: User, *, role: Role) -> None:
    """Mark the membership active with this role; the account is held locked."""
    account.memberships.filter(pk=membership.pk).update(deactivated_at=None, role=role)
    record(
        Event.MEMBER_REACTIVATED,
        account=account,
        actor=actor,
        target=membership,
        target_name=membership.user.email,
        role=role.value,
    )


def close_open_invitation(account: Account, person: User, actor: User, *, reason: str) -> None:
    """Cancel the invitation that waits for a person: it would go on holding a place, or be a way back."""
    for invitation in account.invitations.open().filter(email=person.email):
        account.invitations.filter(pk=invitation.pk).update(cancelled_at=timezone.now())
        record(
            Event.INVITATION_CANCELLED,
            account=account,
            actor=actor,
            target=invitation,
            target_name=invitation.email,
            reason=reason,
        )


def with_article(role: Role) -> str:
    """Return the role as a sentence needs it."""
    return f"an {role.label}" if role == Role.ADMINISTRATOR else f"a {role.label}"


def tell(person: User, account: Account, *, server: str, subject: str, sentence: str) -> None:
    """Send the person a mail about their place in the account."""
    send_mail(
        "membership_changed",
        to=person.email,
        subject=subject,
        server=server,
        first_name=person.first_name,
        company_name=account.company_name,
        client_id=account.client_id,
        sentence=sentence,
    )
