"""Find an access token by its digest: what the Import API's gate asks on every request."""

from functools import cache

from accounts.models import Account, Plan
from integrations.models import AccessToken, Integration
from stitchapp.look_ups import LookUp

READ = {
    AccessToken: ("id", "account_id", "integration_id", "digest", "revoked_at", "last_used_at"),
    Integration: (
        "id",
        "account_id",
        "type",
        "schema_name",
        "destination_id",
        "paused_at",
        "system_paused_at",
        "deleted_at",
    ),
    Account: ("id", "client_id", "plan_id", "closed_at", "trial_started_at"),
    Plan: ("id", "trial_days"),
}


@cache
def by_digest() -> LookUp:
    token, integration, account, plan = (model._meta.db_table for model in READ)
    return LookUp(
        READ,
        f"{token} INNER JOIN {integration} ON {integration}.id = {token}.integration_id "
        f"INNER JOIN {account} ON {account}.id = {token}.account_id "
        f"INNER JOIN {plan} ON {plan}.id = {account}.plan_id WHERE {token}.digest = %s",
    )


def look_up(digest: bytes) -> AccessToken | None:
    """Return the token with its integration, account and plan, whatever their state; None when there is none."""
    found = by_digest().first(digest)
    if found is None:
        return None
    token: AccessToken = found[0][0]
    return token
