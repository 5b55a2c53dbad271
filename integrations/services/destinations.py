"""Where an integration's data goes (decision D10, app.md 11).

An integration that was never mapped loads into the account's main destination. One whose destination was removed
has none until another is chosen: nothing moves to a warehouse that nobody named.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from accounts.models import Account
from integrations.models import Destination, DestinationType, Integration

EMBEDDED_NAME = "DuckDB"


def main_destination(*, account: Account) -> Destination | None:
    """Return where the account's unmapped integrations are loaded; None when it has no destination.

    An account begins with the embedded warehouse, which comes into being when it is first asked for; once it had
    a destination, only people add and remove them. Beside others the embedded one stays the main one.
    """
    usable = usable_destinations(account=account)
    embedded = next((destination for destination in usable if destination.is_embedded), None)
    if embedded is not None or usable:
        return embedded or usable[0]
    if not settings.EMBEDDED_WAREHOUSE or account.destinations.exists():
        return None
    try:
        with transaction.atomic():
            return account.destinations.create(type=DestinationType.DUCKDB, display_name=EMBEDDED_NAME)
    except IntegrityError:  # a page and the loader asked in the same moment: one made it
        made: Destination = account.destinations.live().get(type=DestinationType.DUCKDB)
        return made


def usable_destinations(*, account: Account) -> list[Destination]:
    """Return the account's destinations, oldest first; the embedded one only where the operator allows it."""
    live = account.destinations.live().order_by("pk")
    return list(live if settings.EMBEDDED_WAREHOUSE else live.exclude(type=DestinationType.DUCKDB))


def embedded_is_offered(*, account: Account) -> bool:
    """Tell whether the embedded warehouse can be chosen: allowed on this server, and not in use."""
    return (
        settings.EMBEDDED_WAREHOUSE
        and not account.destinations.live().filter(type=DestinationType.DUCKDB).exists()
    )


def destination_of(*, integration: Integration) -> Destination | None:
    """Return where the integration's data is loaded; None when it has nowhere to go, and then it waits."""
    chosen: Destination | None = integration.destination
    if chosen is None:
        return main_destination(account=integration.account)
    return chosen if chosen.deleted_at is None else None


def destinations_of(
    *, account: Account, integrations: Iterable[Integration]
) -> dict[int, Destination | None]:
    """Return where each of an account's integrations is loaded, by its key; `destination` is loaded with them."""
    main = main_destination(account=account)
    return {
        integration.pk: main
        if integration.destination is None
        else (integration.destination if integration.destination.deleted_at is None else None)
        for integration in integrations
    }


def integrations_into(*, destination: Destination) -> QuerySet[Integration]:
    """Return the integrations that load into a destination, deleted ones too: what they sent may still wait."""
    chosen = Q(destination=destination)
    if main_destination(account=destination.account) == destination:
        chosen |= Q(destination=None)
    return destination.account.integrations.filter(chosen)


def integrations_without_destination(*, account: Account) -> QuerySet[Integration]:
    """Return the integrations whose destination was removed, deleted ones too."""
    return account.integrations.filter(destination__deleted_at__isnull=False)


def leave_unmapped(*, account: Account) -> list[Integration]:
    """Keep integrations that have nowhere to go so when a destination comes; return those it takes: none.

    One that was never mapped would follow the new main destination: it is noted at the last one that was removed.
    """
    removed = account.destinations.exclude(deleted_at=None).order_by("-pk").first()
    if removed is not None and main_destination(account=account) is None:
        account.integrations.filter(destination=None).update(destination=removed)
    return []
