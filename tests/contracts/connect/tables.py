"""Every table of the contract."""

from tests.contracts.connect import (
    checks,
    destinations,
    extractions,
    loads,
    source_types,
    sources,
    tokens,
    unknown_paths,
)

TABLES = (
    source_types.TABLE,
    sources.TABLE,
    tokens.TABLE,
    checks.TABLE,
    extractions.TABLE,
    loads.TABLE,
    destinations.TABLE,
    unknown_paths.TABLE,
)
