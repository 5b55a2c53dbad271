"""Hold an account still while its keys are counted or its plan changes."""

from accounts.models import Account


def lock_account(account: Account) -> Account:
    """Lock the account's row until the transaction ends; return it as it is now.

    On SQLite the transaction itself is the lock: it begins as a writer (`BEGIN IMMEDIATE`). The plan is read by
    a statement of its own: PostgreSQL, after waiting, would join the changed account to the plan it had before,
    and find nothing.
    """
    locked: Account = Account.objects.select_for_update().get(pk=account.pk)
    return locked
