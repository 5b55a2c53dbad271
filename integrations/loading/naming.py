"""From a sender's names to a destination's: what is kept, what is removed, what is refused (loading.md 1)."""

from __future__ import annotations

import re

from integrations.loading.capabilities import Capabilities

SEPARATOR = "__"
RESERVED_PREFIXES = ("_sdc", "_rjm")
EXTRACTORS_OWN = frozenset(
    f"_sdc_{name}"
    for name in (
        "deleted_at",
        "extra",
        "source_file",
        "source_lineno",
        "customer_id",
        "record_hash",
        "report_datetime",
        "report_date",
        "dimensions_hash_key",
        "replication_id",
        "repository",
    )
)

PRIMARY_KEY = "__sdc_primary_key"
BATCHED_AT = "_sdc_batched_at"
RECEIVED_AT = "_sdc_received_at"
SEQUENCE = "_sdc_sequence"
TABLE_VERSION = "_sdc_table_version"
EXTRACTED_AT = "_sdc_extracted_at"
SYSTEM_COLUMNS = (BATCHED_AT, RECEIVED_AT, SEQUENCE, TABLE_VERSION)  # of every root and sub table
REJECTED_TABLE = "_sdc_rejected"
SCALAR_COLUMN = "value"

_removed = re.compile(r"[^A-Za-z0-9_ ]")
_leading = re.compile(r"^[^A-Za-z_]+")


def source_key(key_column: str) -> str:
    """Return the name of a sub table's copy of a root key column."""
    return f"_sdc_source_key_{key_column}"


def level_id(level: int) -> str:
    """Return the name of the column that holds the position in the `level`-th enclosing array."""
    return f"_sdc_level_{level}_id"


def column_name(path: str, capabilities: Capabilities) -> str:
    """Return the destination's form of a flattened path; it may be empty."""
    name = _removed.sub("", path)
    return name if capabilities.keep_leading_digits else _leading.sub("", name)


def table_name(path: str) -> str:
    """Return the destination's form of a table name; it may be empty."""
    return _removed.sub("", path)


def table_refusal(name: str, path: str, capabilities: Capabilities) -> str | None:
    """Say why no record of this table can be stored, if so."""
    if not name:
        return f"Table name [{path}] is not valid for {capabilities.display_name}"
    if name.lower().startswith(RESERVED_PREFIXES):
        return f"Table name {name} uses a reserved prefix"
    if len(name) > capabilities.table_name_length:
        return f"Table name {name} is too long for {capabilities.display_name}"
    return None


def column_refusal(name: str, path: str, capabilities: Capabilities) -> str | None:
    """Say why a record with this column is refused as a whole, if so."""
    if not name:
        return f"Column name [{path}] is not valid for {capabilities.display_name}"
    lowered = name.lower()
    if lowered.startswith(RESERVED_PREFIXES) and lowered not in EXTRACTORS_OWN:
        return f"column names from client should not include reserved prefix on {name}"
    if lowered.endswith(tuple(capabilities.reserved_suffixes)):
        return f"column names from client should not include reserved datatype suffix on {name}"
    return None


def too_long(name: str, capabilities: Capabilities) -> str | None:
    """Say why this column is left out of its record, if so."""
    if len(name) <= capabilities.column_name_length:
        return None
    return f"Column name {name} is too long for {capabilities.display_name}"
