"""Whose data a load moves, and where it goes."""

from __future__ import annotations

from dataclasses import dataclass

from integrations.models import Destination, Integration
from integrations.services.destinations import destination_of


@dataclass(frozen=True, slots=True)
class Target:
    """An integration and its destination; None where it has none, and its data waits."""

    integration: Integration
    destination: Destination | None

    @property
    def one_writer(self) -> str:
        """Name what no two loads may write at once, if anything."""
        return self.destination.one_writer if self.destination is not None else ""


def target_of(integration_id: int) -> Target | None:
    """Return where an integration's data goes, a deleted one's too; None when the integration is gone."""
    integration = (
        Integration.objects.select_related("account", "destination").filter(pk=integration_id).first()
    )
    return Target(integration, destination_of(integration=integration)) if integration is not None else None
