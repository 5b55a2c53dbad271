"""Plain bodies of `/batch`: those that everybody who reads them understands alike, decided in native code.

A body is plain when its schema is (`plain_schemas`), when every message is an upsert of a record that conforms to
the schema and holds no field beside it, and when no value in it has two readings: no NUL, no lone surrogate, no
number outside the range of its type, date-times of ordinary years with at most six decimals. Whoever decides that
a body is plain has thereby accepted it; whoever loads it need not look again. What is not plain is not refused:
the exact readers decide it, and they alone say what is wrong.

Of a repeated key the last value counts, here as everywhere; whoever reads the bytes themselves has to see to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Any

import msgspec

from integrations.loading import plain_decoders
from integrations.loading.decoding import MalformedJSON, decode_json, deeper_than, too_many_containers
from integrations.loading.plain_schemas import NotPlain, PlainObject, plain_record

MAX_SCHEMA_BYTES, MAX_SCHEMA_DEPTH = 64 * 1024, 50
MAX_PLANS = 256
MAX_GUESSES = 1024
_date_time_lines = re.compile(rf"(?:{plain_decoders.DATE_TIME}\n)*+").fullmatch
_nul = re.compile(rb"\\u0000").search
read_header = msgspec.json.Decoder(plain_decoders.Header).decode


@dataclass(frozen=True, slots=True)
class Plan:
    """How the bodies of one schema and one key are decided, and what a loader makes its columns of.

    `date_times` reads one field of a message each.
    """

    schema: bytes
    key_names: tuple[str, ...]
    record: PlainObject
    decode: Callable[[bytes], Any]
    date_times: tuple[Callable[[Any], Any], ...]


@dataclass(frozen=True, slots=True)
class PlainBatch:
    """What a plain body says about itself."""

    table_name: str
    records: int
    plan: Plan


def read_plain(body: bytes) -> PlainBatch | None:
    """Return what a body holds when it is plain; None says nothing but that it has to be read exactly."""
    if too_many_containers(body) or (b"\\" in body and _nul(body)):
        return None
    beginning = hash(body[: body.find(b'"messages"')])
    guess = _guesses.get(beginning)
    batch = None if guess is None else _decide(body, guess)
    if batch is not None:
        return batch
    plan = _plan_of(body)
    if plan is None or plan is guess:
        return None
    batch = _decide(body, plan)
    if batch is not None:
        remember(beginning, plan)
    return batch


def _plan_of(body: bytes) -> Plan | None:
    """Return the plan that a body's own schema and key make, if they make one."""
    try:
        header = read_header(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return plan_of(bytes(header.schema), tuple(header.key_names))


@lru_cache(maxsize=MAX_PLANS)
def plan_of(schema: bytes, key_names: tuple[str, ...]) -> Plan | None:
    """Return the plan for the bytes of a schema and a key; None when they are not plain."""
    if len(schema) > MAX_SCHEMA_BYTES or len(set(key_names)) < len(key_names):
        return None
    try:
        document = decode_json(schema)
        if deeper_than(document, MAX_SCHEMA_DEPTH):
            return None
        record = plain_record(document, key_names)
        decode, date_times = plain_decoders.decoder_of(record)
    except (MalformedJSON, NotPlain):
        return None
    return Plan(schema, key_names, record, decode, tuple(map(attrgetter, date_times)))


def _decide(body: bytes, plan: Plan) -> PlainBatch | None:
    """Return the request when it is a plain one of the plan's."""
    try:
        request = plan.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    table_name, messages = request.table_name, request.messages
    is_plain = (
        bytes(request.schema) == plan.schema
        and tuple(request.key_names) == plan.key_names
        and table_name
        and table_name.isprintable()
        and all(are_date_times(map(get, messages)) for get in plan.date_times)
    )
    return PlainBatch(table_name, len(messages), plan) if is_plain else None


def are_date_times(values: Iterable[Any]) -> bool:
    """Tell whether all the texts among the values are plain date-times; at once, for a call each would cost more."""
    texts = [value for value in values if value.__class__ is str]
    lines = "\n".join([*texts, ""])
    return lines.count("\n") == len(texts) and _date_time_lines(lines) is not None


# The plan of the last plain body that began with the same bytes, up to its messages; only ever a guess.
_guesses: dict[int, Plan] = {}


def remember(beginning: int, plan: Plan) -> None:
    """Guess this plan for bodies that begin alike."""
    if len(_guesses) >= MAX_GUESSES:
        _guesses.clear()
    _guesses[beginning] = plan
