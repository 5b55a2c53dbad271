"""What the Import API accepted, as the loader reads it: batches of one table, and their messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, overload

import msgspec

if TYPE_CHECKING:
    from integrations.loading.plain import Plan

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


class PlainMessages(Sequence[Message]):
    """The messages of a plain body: records alone, kept as the bytes that came, read when somebody asks."""

    __slots__ = ("_read", "_reader", "plan", "raw", "records")

    def __init__(
        self, raw: msgspec.Raw, *, count: int, plan: Plan, reader: Callable[[bytes], list[Message]]
    ) -> None:
        self.raw = raw  # the JSON array
        self.records = count
        self.plan = plan
        self._reader = reader
        self._read: list[Message] | None = None

    def __len__(self) -> int:
        return self.records

    @overload
    def __getitem__(self, index: int) -> Message: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Message]: ...
    def __getitem__(self, index: int | slice) -> Message | Sequence[Message]:
        if self._read is None:
            self._read = self._reader(bytes(self.raw))
        return self._read[index]


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
    messages: Sequence[Message]
    table_version: int | None = None
    bookmark_names: tuple[str, ...] = ()

    @property
    def part(self) -> Part:
        """Return what tells this batch from every other of its table."""
        return self.batch_id, self.key_names

    @property
    def plain(self) -> PlainMessages | None:
        """Return the messages of a plain body, which activates no version; None for every other."""
        return self.messages if isinstance(self.messages, PlainMessages) else None

    @property
    def has_records(self) -> bool:
        return self.plain is not None or any(message.action == UPSERT for message in self.messages)
