"""Where an integration's data goes (decision D10)."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from accounts.models import Account
from integrations.models import Destination, DestinationType, Integration

EMBEDDED_NAME = "DuckDB"


def embedded_destination(*, account: Account) -> Destination:
    """Return the account's embedded warehouse; it comes into being when it is first asked for."""
    embedded = account.destinations.filter(type=DestinationType.DUCKDB, deleted_at=None)
    destination = embedded.first()
    if destination is not None:
        return destination
    try:
        with transaction.atomic():
            return account.destinations.create(type=DestinationType.DUCKDB, display_name=EMBEDDED_NAME)
    except IntegrityError:  # a page and the loader asked in the same moment: one made it
        return embedded.get()


def destination_of(*, integration: Integration) -> Destination | None:
    """Return where the integration's data is loaded; None when it has nowhere to go, and then it waits."""
    chosen = chosen_destination(integration)
    if chosen is not None or not settings.EMBEDDED_WAREHOUSE:
        return chosen
    return embedded_destination(account=integration.account)


def destinations_of(
    *, account: Account, integrations: Iterable[Integration]
) -> dict[int, Destination | None]:
    """Return where each of an account's integrations is loaded, by its key; `destination` is loaded with them."""
    embedded = embedded_destination(account=account) if settings.EMBEDDED_WAREHOUSE else None
    return {integration.pk: chosen_destination(integration) or embedded for integration in integrations}


def chosen_destination(integration: Integration) -> Destination | None:
    """Return the destination that was chosen for the integration; None when none was, or it is deleted."""
    chosen = integration.destination
    return chosen if chosen is not None and chosen.deleted_at is None else None


def integrations_into(*, destination: Destination) -> QuerySet[Integration]:
    """Return the integrations that load into a destination; the embedded one takes all that have no other."""
    chosen = Q(destination=destination)
    if destination.type == DestinationType.DUCKDB:
        chosen |= Q(destination=None) | Q(destination__deleted_at__isnull=False)
    return destination.account.integrations.filter(chosen)
