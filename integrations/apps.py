"""Integrations, destinations, Import API access tokens, batches and loads."""

from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    name = "integrations"
