"""The links of invitations (decision D6, promise S6).

A link is made from its invitation and signed: nothing that opens it is stored, it can be made again whenever an
Administrator wants to copy it, and another nonce in the row ends every link made before. There are two kinds.
The one that goes out by mail proves that its bearer reads the mail of that address; the one that an
Administrator copies proves nothing of the kind, and ends with the place of who copied it: nobody keeps a way back.
"""

from dataclasses import dataclass

from django.core.signing import BadSignature, Signer
from django.urls import reverse
from django.utils import timezone

from accounts.errors import DomainError
from accounts.models import Invitation, Membership
from accounts.services.mail_facts import MailPointless, makes_link

LINK = "invitation"
MAILED, COPIED = "accounts.invitation.mailed", "accounts.invitation.copied"


class InvitationSpent(DomainError):
    """The link was used, replaced, cancelled, is too old, or was never made here."""

    code, status = "invitation_spent", 404
    message = (
        "This invitation is no longer valid: it was used, cancelled or replaced by a newer one, or it is more "
        "than 7 days old. Ask the person who invited you to send it again."
    )


@dataclass(frozen=True, slots=True)
class Opened:
    """An invitation, and whether its link came by mail."""

    invitation: Invitation
    came_by_mail: bool


def code_to_mail(invitation: Invitation) -> str:
    """Return what stands in the link that goes out by mail."""
    return Signer(salt=MAILED, sep=".").sign(f"{invitation.pk}-{invitation.nonce}")


def code_to_copy(invitation: Invitation, *, by: Membership) -> str:
    """Return what stands in the link that a member copies."""
    return Signer(salt=COPIED, sep=".").sign(f"{by.pk}-{invitation.pk}-{invitation.nonce}")


def link_of(code: str) -> str:
    """Return the path of a link."""
    return reverse("accounts:invitation", kwargs={"code": code})


@makes_link(LINK)
def mailed_path(invitation_pk: int) -> str:
    """Make the path of the link that goes out by mail, while the invitation can be accepted."""
    invitation = Invitation.objects.filter(pk=invitation_pk).first()
    if invitation is None or not invitation.is_pending(timezone.now()):
        raise MailPointless
    return link_of(code_to_mail(invitation))


def open_link(code: str) -> Opened:
    """Return the invitation that a link opens; raise InvitationSpent for every link that opens none."""
    opened = read_link(code)
    if opened is None or not opened.invitation.is_pending(timezone.now()):
        raise InvitationSpent
    if opened.invitation.account.closed_at is not None:
        raise InvitationSpent
    return opened


def read_link(code: str) -> Opened | None:
    """Return the invitation that a link of ours belongs to, whatever became of it; None for any other text."""
    for kind in (MAILED, COPIED):
        try:
            text = Signer(salt=kind, sep=".").unsign(code)
        except BadSignature:
            continue
        found = Invitation.objects.select_related("account", "invited_by")
        if kind == COPIED:
            copier, _, text = text.partition("-")
            active = Membership.objects.active().filter(pk=int(copier))
            found = found.filter(account__memberships__in=active)
        pk, _, nonce = text.partition("-")
        invitation = found.filter(pk=int(pk), nonce=nonce).first()
        return Opened(invitation, kind == MAILED) if invitation is not None else None
    return None
