"""The destinations that torture runs load into, and how the checker looks into them without the product."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import duckdb
import psycopg

from tests.queue.processes import Product
from tests.warehouse import Warehouse as Server
from tests.warehouse import warehouse_server


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


class PostgreSQLWarehouse:
    """A database of a server of its own, which lives through every kill."""

    name = "PostgreSQL"

    def __init__(self, server: Server, database: str) -> None:
        self.server = server
        self.database = database

    def rows(self, product: Product, columns: str, table: str) -> list[tuple]:
        query = f'SELECT {columns} FROM "{product.access["schema"]}"."{table}"'
        try:
            return self.server.run(query, database=self.database)
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
            return []


LOAD_INTO_IT = """
import json
from integrations.models import Integration
from tests.factories import make_postgres_destination
integration = Integration.objects.get()
integration.destination = make_postgres_destination(integration.account, **json.loads({made!r}))
integration.save(update_fields=["destination"])
"""


@contextmanager
def postgresql_warehouse(product: Product) -> Iterator[Warehouse]:
    """Let the product's integration load into a new database."""
    with warehouse_server() as server:
        made = server.make_database()
        product.ask(LOAD_INTO_IT.format(made=json.dumps(made)))
        yield PostgreSQLWarehouse(server, str(made["database"]))


WAREHOUSES = {"duckdb": duckdb_warehouse, "postgresql": postgresql_warehouse}
