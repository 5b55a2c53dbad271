"""Remember which of their accounts a person opened last (decision D5)."""

from django.contrib.sessions.backends.base import SessionBase
from django.utils import timezone

from accounts.models import Membership

OPENED = "opened_account"


def note_opened(*, session: SessionBase, membership: Membership) -> None:
    """Remember the account when it is another than the one opened before: one write a change.

    The membership comes from the gate: for most people there is nothing to remember.
    """
    if membership.has_others and session.get(OPENED) != membership.account_id:  # type: ignore[attr-defined]
        session[OPENED] = membership.account_id
        Membership.objects.filter(pk=membership.pk).update(last_used_at=timezone.now())
