"""From what a person pastes to the request that a program would send: checked by the same rules."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from integrations.importapi.batches import parse_batch
from integrations.importapi.faults import Path
from integrations.importapi.jsonschema.failures import pointer
from integrations.importapi.pushes import parse_push
from integrations.importapi.refusals import Payload, Refusal
from integrations.loading.decoding import MalformedJSON, decode_json
from integrations.loading.inferring import infer_schema
from integrations.loading.reading import BATCH, PUSH

MAX_SHOWN_LINES = 20
_raw_array = msgspec.json.Decoder(list[msgspec.Raw])


class Unreadable(Exception):
    """What was pasted is no request that would be taken: the lines say why and where."""

    def __init__(self, *lines: str) -> None:
        super().__init__(*lines)
        self.lines = lines


class NoTable(Exception):
    """Plain records were pasted, and it was not said for which table."""


@dataclass(frozen=True, slots=True)
class Sending:
    """How a program would send plain records."""

    table_name: str
    key_names: Sequence[str]
    kind: str  # BATCH with the schema that the records suggest, or PUSH
    client_id: int
    first_sequence: int


@dataclass(frozen=True, slots=True)
class Records:
    """Plain records: each as it was written, and decoded."""

    raw: list[bytes]
    decoded: list[dict[str, Any]]


def request_of(text: str, sending: Sending) -> tuple[str, bytes]:
    """Return the kind and the body of the request; raise Unreadable, or NoTable, for the first thing wrong."""
    found = _read(text)
    plain = isinstance(found, Records)
    if plain and not sending.table_name:
        raise NoTable
    kind, body = (
        (sending.kind, _body(found, sending)) if isinstance(found, Records) else (found, text.encode())
    )
    try:
        if kind == BATCH:
            parse_batch(body)
        else:
            parse_push(body, client_id=sending.client_id)
    except Refusal as refusal:
        where = _place(refusal.fault.path, plain=plain)
        lines = _words(refusal.payload)
        raise Unreadable(*([where] if where else []), *lines[:MAX_SHOWN_LINES]) from None
    return kind, body


def _read(text: str) -> Records | str:
    """Return plain records, or the kind of the whole request that the text is."""
    body = text.encode("utf-8", "surrogatepass")
    try:
        content = decode_json(body)
    except MalformedJSON as error:
        lines = _lines(body)
        if lines is None:
            raise Unreadable(f"Line {error.line}, column {error.column}: {error.message}") from None
        return lines
    if isinstance(content, dict):
        if {"table_name", "messages"} <= content.keys():
            return BATCH
        return Records([body], [content])
    if not isinstance(content, list) or not content:
        raise Unreadable(
            "Paste at least one record: a JSON object, an array of objects, or one object a line."
        )
    if all(isinstance(entry, dict) and {"action", "data"} <= entry.keys() for entry in content):
        return PUSH
    for position, record in enumerate(content, 1):
        if not isinstance(record, dict):
            raise Unreadable(f"Record {position} is not a JSON object.")
    return Records([bytes(raw) for raw in _raw_array.decode(body)], content)


def _lines(body: bytes) -> Records | None:
    """Read one object a line; None when the text is not meant so."""
    written = [(number, line) for number, line in enumerate(body.splitlines(), 1) if line.strip()]
    raw: list[bytes] = []
    decoded: list[dict[str, Any]] = []
    if len(written) < 2:
        return None
    for number, line in written:
        try:
            content = decode_json(line)
        except MalformedJSON as error:
            if not raw:
                return None
            raise Unreadable(f"Line {number}, column {error.column}: {error.message}") from None
        if not isinstance(content, dict):
            if not raw:
                return None
            raise Unreadable(f"Line {number} is not a JSON object.")
        raw.append(line)
        decoded.append(content)
    return Records(raw, decoded)


def _body(records: Records, sending: Sending) -> bytes:
    """Put plain records, as they were written, into the envelope of a request."""
    keys = list(sending.key_names)
    shared = {"table_name": sending.table_name, "key_names": keys}
    if sending.kind == BATCH:
        schema = infer_schema(records.decoded, key_names=keys)
        head = json.dumps(shared | {"schema": _bare_schema(keys) if schema is None else schema})
        messages = [
            b'{"action":"upsert","sequence":%d,"data":%b}' % (sending.first_sequence + number, raw)
            for number, raw in enumerate(records.raw)
        ]
        return b'%b,"messages":[%b]}' % (head[:-1].encode(), b",".join(messages))
    head = json.dumps(shared | {"client_id": sending.client_id, "action": "upsert"})[:-1]
    entries = [
        b'%b,"sequence":%d,"data":%b}' % (head.encode(), sending.first_sequence + number, raw)
        for number, raw in enumerate(records.raw)
    ]
    return b"[%b]" % b",".join(entries)


def _bare_schema(keys: list[str]) -> dict[str, Any]:
    """Return what stands for a schema that nobody would copy: the values are typed one by one."""
    return {"type": "object", "properties": {name: {} for name in keys}}


def _place(path: Path | None, *, plain: bool) -> str:
    """Say where a fault is: in which record, or by its JSON pointer."""
    if not path:
        return ""
    if not plain:
        return f"At {pointer(path)}:"
    numbers = [step for step in path if isinstance(step, int)]
    if not numbers:
        return ""
    field = path[path.index("data") + 1 :] if "data" in path else ()
    return f"Record {numbers[0] + 1}{f', at {pointer(field)[2:]}' if field else ''}:"


def _words(payload: Payload | object) -> list[str]:
    """Return the texts of a refusal's documented body."""
    if isinstance(payload, str):
        return payload.splitlines()
    if isinstance(payload, dict):
        return [
            f"{name}: {line}" if name not in ("message", "error", "errors", "reason") else line
            for name, value in payload.items()
            if name != "status"
            for line in _words(value)
        ]
    return [line for value in payload for line in _words(value)] if isinstance(payload, list) else []
