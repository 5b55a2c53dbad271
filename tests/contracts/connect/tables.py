"""Every table of the contract."""

from tests.contracts.connect import (
    destinations,
    notifications,
    old_destinations,
    sources,
    tokens,
    unknown_paths,
)

TABLES = (
    sources.TABLE,
    tokens.TABLE,
    destinations.TABLE,
    old_destinations.TABLE,
    notifications.CUSTOM_EMAILS,
    notifications.POST_LOAD_HOOKS,
    unknown_paths.TABLE,
)
