"""Integrations, destinations, Import API access tokens, batches and loads."""

from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    name = "integrations"

    def ready(self) -> None:
        from integrations.services import plan_effects  # noqa: F401 - it registers what changes of plan do
