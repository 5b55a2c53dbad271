"""The engine that loads into a destination: one factory for the loader, previews and connection tests."""

from __future__ import annotations

import dataclasses
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, TypedDict

from integrations.loading.capabilities import DUCKDB, POSTGRESQL, Capabilities
from integrations.loading.errors import LoadError
from integrations.models import Destination
from integrations.services.credentials import CredentialUnreadable
from integrations.services.destination_addresses import HostRefused
from integrations.services.destination_connections import connection_of, engine_settings

if TYPE_CHECKING:
    from integrations.loading.batches import TableBatch
    from integrations.loading.outcomes import BeforeCommit, Preview, TableLoad
    from integrations.loading.rehearsing import Rehearsal


class LoadingRules(TypedDict):
    """What an account chooses about how its data is loaded; the defaults are Stitch's (loading.md 1.3, 4.3, 6.3)."""

    keep_name_on_split: bool
    keep_leading_digits: bool
    prunes_sub_rows: bool


class Loads(Protocol):
    """Loads that follow each other through one opening of a destination."""

    def load(
        self,
        *,
        schema_name: str,
        table_name: str,
        batches: list[TableBatch],
        batched_at: datetime,
        before_commit: BeforeCommit = ...,
    ) -> TableLoad:
        """Merge batches of one table. Raises LoadError when nothing was written.

        `before_commit` is told the outcome while it can still be undone; when it raises, nothing was written.
        """

    def is_wanted(self) -> bool:
        """Tell whether somebody waits until the destination is closed."""


class Engine(Protocol):
    """What every destination can do."""

    def loading(self) -> AbstractContextManager[Loads]:
        """Open the destination; what it loads meanwhile is committed load by load. Raises LoadError."""

    def preview(self, *, schema_name: str, table: str) -> Preview:
        """Return a table's newest rows. Raises Busy, LoadError or UnknownTable."""

    def rehearse(self, *, schema_name: str, table_name: str, batches: list[TableBatch]) -> Rehearsal:
        """Say what loading batches of one table would do now. Raises Busy or LoadError when it cannot be read."""


def engine_of(destination: Destination) -> Engine:
    """Return the engine of a destination. Raises LoadError when it cannot even be tried."""
    if destination.is_embedded:
        from integrations.loading.destinations.duckdb import DuckDBDestination  # keeps page workers small

        return DuckDBDestination(destination.file_path, capabilities=capabilities_of(destination))
    from integrations.loading.destinations.postgresql import PostgreSQLDestination

    try:
        settings = engine_settings(connection_of(destination))
        return PostgreSQLDestination(settings, capabilities=capabilities_of(destination))
    except HostRefused as refusal:
        raise LoadError(refusal.message, transient=refusal.heals, scope="destination") from refusal
    except CredentialUnreadable as refusal:
        raise LoadError(refusal.message, scope="destination") from refusal


def capabilities_of(destination: Destination) -> Capabilities:
    """Return what a destination can do and what its account chose, also while it cannot be reached."""
    return dataclasses.replace(
        DUCKDB if destination.is_embedded else POSTGRESQL,
        rename_original_on_split=not destination.keep_name_on_split,
        keep_leading_digits=destination.keep_leading_digits,
        prunes_sub_rows=destination.prunes_sub_rows,
    )
