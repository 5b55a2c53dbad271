"""The columns that the loader fills itself, and their types (loading.md 2.1)."""

from __future__ import annotations

from integrations.loading import naming
from integrations.loading.capabilities import Kind
from integrations.loading.catalogue import Column

EVERYWHERE = {
    naming.BATCHED_AT: Kind.TIMESTAMP,
    naming.RECEIVED_AT: Kind.TIMESTAMP,
    naming.SEQUENCE: Kind.BIGINT,
    naming.TABLE_VERSION: Kind.BIGINT,
}


def root_columns(key: tuple[str, ...], *, extracted: bool) -> dict[str, Kind]:
    """Return those of a root table; without a key it has a generated one."""
    columns = dict(EVERYWHERE)
    if not key:
        columns[naming.PRIMARY_KEY] = Kind.STRING
    if extracted:
        columns[naming.EXTRACTED_AT] = Kind.TIMESTAMP
    return columns


def sub_columns(depth: int, root_key: list[Column]) -> dict[str, Kind]:
    """Return those of a sub table: its positions, and a copy of the root's key."""
    columns = EVERYWHERE | {naming.level_id(level): Kind.BIGINT for level in range(depth)}
    return columns | {naming.source_key(column.name): column.kind or Kind.STRING for column in root_key}
