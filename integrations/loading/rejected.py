"""What a load rejects: for `_sdc_rejected` as text that is cut to size, for the application as it was sent."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from integrations.loading.batches import Message, TableBatch
from integrations.loading.outcomes import RefusedRecord, Rejection

MAX_RECORD_BYTES = 65_535

_encoder = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """One row for `_sdc_rejected`; `counts` is false when only a column was left out of its record."""

    record: str
    reason: str
    table_name: str
    counts: bool = True


@dataclass(slots=True)
class Rejected:
    """All that one load rejects."""

    rows: list[RejectedRow] = field(default_factory=list)
    records: list[RefusedRecord] = field(default_factory=list)

    def refuse(
        self,
        message: Message,
        batch: TableBatch,
        *,
        reason: str,
        table_name: str,
        path: tuple[str, ...] = (),
    ) -> None:
        """Refuse a root record; `path` leads to the field at fault."""
        self.add(message.data, reason, table_name)
        self.records.append(RefusedRecord(batch, message, reason, path))

    def add(self, record: Any, reason: str, table_name: str, *, counts: bool = True) -> None:
        self.rows.append(RejectedRow(record_text(record), reason, table_name, counts))

    def count(self, table_name: str) -> int:
        """Return how many records or sub rows were refused for one table."""
        return sum(row.counts for row in self.rows if row.table_name == table_name)

    def summary(self) -> list[Rejection]:
        """Return each reason once per table, the most frequent first."""
        counted = Counter((row.reason, row.table_name) for row in self.rows)
        return [Rejection(reason, table, count) for (reason, table), count in counted.most_common()]


def record_text(record: Any) -> str:
    """Return as much of a record as fits, as JSON text."""
    return record_json(record)[:MAX_RECORD_BYTES].decode("utf-8", "ignore")


def record_json(record: Any) -> bytes:
    """Return a record whole, as JSON: numbers keep their digits, lone surrogates are escaped."""
    try:
        return _encoder.encode(record)
    except (OverflowError, UnicodeEncodeError, ValueError, TypeError):
        return "".join(_pieces(record)).encode()


def _pieces(value: Any) -> list[str]:
    """Write what the fast encoder refuses: integers beyond 64 bits, typed decimals, lone surrogates."""
    if isinstance(value, dict):
        pieces = ["{"]
        for name, child in value.items():
            pieces += [json.dumps(name), ":", *_pieces(child), ","]
        return [*pieces[:-1], "}"] if value else ["{}"]
    if isinstance(value, list):
        pieces = ["["]
        for child in value:
            pieces += [*_pieces(child), ","]
        return [*pieces[:-1], "]"] if value else ["[]"]
    if isinstance(value, Decimal):
        return [str(value)]
    if isinstance(value, datetime):
        return [_encoder.encode(value).decode()]
    return [json.dumps(value)]
