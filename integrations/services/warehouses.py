"""What stands in a warehouse: its facts, and the newest rows of a table (decisions D10 and D23)."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from django.db.models import Max

from accounts.models import Account
from integrations.models import Destination, LoadedTable
from integrations.services.destinations import destination_of, main_destination
from integrations.services.engines import engine_of

if TYPE_CHECKING:
    from integrations.loading.outcomes import Preview


@dataclass(frozen=True, slots=True)
class WarehouseFacts:
    """What the Destination page tells of a warehouse."""

    destination: Destination
    path: Path
    size_bytes: int | None
    tables: int
    last_loaded_at: datetime | None

    @property
    def open_command(self) -> str:
        """The shell command that opens the file for reading."""
        return f"duckdb -readonly {shlex.quote(str(self.path))}"


def describe_destinations(*, account: Account) -> list[WarehouseFacts]:
    """Return the account's destinations; the embedded one comes into being when it is first asked for."""
    main_destination(account=account)
    loaded = account.loaded_tables.aggregate(last=Max("last_loaded_at"))["last"]
    tables = account.loaded_tables.count()
    facts = []
    for destination in account.destinations.live().order_by("pk"):
        destination.account = account
        path = destination.file_path
        facts.append(WarehouseFacts(destination, path, size_of(path), tables, loaded))
    return facts


def size_of(path: Path) -> int | None:
    """Return the file's size; None before the first load makes it."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


def preview_rows(*, table: LoadedTable) -> Preview | None:
    """Return the table's newest rows; None when there is no destination to look into.

    Raises Busy while the warehouse file is written, LoadError when it cannot be read, and UnknownTable when
    the table is gone from it.
    """
    destination = destination_of(integration=table.integration)
    if destination is None:
        return None
    return engine_of(destination).preview(schema_name=table.integration.schema_name, table=table.name)
