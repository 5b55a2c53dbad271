"""Plain batches read by the engine itself: their bytes, one JSON array, become staged root and sub rows.

No record becomes a Python object. The bytes pass through a file without a name, which ends with this process.
Measured on records of 300 bytes and 12 columns: 1.5 µs a record, where reading them into rows took 25.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, Any

import duckdb

from integrations.loading.batches import PlainMessages, TableBatch
from integrations.loading.capabilities import Kind
from integrations.loading.collecting import EXTRACTED, GENERATED, ORDINAL, ORIGIN, SEQUENCE, namespace_of
from integrations.loading.errors import LoadError
from integrations.loading.plain_tables import Columns, Unsuited, json_type
from integrations.loading.shapes import Slot, TableShape
from integrations.loading.unnesting import level_code

Execute = Callable[[str, list[Any]], list[tuple[Any, ...]]]
ROOT, PARTS, LOSERS = "temp.main.stage_root", "temp.main.stage_parts", "temp.main.stage_losers"
LEAST_BUFFER = 1024**2
FEW_RECORDS = 20_000  # to count the keys of more takes longer than the statement that it may spare
Counted = tuple[
    int, list[Slot], bool
]  # rows, the slots that some of them fills, whether one has been extracted
ENGINE_FAULTS = (
    duckdb.OutOfMemoryException,
    duckdb.IOException,
    duckdb.FatalException,
    duckdb.InternalException,
)

# The UUIDv5 of a message in its batch (`collecting.generated_key`), in SQL: `h` is the SHA-1 as text.
GENERATED_KEY = (
    "substr(h, 1, 8) || '-' || substr(h, 9, 4) || '-5' || substr(h, 14, 3) || '-' || "
    "translate(substr(h, 17, 1), '0123456789abcdef', '89ab89ab89ab89ab') || substr(h, 18, 3) || '-' || "
    "substr(h, 21, 12)"
)


@dataclass(frozen=True, slots=True)
class StagedTable:
    """The rows of one sub table, and its slots that some row fills."""

    shape: TableShape
    stage: str
    slots: list[Slot]


class PlainStage:
    """The rows of one load in temporary tables of a DuckDB connection."""

    def __init__(self, execute: Execute, columns: Columns) -> None:
        self.execute = execute
        self.columns = columns
        self.max_extracted: str | None = None
        self.counted: Counted | None = None  # None: some rows were dropped since
        self.by_origin: dict[int, int] | None = None  # the same
        self.has_distinct_keys = False  # for certain

    def read(self, batches: list[TableBatch], *, key: list[Slot]) -> None:
        """Read all batches, which share one plan, into the root's stage; a batch's number is its row's origin.

        Without a key, one is generated for each row.
        """
        generates_key = not key
        messages = [batch.plain for batch in batches if batch.plain is not None]
        self._stage_parts(batches, messages)
        expressions = [f"{of} AS {slot.code}" for of, slot in self.columns.leaves.items()]
        expressions += [f"{of} AS a{number}" for number, of in enumerate(self.columns.arrays)]
        generated = (
            f"(SELECT {GENERATED_KEY} FROM (SELECT p.h))" if generates_key else "CAST(NULL AS VARCHAR)"
        )
        largest = max(memoryview(message.raw).nbytes for message in messages)
        with _array_file(messages) as path:
            reader = (
                f"read_json('{path}', format = 'array', maximum_object_size = {max(largest, LEAST_BUFFER)}, columns = "
                f"{{sequence: 'BIGINT', time_extracted: 'VARCHAR', data: {_text(json_type(messages[0].plan.record))}}})"
            )
            digest = "sha1(ns || encode(CAST(i AS VARCHAR)))" if generates_key else "NULL"
            numbers = (
                f"SELECT o, b, {digest} AS h FROM (SELECT unnest(range(f, f + n)) AS o, unnest(range(n)) AS i, b, ns "
                f"FROM {PARTS})"
            )
            self._create(
                ROOT,
                f"SELECT p.o AS {ORDINAL}, p.b AS {ORIGIN}, j.sequence AS {SEQUENCE}, j.time_extracted AS {EXTRACTED}, "
                f"{generated} AS {GENERATED}, {', '.join(expressions) or 'NULL AS unused'} "
                f"FROM ({numbers}) p POSITIONAL JOIN {reader} j",
            )
        self.by_origin = {
            number: message.records for number, message in enumerate(messages) if message.records
        }
        self._check(sum(message.records for message in messages), key)

    def _stage_parts(self, batches: list[TableBatch], messages: list[PlainMessages]) -> None:
        counts = [message.records for message in messages]
        firsts = [sum(counts[:number]) for number in range(len(counts))]
        self.execute(
            f"CREATE OR REPLACE TEMP TABLE {PARTS} AS SELECT unnest(CAST($1 AS BIGINT[])) AS b, "
            "unnest(CAST($2 AS BIGINT[])) AS f, unnest(CAST($3 AS BIGINT[])) AS n, "
            "unnest(CAST($4 AS BLOB[])) AS ns",
            [
                list(range(len(counts))),
                firsts,
                counts,
                [namespace_of(batch.batch_id) for batch in batches],
            ],
        )

    def _create(self, table: str, query: str) -> None:
        """Make a stage. What the engine will not read as it is declared is read record by record."""
        try:
            self.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS {query}", [])
        except ENGINE_FAULTS:
            raise
        except duckdb.Error as error:
            raise Unsuited from error

    def _check(self, records: int, key: list[Slot]) -> None:
        """Make sure that what was read is what was counted, and that no number became infinite.

        The same statement counts what is filled, and of few records the keys.
        """
        slots = list(self.columns.leaves.values())
        counts = "".join(f", count({slot.code})" for slot in slots)
        codes = ", ".join(slot.code for slot in key)
        distinct = f"count(DISTINCT ({codes}))" if key and records <= FEW_RECORDS else "NULL"
        doubles = [slot.code for slot in self.columns.leaves.values() if slot.kind is Kind.DOUBLE]
        finite = " AND ".join(f"bool_and(coalesce(isfinite({code}), true))" for code in doubles) or "true"
        [(rows, numbered, sequenced, is_finite, self.max_extracted, times, keys, *found)] = self.execute(
            f"SELECT count(*), count({ORDINAL}), count({SEQUENCE}), {finite}, max({EXTRACTED}), count({EXTRACTED}), "
            f"{distinct}{counts} FROM {ROOT}",
            [],
        )
        self.has_distinct_keys = keys == rows
        self.counted = rows, [slot for slot, count in zip(slots, found, strict=True) if count], bool(times)
        if not rows == numbered == sequenced == records or not is_finite:
            raise Unsuited

    def keep_greatest(self, key: list[Slot]) -> None:
        """Keep the greatest sequence of each key, and of equal ones the later."""
        if self.has_distinct_keys:
            return
        codes = ", ".join(slot.code for slot in key)
        self._create(
            LOSERS,
            f"WITH twice AS (SELECT {codes} FROM {ROOT} GROUP BY ALL HAVING count(*) > 1) SELECT o FROM (SELECT "
            f"{ORDINAL} AS o, row_number() OVER (PARTITION BY {codes} ORDER BY {SEQUENCE} DESC, "
            f"{ORDINAL} DESC) AS place FROM {ROOT} JOIN twice USING ({codes})) WHERE place > 1",
        )
        if self.execute(f"SELECT 1 FROM {LOSERS} LIMIT 1", []):
            self.drop(f"SELECT o FROM {LOSERS}")

    def drop(self, ordinals: str, parameters: list[Any] | None = None) -> None:
        """Drop the rows whose ordinals a query names."""
        self.counted = self.by_origin = None
        self.execute(f"DELETE FROM {ROOT} WHERE {ORDINAL} IN ({ordinals})", parameters or [])

    def rows_by_origin(self, stage: str = ROOT) -> dict[int, int]:
        """Count the rows of a stage by the number of their batch."""
        if stage == ROOT and self.by_origin is not None:
            return self.by_origin
        return dict(self.execute(f"SELECT {ORIGIN}, count(*) FROM {stage} GROUP BY {ORIGIN}", []))

    def filled(self, columns: Columns, stage: str = ROOT) -> Counted:
        """Return the rows of a stage, the slots that some of them fills, and whether one has been extracted."""
        if stage == ROOT and self.counted is not None:
            return self.counted
        slots = list(columns.leaves.values())
        extracted = f"count({EXTRACTED})" if stage == ROOT else "0"
        counts = ", ".join(f"count({slot.code})" for slot in slots)
        [(rows, times, *found)] = self.execute(
            f"SELECT count(*), {extracted}{', ' if counts else ''}{counts} FROM {stage}", []
        )
        counted = rows, [slot for slot, count in zip(slots, found, strict=True) if count], bool(times)
        if stage == ROOT:
            self.counted = counted
        return counted

    def extremes(self, slot: Slot) -> tuple[Any, Any]:
        """Return a slot's least and greatest value; a time in microseconds since 1970, None where there is none."""
        value = f"epoch_us({slot.code})" if slot.kind is Kind.TIMESTAMP else slot.code
        [(least, greatest)] = self.execute(f"SELECT min({value}), max({value}) FROM {ROOT}", [])
        return least, greatest

    def unnest(self) -> list[StagedTable]:
        """Stage the rows of all sub tables that have any."""
        return list(self._unnest(self.columns, ROOT, levels=0))

    def _unnest(self, columns: Columns, stage: str, *, levels: int) -> Iterator[StagedTable]:
        for number, inner in enumerate(columns.arrays.values()):
            table = f"{stage}_{number}"
            above = [level_code(level) for level in range(levels)]
            expressions = [ORDINAL, ORIGIN, *above, level_code(levels)]
            expressions += [f"{of} AS {slot.code}" for of, slot in inner.leaves.items()]
            expressions += [f"{of} AS a{place}" for place, of in enumerate(inner.arrays)]
            elements = ", ".join([ORDINAL, ORIGIN, *above])
            self._create(
                table,
                f"SELECT {', '.join(expressions)} FROM (SELECT {elements}, unnest(a{number}) AS e, "
                f"unnest(range(len(a{number}))) AS {level_code(levels)} FROM {stage} WHERE len(a{number}) > 0) e",
            )
            rows, slots, _ = self.filled(inner, table)
            if rows:
                yield StagedTable(inner.shape, table, slots)
                yield from self._unnest(inner, table, levels=levels + 1)


@contextmanager
def _array_file(messages: list[PlainMessages]) -> Iterator[str]:
    """Write the arrays of all batches as one; give the path by which the engine opens it.

    Raises LoadError when there is no room for them.
    """
    with nameless() as file:
        try:
            for number, message in enumerate(messages):
                file.write(b"," if number else b"[")
                file.write(memoryview(message.raw)[1:-1])
            file.write(b"]")
            file.flush()
        except OSError as error:
            raise LoadError(
                f"The loader has no room to lay the records out: {error.strerror}.", scope="destination"
            ) from error
        yield f"/dev/fd/{file.fileno()}"


@contextmanager
def nameless() -> Iterator[IO[bytes]]:
    """Open a file that ends with its last handle, in memory where the system can."""
    file = _made_nameless()
    try:
        yield file
    finally:
        with suppress(OSError):  # where there was no room, closing tries to write once more
            file.close()


def _made_nameless() -> IO[bytes]:
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("records"), "w+b")
    return tempfile.TemporaryFile()


def _text(value: str) -> str:
    """Return a text as SQL writes it."""
    return "'" + value.replace("'", "''") + "'"
