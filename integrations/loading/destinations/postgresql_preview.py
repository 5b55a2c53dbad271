"""The newest rows of a table in PostgreSQL, however large it is."""

from __future__ import annotations

from integrations.loading import naming
from integrations.loading.destinations.postgresql_schema import PostgreSQLSchema
from integrations.loading.errors import UnknownTable
from integrations.loading.merging import quote
from integrations.loading.outcomes import Preview

CELL_CHARACTERS = 1_000
SORTED_BLOCKS = 1_024  # 8 MB: a larger table is not sorted whole, for it has no index on its times
RANGE_VERSION = 140_000  # from here on a condition on ctid reads only the blocks it names


def newest_rows(schema: PostgreSQLSchema, table: str, *, limit: int) -> Preview:
    """Return a table's newest rows as text; of a large table, the newest of those that were written last.

    Raises UnknownTable.
    """
    columns = _columns(schema, table)
    if not columns:
        raise UnknownTable(table)
    names = {name for name, _ in columns}
    shown = ", ".join(f"left(CAST({quote(name)} AS text), {CELL_CHARACTERS})" for name, _ in columns)
    order = [
        f"{quote(name)} DESC NULLS LAST"
        for name in (naming.BATCHED_AT, "_sdc_rejected_at", naming.SEQUENCE)
        if name in names
    ]
    ordered = f" ORDER BY {', '.join(order)}" if order else ""
    source = schema.qualified(table)
    rows = schema.execute(
        f"SELECT {shown} FROM {source}{_last_blocks(schema, source)}{ordered} LIMIT {limit:d}", []
    )
    return Preview(columns, [list(row) for row in rows])


def _last_blocks(schema: PostgreSQLSchema, source: str) -> str:
    """Return the condition that keeps a large table's reading to its end, where new row versions are put."""
    size, block = schema.execute(
        "SELECT pg_relation_size(CAST($1 AS regclass)), CAST(current_setting('block_size') AS bigint)",
        [source],
    )[0]
    blocks = size // block
    if blocks <= SORTED_BLOCKS or schema.connection.info.server_version < RANGE_VERSION:
        return ""
    return f" WHERE ctid >= '({blocks - SORTED_BLOCKS:d},0)'"


def _columns(schema: PostgreSQLSchema, table: str) -> list[tuple[str, str]]:
    return [
        (name, type_name)
        for name, type_name in schema.execute(
            "SELECT CAST(a.attname AS text), pg_catalog.format_type(a.atttypid, a.atttypmod) "
            "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
            "JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
            "WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p') ORDER BY a.attnum",
            [schema.name, table],
        )
    ]
