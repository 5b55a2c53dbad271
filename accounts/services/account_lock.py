"""Hold an account still while its keys are counted or its plan changes."""

from accounts.models import Account


def lock_account(account: Account) -> Account:
    """Lock the account's row until the transaction ends; return it, plan included, as it is now.

    On SQLite the transaction itself is the lock: it begins as a writer (`BEGIN IMMEDIATE`).
    """
    return Account.objects.select_for_update(of=("self",)).select_related("plan").get(pk=account.pk)
