"""Find a person's place in the account of an address: what the gate asks before every page."""

from functools import cache

from accounts.models import Account, Membership, Plan, User
from stitchapp.look_ups import LookUp, all_of

READ = {Membership: all_of(Membership), Account: all_of(Account), Plan: all_of(Plan)}


@cache
def by_person_and_address() -> LookUp:
    place, account, plan = (model._meta.db_table for model in READ)
    person = User._meta.db_table
    has_others = (
        f"EXISTS (SELECT 1 FROM {place} other WHERE other.user_id = {place}.user_id "  # noqa: S608 - our own names
        f"AND other.deactivated_at IS NULL AND other.id <> {place}.id)"
    )
    return LookUp(
        READ,
        f"{place} INNER JOIN {account} ON {account}.id = {place}.account_id "
        f"INNER JOIN {plan} ON {plan}.id = {account}.plan_id INNER JOIN {person} ON {person}.id = {place}.user_id "
        f"WHERE {place}.user_id = %s AND {account}.client_id = %s "
        f"AND {place}.deactivated_at IS NULL AND {person}.is_active",
        more=has_others,
    )


def look_up(person: User, client_id: int) -> Membership | None:
    """Return the active membership, with its account and plan and whether there are others; None without one."""
    found = by_person_and_address().first(person.pk, client_id)
    if found is None:
        return None
    place: Membership
    [place, *_], has_others = found
    place.user = person
    place.has_others = bool(has_others)  # type: ignore[attr-defined]
    return place
