"""What the Import API accepted, as the loader reads it: batches of one table, and their messages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

UPSERT = "upsert"
ACTIVATE_VERSION = "activate_version"


Part = tuple[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class SetAside:
    """Why a record was refused when its request was accepted, and the path to the field at fault."""

    reason: str
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """One message of an accepted request, with its position in that request.

    A record that is `set_aside` is rejected, never loaded.
    """

    index: int
    action: str
    sequence: int
    data: dict[str, Any] | None
    time_extracted: str | None = None
    table_version: int | None = None
    set_aside: SetAside | None = None


@dataclass(frozen=True, slots=True)
class TableBatch:
    """What one accepted request holds for one table.

    `schema` is None for a push: its values carry their own types. A push that names one table with two
    different keys becomes two of these with the same `batch_id`.
    """

    batch_id: str
    table_name: str
    received_at: datetime
    key_names: tuple[str, ...]
    schema: dict[str, Any] | None
    messages: list[Message]
    table_version: int | None = None
    bookmark_names: tuple[str, ...] = ()

    @property
    def part(self) -> Part:
        """Return what tells this batch from every other of its table."""
        return self.batch_id, self.key_names
