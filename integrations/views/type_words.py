"""What pages call an integration's type."""

from integrations.models import Integration


def type_words(integration: Integration) -> str:
    """Return the label of the integration's type."""
    if integration.is_push:
        return "Import API"
    return integration.type.removeprefix("platform.").removeprefix("hp-")
