"""Timed work over accounts: each has its turn, whatever happens in another's."""

import logging
from collections.abc import Callable, Iterable

from accounts.models import Account
from accounts.services.tasks import TaskFailed

logger = logging.getLogger("accounts.tasks")
MOST_NAMED = 20


def for_each_account(accounts: Iterable[Account], work: Callable[[Account], object], *, what: str) -> None:
    """Do the work for every account, in the order given.

    Raises TaskFailed at the end if it failed for some of them: the work is then tried again, and staff see why.
    """
    failed = []
    for account in accounts:
        try:
            work(account)
        except Exception:  # one account's surprise keeps no other from its turn
            logger.exception("account.turn_failed", extra={"account": account.pk, "work": what})
            failed.append(account.client_id)
    if failed:
        raise TaskFailed(f"{what}: failed for {len(failed)} accounts, {failed[:MOST_NAMED]}")
