"""Every table of the contract."""

from tests.contracts.connect import destinations, sources, tokens, unknown_paths

TABLES = (destinations.TABLE, sources.TABLE, tokens.TABLE, unknown_paths.TABLE)
