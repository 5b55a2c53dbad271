"""Which JSON schemas are plain: of one type each, closed in meaning, decided alike by everybody who reads them.

A plain schema names for each field exactly one type, null beside it or not, and restricts it in no way that two
validators could see differently. Records of such a schema can be checked by a decoder made for it, and be loaded
by their bytes. Every other schema is decided by the exact validator and the exact loader alone.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from integrations.loading.capabilities import Kind
from integrations.loading.limits import MAX_DATA_POINTS

MAX_DEPTH = 16
MAX_FIELDS = 1_000  # in all
EXACT_IN_DOUBLE = 2**53
INT64 = 2**63
NAME = re.compile(r"[^\x00-\x1f\x7f\"\\\ud800-\udfff]+")

ANNOTATIONS = frozenset(
    {"type", "title", "description", "default", "inclusion", "selected", "$schema", "id", "$id", "examples"}
)
STRING_WORDS = ANNOTATIONS | {"format", "minLength", "maxLength"}
NUMBER_WORDS = ANNOTATIONS | {"minimum", "maximum"}
OBJECT_WORDS = ANNOTATIONS | {"properties", "required", "additionalProperties"}
ARRAY_WORDS = ANNOTATIONS | {"items"}
UNCHECKED_FORMATS = frozenset({"date", "time", "uuid"})  # import-api.md 5.3: any other name is ignored


class NotPlain(Exception):
    """Only the exact validator can read this schema."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value of one kind; `least` and `most` bound a number, or the length of a string."""

    kind: Kind
    nullable: bool
    least: float | None = None
    most: float | None = None


@dataclass(frozen=True, slots=True)
class PlainArray:
    """An array whose elements are all alike."""

    items: PlainField
    nullable: bool


@dataclass(frozen=True, slots=True)
class PlainObject:
    """An object and its fields in the order of the schema; it holds no others."""

    fields: dict[str, PlainField]
    required: frozenset[str]
    nullable: bool


PlainField = Scalar | PlainArray | PlainObject


def plain_record(schema: Any, key_names: tuple[str, ...]) -> PlainObject:
    """Return the fields of a record, its keys required and never null; raise NotPlain.

    Keys are whole numbers, strings or date-times: of other types, what makes two of them equal is the
    destination's to say.
    """
    if not isinstance(schema, dict) or "properties" not in schema:
        raise NotPlain
    record = _Reader().object(schema, MAX_DEPTH, nullable=False)
    fields = dict(record.fields)
    for name in key_names:
        field = fields.get(name)
        if not isinstance(field, Scalar) or field.kind not in (Kind.BIGINT, Kind.STRING, Kind.TIMESTAMP):
            raise NotPlain
        fields[name] = Scalar(field.kind, False, field.least, field.most)
    if least_data_points(record) > MAX_DATA_POINTS:
        raise NotPlain
    return PlainObject(fields, record.required | set(key_names), False)


def least_data_points(field: PlainField) -> int:
    """Return how many values a field holds when all is present and its arrays are empty."""
    if isinstance(field, PlainObject):
        return max(1, sum(map(least_data_points, field.fields.values())))
    return 1


class _Reader:
    """Reads one schema document; counts its fields."""

    def __init__(self) -> None:
        self.left = MAX_FIELDS

    def field(self, schema: Any, depth: int) -> PlainField:
        if not isinstance(schema, dict) or depth == 0 or self.left == 0:
            raise NotPlain
        self.left -= 1
        name, nullable = _type_of(schema)
        match name:
            case "integer" | "number":
                return _number(schema, nullable, whole=name == "integer")
            case "string":
                return _string(schema, nullable)
            case "boolean":
                _require_words(schema, ANNOTATIONS)
                return Scalar(Kind.BOOLEAN, nullable)
            case "object":
                return self.object(schema, depth, nullable=nullable)
            case "array":
                _require_words(schema, ARRAY_WORDS)
                return PlainArray(self.field(schema.get("items"), depth - 1), nullable)
        raise NotPlain

    def object(self, schema: dict[str, Any], depth: int, *, nullable: bool) -> PlainObject:
        _require_words(schema, OBJECT_WORDS)
        if "type" in schema and _type_of(schema)[0] != "object":
            raise NotPlain
        properties, required = schema.get("properties"), schema.get("required", [])
        if not isinstance(properties, dict) or not isinstance(required, list):
            raise NotPlain
        if not isinstance(schema.get("additionalProperties", True), bool):
            raise NotPlain
        if not all(map(NAME.fullmatch, properties)):
            raise NotPlain
        if not all(isinstance(name, str) and name in properties for name in required):
            raise NotPlain
        fields = {name: self.field(child, depth - 1) for name, child in properties.items()}
        return PlainObject(fields, frozenset(required), nullable)


def _type_of(schema: dict[str, Any]) -> tuple[str, bool]:
    """Return the one type a schema names, and whether null may stand in its place."""
    named = schema.get("type")
    names = named if isinstance(named, list) else [named]
    if not all(isinstance(name, str) for name in names):
        raise NotPlain
    others = [str(name) for name in names if name != "null"]
    if len(others) != 1:
        raise NotPlain
    return others[0], "null" in names


def _require_words(schema: dict[str, Any], words: frozenset[str]) -> None:
    if not schema.keys() <= words:
        raise NotPlain


def _number(schema: dict[str, Any], nullable: bool, *, whole: bool) -> Scalar:
    _require_words(schema, NUMBER_WORDS)
    least, most = schema.get("minimum"), schema.get("maximum")
    if not whole:
        return Scalar(
            Kind.DOUBLE, nullable, _double_bound(schema, "minimum"), _double_bound(schema, "maximum")
        )
    if "minimum" not in schema or (type(least) is int and least < -INT64):
        least = -INT64
    if "maximum" not in schema or (type(most) is int and most >= INT64):
        most = INT64 - 1
    for bound, vacuous in ((least, -INT64), (most, INT64 - 1)):
        # Compared as doubles, other bounds than these could mean something else than exactly.
        if type(bound) is not int or (abs(bound) > EXACT_IN_DOUBLE and bound != vacuous):
            raise NotPlain
    return Scalar(Kind.BIGINT, nullable, least, most)


def _double_bound(schema: dict[str, Any], word: str) -> float | None:
    """Return a bound as the double it is compared as."""
    if word not in schema:
        return None
    value = schema[word]
    if type(value) is not int and not isinstance(value, Decimal):
        raise NotPlain
    try:
        number = float(value)
    except OverflowError:
        raise NotPlain from None
    if not math.isfinite(number):
        raise NotPlain
    return number


def _string(schema: dict[str, Any], nullable: bool) -> Scalar:
    _require_words(schema, STRING_WORDS)
    least, most = _length(schema, "minLength"), _length(schema, "maxLength")
    if "format" not in schema or schema["format"] in UNCHECKED_FORMATS:
        return Scalar(Kind.STRING, nullable, least, most)
    if schema["format"] != "date-time" or least is not None or most is not None:
        raise NotPlain
    return Scalar(Kind.TIMESTAMP, nullable)


def _length(schema: dict[str, Any], word: str) -> int | None:
    value = schema.get(word)
    if word in schema and (type(value) is not int or not 0 <= value < 2**31):
        raise NotPlain
    return value
