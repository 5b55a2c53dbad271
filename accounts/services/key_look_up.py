"""Find an API access key by its digest: what the Connect API's gate asks on every request."""

from functools import cache

from accounts.models import Account, ApiKey, Membership, Plan, User
from stitchapp.look_ups import LookUp, all_of

READ = {
    ApiKey: (
        "id",
        "account_id",
        "digest",
        "created_by_id",
        "disabled_at",
        "handed_to_id",
        "handed_until",
        "last_used_at",
    ),
    Account: all_of(Account),
    Plan: all_of(Plan),
}


@cache
def by_digest() -> LookUp:
    key, account, plan = (model._meta.db_table for model in READ)
    membership, person = Membership._meta.db_table, User._meta.db_table
    owner_is_member = (
        f"EXISTS (SELECT 1 FROM {membership} INNER JOIN {person} ON {person}.id = {membership}.user_id "  # noqa: S608
        f"WHERE {membership}.account_id = {key}.account_id AND {membership}.deactivated_at IS NULL "
        f"AND {membership}.user_id = COALESCE({key}.handed_to_id, {key}.created_by_id) AND {person}.is_active)"
    )
    return LookUp(
        READ,
        f"{key} INNER JOIN {account} ON {account}.id = {key}.account_id "
        f"INNER JOIN {plan} ON {plan}.id = {account}.plan_id WHERE {key}.digest = %s",
        more=owner_is_member,
    )


def look_up(digest: bytes) -> ApiKey | None:
    """Return the key with its account and plan, whatever their state, and whether its owner is a member."""
    found = by_digest().first(digest)
    if found is None:
        return None
    key: ApiKey
    [key, *_], owner_is_member = found
    key.owner_is_member = bool(owner_is_member)  # type: ignore[attr-defined]
    return key
