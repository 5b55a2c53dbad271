"""The other accounts of a person, for the menu that every page of theirs has (decision D5)."""

from typing import Any, NamedTuple

from django.db.models import QuerySet

from accounts.models import Membership
from stitchapp.look_ups import WrittenOnce

MOST_IN_MENU = 10


class Place(NamedTuple):
    """An account, and the person's role in it."""

    company_name: str
    client_id: int
    role: str


def places_of(person: int, here: int) -> QuerySet[Membership, Any]:
    """Return the places of a person but one, the one opened last first."""
    places = Membership.objects.active().filter(user=person).exclude(pk=here).last_used()
    rows: QuerySet[Membership, Any] = places.values_list(
        "account__company_name", "account__client_id", "role"
    )[:MOST_IN_MENU]
    return rows


statement = WrittenOnce(Membership, places_of)


def other_places(membership: Membership) -> list[Place]:
    """Return the first of the places that the person has beside this one, in one query."""
    return [Place(*row) for row in statement.rows(membership.user_id, membership.pk)]
