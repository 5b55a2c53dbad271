"""The tables of a schema as the destination has them, which is the only memory of their structure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from integrations.loading.capabilities import Capabilities, Kind


@dataclass(frozen=True, slots=True)
class Column:
    """A column that exists."""

    name: str
    type_name: str
    kind: Kind | None


@dataclass(frozen=True, slots=True)
class ExistingTable:
    """A table that exists: its columns by folded name, in their order, and its primary key."""

    name: str
    columns: dict[str, Column]
    key: tuple[str, ...] = ()
    managed: frozenset[str] = frozenset()  # the folded names of the columns that the loader made or filled
    recorded: frozenset[str] = frozenset()  # those of them that the ledger knows; none when it was lost
    dropped: int = 0  # columns that are gone and still count


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The tables that a load may touch, by folded name."""

    tables: dict[str, ExistingTable]

    def find(self, name: str, capabilities: Capabilities) -> ExistingTable | None:
        return self.tables.get(capabilities.fold(name))


def read_catalogue(
    columns: Iterable[tuple[str, str, str]],
    keys: Iterable[tuple[str, list[str]]],
    managed: Iterable[tuple[str, str]],
    capabilities: Capabilities,
    dropped: Mapping[str, int] = MappingProxyType({}),
) -> Catalogue:
    """Build it from rows of (table, column, type), (table, key columns) and (table, managed column).

    `dropped` counts the dropped columns of a table, by folded name, where they count.
    """
    fold = capabilities.fold
    found: dict[str, tuple[str, dict[str, Column]]] = {}
    for table, column, type_name in columns:
        _, known = found.setdefault(fold(table), (table, {}))
        known[fold(column)] = Column(column, type_name, capabilities.kind_of(type_name))
    key_columns = {fold(table): tuple(names) for table, names in keys}
    owned: dict[str, set[str]] = {}
    for table, column in managed:
        owned.setdefault(fold(table), set()).add(fold(column))
    tables = {}
    for folded, (name, known) in found.items():
        recorded = frozenset(owned.get(folded, ()))
        own = (recorded or frozenset(known)) & frozenset(known)
        tables[folded] = ExistingTable(
            name, known, key_columns.get(folded, ()), own, recorded, dropped.get(folded, 0)
        )
    return Catalogue(tables)
