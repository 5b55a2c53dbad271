"""What a tap writes: Singer messages, a line each. A record stays the bytes that came."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from integrations.loading.limits import MAX_SEQUENCE

RECORD, SCHEMA, STATE, ACTIVATE_VERSION = "RECORD", "SCHEMA", "STATE", "ACTIVATE_VERSION"
IGNORED = frozenset({"BATCH_SUMMARY", "METRIC"})
NUL = b"\\u0000"


class BadOutput(Exception):
    """The tap wrote what no tap may write; the message says what and where, without the data."""


class Line(msgspec.Struct, gc=False):
    """One message of any kind; what it does not have is None, or empty bytes."""

    type: str
    stream: str | None = None
    record: msgspec.Raw = msgspec.Raw(b"")
    schema: msgspec.Raw = msgspec.Raw(b"")
    value: msgspec.Raw = msgspec.Raw(b"")
    version: int | None = None
    time_extracted: str | None = None
    key_properties: list[str] | None = None
    bookmark_properties: list[str] | str | None = None


_decoder = msgspec.json.Decoder(Line)


class Lines:
    """Turns the pieces of a tap's output into messages. No line may be longer than `longest`."""

    def __init__(self, *, longest: int) -> None:
        self.longest = longest
        self.rest: list[bytes] = []
        self.rest_size = 0
        self.number = 0

    def of(self, piece: bytes) -> list[Line]:
        """Return the messages that end in this piece. Raises BadOutput; nothing of the piece counts then."""
        end = piece.rfind(b"\n") + 1
        whole = b"".join([*self.rest, piece[:end]]) if end else b""
        if end:
            self.rest, self.rest_size = [], 0
        if end < len(piece):
            self.rest.append(piece[end:])
            self.rest_size += len(piece) - end
        if self.rest_size > self.longest:
            raise BadOutput(
                f"Line {self.number + 1} of the tap’s output is longer than {self.longest} bytes, "
                "the most that is taken."
            )
        return list(self._decode(whole)) if whole else []

    def end(self) -> None:
        """Say that the output is over; a line without an end was cut off."""
        if b"".join(self.rest).strip():
            raise BadOutput(
                f"The tap’s output ended in the middle of line {self.number + 1}: {shown(b''.join(self.rest))}"
            )

    def _decode(self, whole: bytes) -> Iterator[Line]:
        try:
            found: list[Line] = _decoder.decode_lines(whole)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            found = []
            for line in whole.split(b"\n"):  # one by one, to say which it was
                self.number += 1
                if line.strip():
                    found.append(self._decode_line(line))
        else:
            self.number += len(found)
        return iter(found)

    def _decode_line(self, line: bytes) -> Line:
        try:
            return _decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise BadOutput(
                f"Line {self.number} of the tap’s output is no Singer message ({error}): {shown(line)}"
            ) from None


def shown(line: bytes) -> str:
    """Return the beginning of a line: enough to recognise it, too little to leak a record."""
    beginning = line[:40].decode("utf-8", "replace").strip()
    return f"{beginning}…" if len(line) > len(beginning) else beginning


def state_of(line: Line) -> dict[str, Any]:
    """Return the value of a STATE message. Raises BadOutput."""
    try:
        value = msgspec.json.decode(line.value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise BadOutput("A STATE message of the tap has no object as its value.")
    if NUL in bytes(line.value):
        raise BadOutput("A STATE message of the tap holds a NUL character, which no database can keep.")
    return value


def version_of(line: Line) -> int | None:
    """Return a table version. Raises BadOutput for one that no column holds."""
    if line.version is not None and not 0 <= line.version <= MAX_SEQUENCE:
        raise BadOutput(
            f"The tap gave the stream {line.stream!r} the version {line.version}, which is out of range."
        )
    return line.version or None
