"""The SQL of a load, as text: structure, comparison with what is stored, and the merge (loading.md 5.3)."""

from __future__ import annotations

from collections.abc import Callable

from integrations.loading import naming
from integrations.loading.capabilities import Capabilities
from integrations.loading.catalogue import Column
from integrations.loading.collecting import EXTRACTED, GENERATED, ORDINAL, ORIGIN, SEQUENCE, Origin
from integrations.loading.planning import AddColumn, Change, ChangeType, CreateTable, RenameColumn, TablePlan
from integrations.loading.unnesting import level_code

ALL, NONE = "true", "false"  # which staged rows can have a stored row, where it is not looked up


def quote(name: str) -> str:
    """Return an identifier that can only be read as this name."""
    return '"' + name.replace('"', '""') + '"'


def change_statement(table: str, change: Change) -> str:
    """Return the statement for one change of structure; `table` is quoted."""
    if isinstance(change, CreateTable):
        parts = [
            f"{quote(name)} {type_name}{' NOT NULL' if name in change.key else ''}"
            for name, type_name in change.columns
        ]
        if change.key:
            parts.append(f"PRIMARY KEY ({columns_list(change.key)})")
        return f"CREATE TABLE {table} ({', '.join(parts)})"
    if isinstance(change, RenameColumn):
        return f"ALTER TABLE {table} RENAME COLUMN {quote(change.old)} TO {quote(change.new)}"
    if isinstance(change, AddColumn):
        return f"ALTER TABLE {table} ADD COLUMN {quote(change.name)} {change.type_name}"
    if isinstance(change, ChangeType):
        return f"ALTER TABLE {table} ALTER COLUMN {quote(change.name)} TYPE {change.type_name}"
    raise TypeError(change)


def columns_list(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(quote(name) for name in names)


def comparison_query(
    *,
    table: str,
    stage: str,
    key: list[tuple[str, Column]],
    activated_version: int | None,
    capabilities: Capabilities,
) -> str:
    """Return the staged rows whose key is stored, and whether the stored row stays (`lost`).

    A row of a version that this load removes does not stand in the way of a newer one.
    """
    cast = _caster(capabilities)
    matches = " AND ".join(f"{cast(code, column)} = d.{quote(column.name)}" for code, column in key)
    stored = f"d.{quote(naming.SEQUENCE)}"
    wins = f"{stored} IS NULL OR s.{SEQUENCE} > {stored}"
    if activated_version is not None:
        wins += f" OR coalesce(d.{quote(naming.TABLE_VERSION)}, 0) < {activated_version:d}"
    return (
        f"SELECT s.{ORDINAL} AS o, s.{ORIGIN} AS b, NOT ({wins}) AS lost "
        f"FROM {stage} s JOIN {table} d ON {matches}"
    )


def root_merge(
    *,
    plan: TablePlan,
    table: str,
    stage: str,
    origins: str,
    batched_at: str,
    replaces: str | None,
    capabilities: Capabilities,
) -> list[str]:
    """Return the statements that write the staged root rows; each replaces its whole stored row.

    `replaces` is a condition on the staged rows `s`: only those for which it holds can have a stored row. None
    where rows are replaced in place.
    """
    cast = _caster(capabilities)
    values = _loader_values(batched_at, "s")
    for code, column in plan.targets.items():
        if code == naming.PRIMARY_KEY:
            values[column.name] = f"s.{GENERATED}"
        elif code == naming.EXTRACTED_AT:
            values[column.name] = cast(EXTRACTED, column)
        elif code not in values:
            values[column.name] = cast(code, column)
    source = f"{stage} s JOIN {_cast_origins(origins)} g ON g.{ORIGIN} = s.{ORIGIN}"
    return _upsert(plan, table, values, source, replaces)


def sub_merge(
    *,
    plan: TablePlan,
    table: str,
    stage: str,
    root_stage: str,
    origins: str,
    batched_at: str,
    source_keys: dict[str, str],
    replaces: str | None,
    capabilities: Capabilities,
) -> list[str]:
    """Return the statements that write staged sub rows. Whether they are wanted was decided at the root.

    `source_keys` maps the sub table's source key columns to the code of the root's slot; `replaces` is as above.
    """
    cast = _caster(capabilities)
    values = _loader_values(batched_at, "r")
    for code, column in plan.targets.items():
        if code in source_keys:
            values[column.name] = cast(source_keys[code], column, "r")
        elif code.startswith("_sdc_level_"):
            values[column.name] = f"s.{level_code(int(code.split('_')[3]))}"
        elif code not in values:
            values[column.name] = cast(code, column)
    source = (
        f"{stage} s JOIN {root_stage} r ON r.{ORDINAL} = s.{ORDINAL} "
        f"JOIN {_cast_origins(origins)} g ON g.{ORIGIN} = r.{ORIGIN}"
    )
    return _upsert(plan, table, values, source, replaces)


def older_versions_deletion(table: str, version: int) -> str:
    """Return the statement that removes the rows of versions before the active one."""
    column = quote(naming.TABLE_VERSION)
    return f"DELETE FROM {table} WHERE {column} IS NULL OR {column} < {version:d}"


def outdated_deletion(
    table: str, *, key: list[tuple[str, Column]], stage: str, capabilities: Capabilities
) -> str:
    """Return the statement that removes sub rows of older versions of the records in a root's stage."""
    cast = _caster(capabilities)
    matches = " AND ".join(
        f"d.{quote(naming.source_key(column.name))} = {cast(code, column, 'r')}" for code, column in key
    )
    return (
        f"DELETE FROM {table} d USING {stage} r WHERE {matches} AND d.{quote(naming.SEQUENCE)} < r.{SEQUENCE}"
    )


def _loader_values(batched_at: str, root: str) -> dict[str, str]:
    return {
        naming.BATCHED_AT: f"CAST('{batched_at}' AS TIMESTAMPTZ)",
        naming.RECEIVED_AT: "g.received_at",
        naming.SEQUENCE: f"{root}.{SEQUENCE}",
        naming.TABLE_VERSION: "g.version",
    }


def listed_origins(origins: list[Origin]) -> str:
    """Return a few origins as a statement names a table of them."""
    listed = ", ".join(
        f"({number:d}, '{origin.received_at.isoformat()}', CAST({origin.version:d} AS BIGINT))"
        for number, origin in enumerate(origins)
    )
    return f"(VALUES {listed}) AS given ({ORIGIN}, received_at, version)"


def _cast_origins(origins: str) -> str:
    """Return the staged origins with their times as times: once for each of them, not for each row."""
    return f"(SELECT {ORIGIN}, CAST(received_at AS TIMESTAMPTZ) AS received_at, version FROM {origins})"


def _upsert(
    plan: TablePlan, table: str, values: dict[str, str], source: str, replaces: str | None
) -> list[str]:
    insertion = (
        f"INSERT INTO {table} ({columns_list(list(values))}) "
        f"SELECT {', '.join(values.values())} FROM {source}"
    )
    if not plan.key or plan.created or replaces == NONE:
        return [insertion]
    if replaces is not None and plan.managed >= plan.columns.keys():
        return [_deletion(plan, table, values, f"{source} WHERE {replaces}"), insertion]
    changes = [f"{quote(name)} = excluded.{quote(name)}" for name in values if name not in plan.key]
    changes += [
        f"{quote(column.name)} = NULL"
        for folded, column in plan.columns.items()
        if folded in plan.managed and column.name not in values and column.name not in plan.key
    ]
    return [f"{insertion} ON CONFLICT ({columns_list(plan.key)}) DO UPDATE SET {', '.join(changes)}"]


def _deletion(plan: TablePlan, table: str, values: dict[str, str], source: str) -> str:
    """Make room for the rows of `source`, in a table without columns of its user's own.

    Where an engine stores columns, replacing scattered rows in place rewrites every column around each of them:
    measured in DuckDB, 240 µs for a row of 17 columns, where deletion and insertion take 3. Its checkpoints use
    the space of deleted rows again.
    """
    key = {f"k{number}": name for number, name in enumerate(plan.key)}
    chosen = ", ".join(f"{values[name]} AS {code}" for code, name in key.items())
    matches = " AND ".join(f"d.{quote(name)} = x.{code}" for code, name in key.items())
    return f"DELETE FROM {table} d USING (SELECT {chosen} FROM {source}) x WHERE {matches}"


def _caster(capabilities: Capabilities) -> Callable[..., str]:
    """Return how a staged value is written for its column.

    A cast that is not needed could hurt: PostgreSQL's cuts a text to the length its user gave the column, where an
    assignment refuses it.
    """

    def cast(code: str, column: Column, alias: str = "s") -> str:
        if capabilities.stages_own_types:
            return f"{alias}.{code}"
        return f"CAST({alias}.{code} AS {column.type_name})"

    return cast
