"""What a load needs of a destination: one integration's schema in it, on an open connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from integrations.loading.capabilities import Capabilities, Kind
from integrations.loading.catalogue import Catalogue
from integrations.loading.ledger import KnownTable, Ledger
from integrations.loading.shapes import Row


class StoredSchema(Protocol):
    """The schema, whether it exists yet or not. The caller's transaction is around everything here."""

    name: str
    capabilities: Capabilities

    def execute(self, statement: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
        """Carry out one statement, its parameters marked $1, $2, …; return its rows."""

    def write(self, statement: str) -> int:
        """Carry out a statement that writes rows, and return how many it wrote."""

    def merge(self, statements: Callable[[str], list[str]], stage: str) -> int:
        """Carry out the statements that write the rows of a stage; return how many the last of them wrote.

        Raises RowsAtFault when the engine finds fault with single rows, if it can tell which.
        """

    def ledger(self) -> Ledger:
        """Return the ledger's part for this schema."""

    def has_ledger(self) -> bool:
        """Tell whether the ledger's tables are there."""

    def prepare(self) -> None:
        """Make the ledger, the schema and its table of rejected records, if they are not there."""

    def qualified(self, table: str | None = None) -> str:
        """Return the full name of a table, or of the schema itself."""

    def stage(self, name: str, kinds: dict[str, Kind], rows: list[Row]) -> str:
        """Make a temporary table of rows and return its full name; what a row does not have is NULL."""

    def stage_query(self, name: str, query: str) -> str:
        """Make a temporary table of a query's rows and return its full name."""

    def catalogue(self, root: str, known: dict[str, KnownTable]) -> Catalogue:
        """Read the structure of a root table (its folded name) and of all that could be a sub table of it."""

    def was_changed(self) -> None:
        """Forget what was read of the structure: a load has changed it."""

    def has_table(self, folded: str) -> bool:
        """Tell whether a table exists, by its folded name."""

    def row_counts(self, tables: list[str]) -> dict[str, int]:
        """Return how many rows each of some tables has."""


def counted(schema: StoredSchema, tables: list[str]) -> dict[str, int]:
    """Count the rows of tables in one statement."""
    if not tables:
        return {}
    counts = ", ".join(f"(SELECT count(*) FROM {schema.qualified(table)})" for table in tables)
    return dict(zip(tables, schema.execute(f"SELECT {counts}", [])[0], strict=True))
