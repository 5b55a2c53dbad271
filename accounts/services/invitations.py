"""Invite somebody, send the link again, change its role, take it back (app.md 8.3, decision D6)."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.audit import Event, record
from accounts.errors import DomainError
from accounts.models import Account, Invitation, Role, User
from accounts.models.invitation import link_end, new_nonce
from accounts.services import throttle
from accounts.services.account_lock import lock_account
from accounts.services.invitation_links import LINK
from accounts.services.mail import send_mail
from accounts.services.members import with_article
from accounts.services.seats import require_seat
from accounts.services.sign_up import AddressTaken
from stitchapp.formats import key_time

# Nobody uses an account to flood one mailbox, or many.
MAILS_TO_ADDRESS = throttle.Limit("invitation-mail", most=5, seconds=60 * 60)
MAILS_OF_ACCOUNT = throttle.Limit("invitation-mail-of-account", most=200, seconds=24 * 60 * 60)


class AlreadyInvited(DomainError):
    """The address has an invitation that can still be accepted."""

    code, status = "already_invited", 409
    message = (
        "This address has a pending invitation. Choose Resend Invitation in its row to send another link, or "
        "change its role there."
    )


class InvitationClosed(DomainError):
    """The invitation was accepted or cancelled in the meantime."""

    code, status = "invitation_closed", 409
    message = "This invitation was accepted or cancelled in the meantime."


class FormSpent(DomainError):
    """The form was sent before, and what it made is over."""

    code, status = "form_spent", 409
    message = "This form was sent before. Open it again to invite somebody else, or once more."


class TooManyInvitations(DomainError):
    """Too many mails for one address, or from one account."""

    code, status = "too_many_invitations", 429


def invite_member(
    *, account: Account, actor: User, email: str, role: Role, server: str, form_id: UUID | None = None
) -> Invitation:
    """Invite an address with a role and send the link; the same form sent twice invites once.

    An active member's address is refused. A deactivated member's is not: accepting lets them in again.
    """
    email = email.strip().lower()
    with transaction.atomic():
        locked = lock_account(account)  # makes the places counted below, and the look for a twin, safe
        made_before = sent_before(locked, form_id)
        if made_before is not None:
            return made_before
        if locked.memberships.filter(user__email=email, deactivated_at=None).exists():
            raise AddressTaken
        invitation: Invitation | None = locked.invitations.open().filter(email=email).first()
        if invitation is not None and invitation.is_pending(timezone.now()):
            raise AlreadyInvited
        require_seat(locked)
        limit_mails(locked, email)
        if invitation is None:
            invitation = locked.invitations.create(email=email, role=role, invited_by=actor, form_id=form_id)
        else:
            renew(invitation, role=role, invited_by=actor, form_id=form_id)
        tell_trail(Event.INVITATION_SENT, invitation, actor, role=Role(role).label)
        send_link(invitation, server=server)
    return invitation


def resend_invitation(*, invitation: Invitation, actor: User, server: str) -> None:
    """Send a new link, valid for 7 days from now; every link made before stops at once."""
    with transaction.atomic():
        account = lock_account(invitation.account)
        held = hold_open(account, invitation)
        if not held.is_pending(timezone.now()):
            require_seat(account)  # an expired one held no place
        limit_mails(account, held.email)
        renew(held)
        tell_trail(Event.INVITATION_RESENT, held, actor)
        send_link(held, server=server)


def sent_before(account: Account, form_id: UUID | None) -> Invitation | None:
    """Return the open invitation that this very form made a moment ago; raise FormSpent for one that is over."""
    if form_id is None:
        return None
    found: Invitation | None = Invitation.objects.filter(form_id=form_id).first()
    if found is not None and not (found.account_id == account.pk and found.is_open):
        raise FormSpent
    return found


@transaction.atomic
def cancel_invitation(*, invitation: Invitation, actor: User) -> None:
    """Take the invitation back: its link stops at once and its place is free."""
    held = hold_open(lock_account(invitation.account), invitation)
    Invitation.objects.filter(pk=held.pk).update(cancelled_at=timezone.now())
    tell_trail(Event.INVITATION_CANCELLED, held, actor)


@transaction.atomic
def change_invited_role(*, invitation: Invitation, actor: User, role: Role) -> None:
    """Give the invitation another role before it is accepted. The same role again changes nothing."""
    held = hold_open(lock_account(invitation.account), invitation)
    if held.role == role:
        return
    Invitation.objects.filter(pk=held.pk).update(role=role)
    tell_trail(
        Event.INVITATION_ROLE_CHANGED, held, actor, before=Role(held.role).label, after=Role(role).label
    )


def hold_open(account: Account, invitation: Invitation) -> Invitation:
    """Return the invitation as it is now, in an account held locked; raise InvitationClosed if it is not open."""
    held: Invitation | None = (
        account.invitations.open().select_related("account", "invited_by").filter(pk=invitation.pk).first()
    )
    if held is None:
        raise InvitationClosed
    return held


def renew(invitation: Invitation, **changes: object) -> None:
    """Begin another 7 days with a link of their own."""
    changes |= {"nonce": new_nonce(), "sent_at": timezone.now(), "expires_at": link_end()}
    for name, value in changes.items():
        setattr(invitation, name, value)
    invitation.save(update_fields=list(changes))


def limit_mails(account: Account, email: str) -> None:
    """Raise TooManyInvitations when the address, or the account, has had its mails."""
    if throttle.take_place(MAILS_TO_ADDRESS, email) is None:
        raise TooManyInvitations(
            "Five invitations went to this address within the hour. Copy the link instead, or try later."
        )
    if throttle.take_place(MAILS_OF_ACCOUNT, str(account.pk)) is None:
        raise TooManyInvitations(
            f"{MAILS_OF_ACCOUNT.most} invitations went out from this account within 24 hours. Try tomorrow."
        )


def tell_trail(event: Event, invitation: Invitation, actor: User, **detail: Any) -> None:
    """Record what happened to the invitation."""
    record(
        event,
        account=invitation.account,
        actor=actor,
        target=invitation,
        target_name=invitation.email,
        **detail,
    )


def send_link(invitation: Invitation, *, server: str) -> None:
    """Send the mail with the link that proves whose mailbox it reached."""
    inviter, account = invitation.invited_by, invitation.account
    send_mail(
        "invitation",
        to=invitation.email,
        subject=f"Join {account.company_name}",
        server=server,
        email=invitation.email,
        inviter=f"{inviter.get_full_name()} ({inviter.email})",
        company_name=account.company_name,
        role=with_article(Role(invitation.role)),
        expires=key_time(invitation.expires_at),
        account=account,
        key=mail_key(invitation),
        link=(LINK, invitation.pk),
        button_label="Accept Invitation",
    )


def mail_key(invitation: Invitation) -> str:
    """Name the mail of an invitation: `mail.undelivered` tells under it what holds the mail up."""
    return f"invitation:{invitation.pk}"
