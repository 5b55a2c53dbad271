"""People, roles, plans, API access keys and the audit trail."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts import sign_in_age  # noqa: F401 - it hears of sign-ins from the first on, before any page
        from accounts.services import (  # noqa: F401 - they register background work, and what changes of plan do
            account_effects,
            email_addresses,
            invitation_links,
            mail,
            passwords,
            task_work,
            trials,
        )
