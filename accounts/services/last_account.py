"""Remember which of their accounts a person opened last (decision D5)."""

from django.contrib.sessions.backends.base import SessionBase
from django.utils import timezone

from accounts.models import Membership, User

CHOOSES = "chooses_account"
OPENED = "opened_account"


def begin_choosing(*, session: SessionBase, person: User) -> None:
    """Note at sign-in whether there is anything to remember: for most people there is not."""
    session[CHOOSES] = person.memberships.active().count() > 1


def note_opened(*, session: SessionBase, membership: Membership) -> None:
    """Remember the account when it is another than the one opened before: one write a change."""
    if session.get(CHOOSES) and session.get(OPENED) != membership.account_id:
        session[OPENED] = membership.account_id
        Membership.objects.filter(pk=membership.pk).update(last_used_at=timezone.now())
