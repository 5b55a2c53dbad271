"""Integrations, destinations, Import API access tokens, batches and loads."""

from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    name = "integrations"

    def ready(self) -> None:
        from integrations.services import (  # noqa: F401 - they register what changes of plan do, and timed work
            inactivity,
            plan_effects,
            row_warnings,
        )
