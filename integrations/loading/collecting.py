"""From batches to the rows worth writing: read, refuse, and keep one record per key (loading.md 5.2)."""

from __future__ import annotations

import hashlib
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from integrations.loading import naming
from integrations.loading.batches import ACTIVATE_VERSION, Message, Part, TableBatch
from integrations.loading.capabilities import Kind
from integrations.loading.errors import LoadError
from integrations.loading.fields_at_fault import COLLISION, MISSING_KEY, path_at_fault
from integrations.loading.rejected import Rejected
from integrations.loading.schemas import field_types
from integrations.loading.shapes import Field, Found, ObjectShape, Row, Slot, TableShape
from integrations.loading.timestamps import parse_timestamp
from integrations.loading.values import Refused
from integrations.loading.versions import Versions, sent_version

# The codes of what the loader itself puts into a staged row; a sender's values have c0, c1, …
ORDINAL, ORIGIN, SEQUENCE, EXTRACTED, GENERATED = "o", "b", "s", "x", "k"


@dataclass(frozen=True, slots=True)
class Origin:
    """What all root rows of one batch and one table version share."""

    part: Part
    received_at: datetime
    version: int


@dataclass(slots=True)
class Collected:
    """The root rows of a load, one per key, and everything about the records that are not among them."""

    shape: TableShape
    key_slots: list[Slot]  # empty: append
    rows: list[Row] = field(default_factory=list)
    origins: list[Origin] = field(default_factory=list)
    arrays: dict[int, list[tuple[Field, list[Any]]]] = field(default_factory=dict)  # by ordinal
    origin_of: dict[int, int] = field(default_factory=dict)  # by ordinal, of the rows with arrays
    left_out: dict[int, tuple[dict[str, Any], list[str]]] = field(default_factory=dict)  # by ordinal
    sent: list[tuple[Part, int]] = field(
        default_factory=list
    )  # by ordinal: the batch, and the message's index
    rejected: Rejected = field(default_factory=Rejected)
    rejected_by_part: Counter[Part] = field(default_factory=Counter)
    superseded_by_part: Counter[Part] = field(default_factory=Counter)

    def part_of(self, row: Row) -> Part:
        """Return the batch of a root row, or of a sub row by its root row."""
        origin = row[ORIGIN] if ORIGIN in row else self.origin_of[row[ORDINAL]]
        return self.origins[origin].part

    def supersede(self, ordinals: set[int]) -> None:
        """Drop rows that turned out not to be needed."""
        kept = []
        for row in self.rows:
            if row[ORDINAL] in ordinals:
                self.superseded_by_part[self.origins[row[ORIGIN]].part] += 1
                self.arrays.pop(row[ORDINAL], None)
                self.left_out.pop(row[ORDINAL], None)
            else:
                kept.append(row)
        self.rows = kept


class Collector:
    """Reads the batches of one load, in order."""

    def __init__(self, shape: TableShape, *, key: tuple[str, ...], versions: Versions) -> None:
        self.shape = shape
        self.key = key  # canonical names
        self.versions = versions
        self.running_version = versions.before
        self.collected = Collected(shape, key_slots=[])
        self.best: dict[Any, Row] = {}
        self.key_codes: tuple[str, ...] = ()
        self.double_key_codes: tuple[str, ...] = ()
        self.origin_numbers: dict[tuple[Part, int], int] = {}
        self.readers: dict[str, ObjectShape] = {}
        self.ordinal = 0
        if not key:
            shape.own_names.add(shape.capabilities.fold(naming.PRIMARY_KEY))

    def collect(self, batches: list[TableBatch]) -> Collected:
        """Read all batches; what is returned is free of duplicates and of older versions."""
        for batch in batches:
            reader = self._reader(batch)
            identity = namespace_of(batch.batch_id)
            for message in batch.messages:
                if message.action == ACTIVATE_VERSION:
                    self.running_version = max(self.running_version, sent_version(message, batch) or 0)
                    continue
                self._read(message, batch, reader, identity)
        if self.key:
            self.collected.rows = list(self.best.values())
        return self.collected

    def _reader(self, batch: TableBatch) -> ObjectShape:
        """Return the compiled fields of the batch's schema; batches of one sender share them."""
        encoded = repr(batch.schema)
        reader = self.readers.get(encoded)
        if reader is None:
            types = field_types(batch.schema, batch.schema)
            reader = self.readers[encoded] = ObjectShape(self.shape, self.shape, types, batch.schema)
        return reader

    def _read(self, message: Message, batch: TableBatch, reader: ObjectShape, identity: bytes) -> None:
        collected = self.collected
        version = message.table_version or batch.table_version or self.running_version
        if version < self.versions.after:
            collected.superseded_by_part[batch.part] += 1
            return
        data = message.data or {}
        row: Row = {}
        found = Found()
        try:
            if message.set_aside is not None:
                raise Refused(message.set_aside.reason)
            reader.read(data, row, found)
            if self.shape.shared:
                name = self.shape.collision(data)
                if name is not None:
                    raise Refused(f"{COLLISION}{name}")
            key = self._key_of(row) if self.key else None
        except Refused as refusal:
            path = (
                path_at_fault(reader, data, refusal.reason)
                if message.set_aside is None
                else message.set_aside.path
            )
            collected.rejected.refuse(
                message, batch, reason=refusal.reason, table_name=self.shape.name, path=path
            )
            collected.rejected_by_part[batch.part] += 1
            return
        origin = self.origin_numbers.get((batch.part, version))
        if origin is None:
            origin = self._origin(batch, version)
        ordinal = self.ordinal
        self.ordinal += 1
        collected.sent.append((batch.part, message.index))
        row[ORDINAL] = ordinal
        row[ORIGIN] = origin
        row[SEQUENCE] = message.sequence
        if message.time_extracted is not None:
            self._extracted(message.time_extracted, row)
        if key is None:
            row[GENERATED] = generated_key(identity, message.index)
            collected.rows.append(row)
        elif not self._prevails(key, row):
            return
        if found.arrays:
            collected.arrays[ordinal] = found.arrays
            collected.origin_of[ordinal] = origin
        if found.left_out:
            collected.left_out[ordinal] = (data, found.left_out)

    def _prevails(self, key: Any, row: Row) -> bool:
        """Keep the greatest sequence of a key, and of equal ones the later; say whether this one stays."""
        held = self.best.get(key)
        loser = None if held is None else row if row[SEQUENCE] < held[SEQUENCE] else held
        if loser is not row:
            self.best[key] = row
        if loser is not None:
            self.collected.superseded_by_part[self.collected.origins[loser[ORIGIN]].part] += 1
            self.collected.arrays.pop(loser[ORDINAL], None)
            self.collected.left_out.pop(loser[ORDINAL], None)
        return loser is not row

    def _key_of(self, row: Row) -> Any:
        codes = self.key_codes
        try:
            for code in self.double_key_codes:
                row[code] = float(row[code])  # 0.1 and 0.1000000000000000001 are one key
            if len(codes) == 1:
                return row[codes[0]]
            if codes:
                return tuple([row[code] for code in codes])
        except KeyError:
            pass
        self._establish_key(row)
        return self._key_of(row)

    def _establish_key(self, row: Row) -> None:
        """Find the slots of the key in a record; a key column may hold one type only (loading.md 5.5)."""
        slots = []
        for name in self.key:
            present = [slot for slot in self.shape.variants(name) if slot.code in row]
            if not present:
                raise Refused(f"{MISSING_KEY}{name}")
            slots.append(present[0])
        if self.key_codes and tuple(slot.code for slot in slots) != self.key_codes:
            raise LoadError("Incoming Primary Key type does not match Primary Key type in existing table")
        self.collected.key_slots = slots
        self.key_codes = tuple(slot.code for slot in slots)
        self.double_key_codes = tuple(slot.code for slot in slots if slot.kind is Kind.DOUBLE)

    def _origin(self, batch: TableBatch, version: int) -> int:
        number = len(self.collected.origins)
        self.collected.origins.append(Origin(batch.part, batch.received_at, version))
        self.origin_numbers[batch.part, version] = number
        return number

    def _extracted(self, text: str, row: Row) -> None:
        """Note the time of extraction; one that cannot be read is the sender's remark, not data."""
        parsed = parse_timestamp(text, last_year=self.shape.capabilities.last_year)
        if parsed is not None:
            row[EXTRACTED] = parsed


def namespace_of(batch_id: str) -> bytes:
    try:
        return uuid.UUID(batch_id).bytes
    except ValueError:
        return uuid.uuid5(uuid.NAMESPACE_OID, batch_id).bytes


def generated_key(namespace: bytes, index: int) -> str:
    """Return the UUIDv5 of a message in its batch: a retried load makes the same one."""
    digest = hashlib.sha1(namespace + str(index).encode(), usedforsecurity=False).digest()[:16]
    return str(uuid.UUID(bytes=digest, version=5))
