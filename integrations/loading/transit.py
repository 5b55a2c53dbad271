"""Transit in its JSON encoding, compact and verbose, as the public clients send it (import-api.md 6.3)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from integrations.loading.decoding import decode_json
from integrations.loading.timestamps import parse_timestamp
from integrations.loading.values import ExactDecimal

MAP_MARKER = "^ "
CACHE_BASE = 44
FIRST_DIGIT = ord("0")
CACHE_ENTRIES = CACHE_BASE**2
SHORTEST_CACHED = 4
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST_YEAR = 9999
ARRAY_TAGS = {"set", "list"}
TEXT_TAGS = "burc:$"  # bytes, UUIDs, URIs, characters, keywords and symbols are kept as their text


class MalformedTransit(ValueError):
    """The body is JSON but not Transit."""


def decode_transit(body: bytes) -> object:
    """Decode Transit; instants become datetimes in UTC, arbitrary-precision decimals ExactDecimal.

    Raises MalformedJSON where the bytes are no JSON, MalformedTransit where a code or a tag makes no sense.
    NaN and the infinities become None, an instant that no datetime can hold the text of its milliseconds.
    """
    return _Decoder().value(decode_json(body))


class _Decoder:
    """Reads one document; its cache spans all of it, in reading order."""

    def __init__(self) -> None:
        self.cache: list[str] = []
        self.cached: set[str] = set()

    def value(self, raw: Any) -> Any:
        if type(raw) is str:
            return raw if raw[:1] not in ("~", "^") else self.text(raw)
        if type(raw) is list:
            return self.array(raw)
        if type(raw) is dict:
            return self.verbose_map(raw)
        return raw

    def text(self, raw: str) -> Any:
        return scalar(self.resolve(raw, is_key=False))

    def key(self, raw: Any) -> str:
        """Return a map's key; what is no string there becomes one."""
        if type(raw) is str:
            raw = self.resolve(raw, is_key=True)
            return raw if raw[:1] != "~" else as_key(scalar(raw))
        return as_key(self.value(raw))

    def array(self, raw: list[Any]) -> Any:
        first = raw[0] if raw else None
        if type(first) is not str or first[:1] not in ("~", "^"):
            return [self.value(item) for item in raw]
        if first == MAP_MARKER:
            return self.compact_map(raw)
        resolved = self.resolve(first, is_key=False)
        if resolved.startswith("~#"):
            if len(raw) != 2:
                raise MalformedTransit(f"The tag {resolved} needs exactly one value")
            return self.tagged(resolved[2:], raw[1])
        return [scalar(resolved), *(self.value(item) for item in raw[1:])]

    def compact_map(self, raw: list[Any]) -> dict[str, Any]:
        if len(raw) % 2 == 0:
            raise MalformedTransit("A map has a key without a value")
        items = iter(raw[1:])
        return {self.key(name): self.value(item) for name, item in zip(items, items, strict=True)}

    def verbose_map(self, raw: dict[str, Any]) -> Any:
        if len(raw) == 1:
            name, item = next(iter(raw.items()))
            resolved = self.resolve(name, is_key=True)
            if resolved.startswith("~#"):
                return self.tagged(resolved[2:], item)
            return {as_key(scalar(resolved)): self.value(item)}
        return {self.key(name): self.value(item) for name, item in raw.items()}

    def tagged(self, tag: str, raw: Any) -> Any:
        if tag == "cmap":
            return self.composite_map(raw)
        value = self.value(raw)
        if tag in ARRAY_TAGS and not isinstance(value, list):
            raise MalformedTransit(f"The tag {tag} needs an array")
        if tag == "u" and isinstance(value, list):
            return uuid_text(value)
        if len(tag) == 1 and tag != "'" and isinstance(value, str | int):
            return scalar(f"~{tag}{value}")
        return value  # quoted values, sets, lists, and extensions nobody knows

    def composite_map(self, raw: Any) -> dict[str, Any]:
        if not isinstance(raw, list) or len(raw) % 2:
            raise MalformedTransit("A map with composite keys needs an array of keys and values")
        items = iter(raw)
        return {as_key(self.value(name)): self.value(item) for name, item in zip(items, items, strict=True)}

    def resolve(self, raw: str, *, is_key: bool) -> str:
        """Return the string a cache code stands for; remember a string that may be referred to later."""
        if raw[:1] == "^" and raw != MAP_MARKER:
            return self.remembered(raw)
        if (
            len(raw) >= SHORTEST_CACHED
            and (is_key or raw[:2] in ("~:", "~$", "~#"))
            and raw not in self.cached
        ):
            if len(self.cache) == CACHE_ENTRIES:
                self.cache.clear()
                self.cached.clear()
            self.cache.append(raw)
            self.cached.add(raw)
        return raw

    def remembered(self, code: str) -> str:
        digits = [ord(digit) - FIRST_DIGIT for digit in code[1:]]
        if 1 <= len(digits) <= 2 and all(0 <= digit < CACHE_BASE for digit in digits):
            index = digits[0] if len(digits) == 1 else CACHE_BASE * digits[0] + digits[1]
            if index < len(self.cache):
                return self.cache[index]
        raise MalformedTransit(f"The cache code {code[:10]} refers to nothing")


def scalar(text: str) -> Any:
    """Return the value that a string stands for."""
    if text[:1] != "~" or len(text) < 2:
        return text
    kind, rest = text[1], text[2:]
    if kind in "~^`":
        return text[1:]
    if kind in TEXT_TAGS:
        return rest
    try:
        match kind:
            case "i" | "n":
                return int(rest)
            case "f":
                return finite(ExactDecimal(rest))
            case "d":
                return finite(Decimal(rest))
            case "m":
                return instant(int(rest))
            case "t":
                return parse_timestamp(rest, last_year=LAST_YEAR) or rest
            case "?":
                return rest == "t"
            case "_" | "z":
                return None
    except (ValueError, InvalidOperation):
        raise MalformedTransit(f"{text[:50]} is not a value") from None
    return text


def finite(number: Decimal) -> Decimal | None:
    """Return a number; what is not one, or has no end, is null."""
    return number if number.is_finite() else None


def instant(milliseconds: int) -> datetime | str:
    """Return the instant so many milliseconds after 1970."""
    try:
        return EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError:
        return str(milliseconds)


def uuid_text(halves: list[Any]) -> str:
    """Return the UUID given as two signed 64-bit numbers."""
    if len(halves) != 2 or not all(type(half) is int and -(2**63) <= half < 2**63 for half in halves):
        raise MalformedTransit("A UUID needs two 64-bit numbers")
    high, low = (half % 2**64 for half in halves)
    return str(UUID(int=high << 64 | low))


def as_key(value: Any) -> str:
    """Return any value as the name of a field."""
    if isinstance(value, str):
        return value
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if value is None or isinstance(value, bool | list | dict):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return str(value)
