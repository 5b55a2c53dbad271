"""Whose data a load moves, and where it goes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from accounts.models import Account
from integrations.models import Destination, Integration
from integrations.services.destinations import destinations_of


@dataclass(frozen=True, slots=True)
class Target:
    """An integration and its destination; None where it has none, and its data waits."""

    integration: Integration
    destination: Destination | None

    @property
    def one_writer(self) -> str:
        """Name what no two loads may write at once, if anything."""
        return self.destination.one_writer if self.destination is not None else ""


def targets_of(integration_ids: Iterable[int]) -> dict[int, Target]:
    """Return where the data of integrations goes, deleted ones' too, by their keys; none for those that are gone."""
    integrations = Integration.objects.select_related("account", "destination").in_bulk(list(integration_ids))
    accounts: dict[Account, list[Integration]] = {}
    for integration in integrations.values():
        accounts.setdefault(integration.account, []).append(integration)
    return {
        pk: Target(integrations[pk], destination)
        for account, own in accounts.items()
        for pk, destination in destinations_of(account=account, integrations=own).items()
    }
