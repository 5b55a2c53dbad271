"""Every table of the contract."""

from tests.contracts.connect import (
    checks,
    destinations,
    extractions,
    loads,
    notifications,
    old_destinations,
    source_types,
    sources,
    streams,
    sync,
    tokens,
    unknown_paths,
)

TABLES = (
    source_types.TABLE,
    sources.TABLE,
    tokens.TABLE,
    checks.TABLE,
    streams.TABLE,
    sync.TABLE,
    extractions.TABLE,
    loads.TABLE,
    destinations.TABLE,
    old_destinations.TABLE,
    notifications.CUSTOM_EMAILS,
    notifications.POST_LOAD_HOOKS,
    unknown_paths.TABLE,
)
