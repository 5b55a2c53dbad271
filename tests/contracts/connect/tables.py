"""Every table of the contract."""

from tests.contracts.connect import sources, tokens, unknown_paths

TABLES = (sources.TABLE, tokens.TABLE, unknown_paths.TABLE)
