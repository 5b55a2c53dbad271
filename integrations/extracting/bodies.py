"""Gather a tap's records, stream by stream, into bodies of the Import API's form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from integrations.extracting.messages import BadOutput, Line, version_of
from integrations.loading.limits import MAX_RECORDS

FRAME_BYTES = 64  # of a record, around its data
UNUSED_WORDS = ("definitions", "$defs")


@dataclass(slots=True)
class StreamForm:
    """What the latest SCHEMA message says of a stream."""

    name: str  # the tap's
    table: str
    raw: bytes  # its schema as the tap wrote it
    schema: bytes  # as it is handed over
    keys: list[str]
    bookmarks: list[str]

    def beginning(self, version: int | None) -> bytes:
        """Return a body up to its messages."""
        head: dict[str, Any] = {"table_name": self.table, "key_names": self.keys}
        if self.bookmarks:
            head["bookmark_names"] = self.bookmarks
        if version is not None:
            head["table_version"] = version
        return msgspec.json.encode(head)[:-1] + b',"schema":' + self.schema + b',"messages":['


@dataclass(slots=True)
class Gathered:
    """Records of one stream and one version, on their way into a body."""

    form: StreamForm
    version: int | None
    messages: list[bytes] = field(default_factory=list)
    records: int = 0

    def body(self) -> bytes:
        """Return the body of their batch."""
        return self.form.beginning(self.version) + b",".join(self.messages) + b"]}"


def form_of(line: Line, known: StreamForm | None, *, tables: Mapping[str, str]) -> StreamForm:
    """Return what a SCHEMA message says; `known` itself when it says nothing new. Raises BadOutput."""
    if not line.stream:
        raise BadOutput("A SCHEMA message of the tap names no stream.")
    keys = list(dict.fromkeys(line.key_properties or ()))
    named = line.bookmark_properties
    bookmarks = [named] if isinstance(named, str) else list(named or ())
    raw = bytes(line.schema)
    if known is not None and known.raw == raw and known.keys == keys and known.bookmarks == bookmarks:
        return known
    table = tables.get(line.stream, line.stream)
    return StreamForm(line.stream, table, raw, handed_over(line.stream, raw), keys, bookmarks)


def handed_over(stream: str, raw: bytes) -> bytes:
    """Return a schema without definitions that nothing refers to: its records can then be read natively."""
    try:
        schema = json.loads(raw) if raw else None
    except (ValueError, RecursionError):
        schema = None
    if not isinstance(schema, dict):
        raise BadOutput(f"The tap’s SCHEMA message of the stream {stream!r} has no schema.")
    if b'"$ref"' in raw or not any(word in schema for word in UNUSED_WORDS):
        return raw
    return json.dumps({name: value for name, value in schema.items() if name not in UNUSED_WORDS}).encode()


class Gathering:
    """Keeps what is gathered of every stream, within bounds."""

    def __init__(self, *, most_bytes: int, sequence: int, tables: Mapping[str, str]) -> None:
        self.tables = tables  # by the tap's names; a stream that is not among them is a table of its name
        self.most_bytes = most_bytes  # of all streams together
        self.sequence = sequence  # the last one that was given
        self.forms: dict[str, StreamForm] = {}
        self.open: dict[str, Gathered] = {}
        self.size = 0

    def schema(self, line: Line) -> bool:
        """Take a SCHEMA message; return False when records of its stream have to be handed over before."""
        form = form_of(line, self.forms.get(line.stream or ""), tables=self.tables)
        if form.name in self.open and self.open[form.name].form is not form:
            return False
        self.forms[form.name] = form
        return True

    def record(self, line: Line) -> bool:
        """Take a RECORD message; return False when what is gathered has to be handed over before."""
        name = line.stream
        gathered = self.open.get(name) if name is not None else None
        data = line.record
        if gathered is None or gathered.version != line.version:
            if gathered is not None and gathered.version != version_of(line):
                return False
            gathered = gathered or self._begin(line)
        if not data:
            raise BadOutput(f"A RECORD message of the stream {name!r} has no record.")
        size = len(memoryview(data)) + FRAME_BYTES
        if gathered.records >= MAX_RECORDS or (self.size and self.size + size > self.most_bytes):
            return False
        self.sequence += 1
        if line.time_extracted is None:
            message = b'{"action":"upsert","sequence":%d,"data":%b}' % (self.sequence, data)
        else:
            message = b'{"action":"upsert","sequence":%d,"data":%b,"time_extracted":%b}' % (
                self.sequence,
                data,
                msgspec.json.encode(line.time_extracted),
            )
        gathered.messages.append(message)
        gathered.records += 1
        self.size += size
        return True

    def activation(self, line: Line) -> Gathered:
        """Return the batch of an ACTIVATE_VERSION message; everything gathered was handed over before."""
        form = self._form(line)
        self.sequence += 1
        message = b'{"action":"activate_version","sequence":%d}' % self.sequence
        return Gathered(form, version_of(line), [message])

    def next(self) -> Gathered | None:
        """Return what is to be handed over next; it stays here until it is forgotten."""
        return next(iter(self.open.values()), None)

    def forget(self, gathered: Gathered) -> None:
        """Let go of what was handed over."""
        del self.open[gathered.form.name]
        if not self.open:
            self.size = 0

    def _begin(self, line: Line) -> Gathered:
        form = self._form(line)
        gathered = self.open[form.name] = Gathered(form, version_of(line))
        return gathered

    def _form(self, line: Line) -> StreamForm:
        form = self.forms.get(line.stream or "")
        if form is None:
            raise BadOutput(f"The tap wrote a {line.type} of the stream {line.stream!r} before its SCHEMA.")
        return form
