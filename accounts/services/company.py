"""The company's own information (app.md 5.1)."""

from django.db import transaction

from accounts.audit import Event, record
from accounts.lines import clean_line
from accounts.models import Account, User
from accounts.services.account_lock import lock_account


@transaction.atomic
def update_company(*, account: Account, actor: User, company_name: str, by_staff: bool = False) -> None:
    """Give the account's company its name. Unchanged, nothing is written and nothing recorded."""
    locked = lock_account(account)
    before, after = locked.company_name, clean_line(company_name)
    account.company_name = after
    if before != after:
        account.save(update_fields=["company_name"])
        record(
            Event.COMPANY_UPDATED,
            account=account,
            actor=actor,
            target=account,
            target_name=after,
            by_staff=by_staff,
            before=before,
            after=after,
        )
