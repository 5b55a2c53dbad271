"""What pages call an integration's type."""

from integrations.models import Integration
from integrations.sources.registry import find_source_type


def type_words(integration: Integration) -> str:
    """Return the label of the integration's type; its name when nothing declares it any more."""
    found = find_source_type(integration.type)
    return found.label if found is not None else integration.type
