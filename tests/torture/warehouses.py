"""The destinations that torture runs load into, and how the checker looks into them without the product."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import duckdb

from tests.queue.processes import Product


class Warehouse(Protocol):
    """A destination of the product's only account."""

    name: str

    def rows(self, product: Product, columns: str, table: str) -> list[tuple]:
        """Return a table's rows; none when the table is not there."""


class DuckDBWarehouse:
    """The embedded warehouse that every account begins with."""

    name = "DuckDB"

    def rows(self, product: Product, columns: str, table: str) -> list[tuple]:
        path = product.data_dir / "warehouse" / f"{product.access['client_id']}.duckdb"
        if not path.exists():
            return []
        with duckdb.connect(str(path), read_only=True) as connection:
            try:
                return connection.execute(
                    f'SELECT {columns} FROM "{product.access["schema"]}"."{table}"'
                ).fetchall()
            except duckdb.CatalogException:
                return []


@contextmanager
def duckdb_warehouse(product: Product) -> Iterator[Warehouse]:
    """Use what is there."""
    yield DuckDBWarehouse()


WAREHOUSES = {"duckdb": duckdb_warehouse}
