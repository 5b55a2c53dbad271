"""Integrations, destinations, Import API access tokens, batches and loads."""

from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    name = "integrations"

    def ready(self) -> None:
        from integrations.extracting import tasks  # noqa: F401 - it registers background work
        from integrations.queue import watching  # noqa: F401 - it registers timed work
        from integrations.services import (  # noqa: F401 - they register background work, and what a plan change does
            account_deletion,
            destination_checks,
            hook_deliveries,
            hook_effects,
            inactivity,
            long_holds,
            notification_addresses,
            notification_mails,
            own_data,
            plan_effects,
            row_warnings,
            schedule_effects,
            scheduler,
        )
        from integrations.sources import checks  # noqa: F401 - it registers a check
