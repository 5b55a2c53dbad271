"""What can be done to a refused record before it is sent again: a field cast, renamed or left out."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from integrations.loading.rejected import record_json
from integrations.loading.timestamps import parse_timestamp

Record = dict[str, Any]
Schema = dict[str, Any]
Path = tuple[str, ...]
MAX_DIGITS = 4_000  # Python reads no longer integer
MAX_EXPONENT = 5_000
LAST_YEAR = 9999
_INTEGER = re.compile(r"[+-]?[0-9]{1,4000}", re.ASCII)
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,6})?", re.ASCII)
_WITH_ZONE = re.compile(r"[Tt][0-9:.]+([Zz]|[+-][0-9]{2}:[0-9]{2})\Z", re.ASCII)
_TRUTHS = {
    "true": True,
    "yes": True,
    "t": True,
    "1": True,
    "false": False,
    "no": False,
    "f": False,
    "0": False,
}


class RemedyKind(StrEnum):
    """What is done."""

    AS_IT_IS = "as-it-is"
    CAST = "cast"
    RENAME = "rename"
    DROP = "drop"


class FieldType(StrEnum):
    """What a field can be cast to."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE_TIME = "date-time"


class CannotApply(Exception):
    """The remedy does not fit the record; says why, for a person."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """One change of one field. `path` leads to it through objects; `target` is its new type or name."""

    kind: RemedyKind = RemedyKind.AS_IT_IS
    path: Path = ()
    target: str = ""

    @property
    def name(self) -> str:
        return ".".join(self.path)

    def sentence(self) -> str:
        """Say what is done, as the audit trail keeps it."""
        match self.kind:
            case RemedyKind.CAST:
                return f"cast {self.name} to {self.target}"
            case RemedyKind.RENAME:
                return f"rename {self.name} to {self.target}"
            case RemedyKind.DROP:
                return f"leave out {self.name}"
        return "as it is"


def mend_record(remedy: Remedy, record: Record) -> Record:
    """Return the record with the remedy applied; raise CannotApply. The record given stays as it is."""
    if remedy.kind is RemedyKind.AS_IT_IS:
        return record
    return _mend_object(remedy, record, remedy.path)


def _mend_object(remedy: Remedy, record: Record, path: Path) -> Record:
    name = path[0]
    if name not in record:
        raise CannotApply(f"It has no field {remedy.name}.")
    if len(path) > 1:
        child = record[name]
        if not isinstance(child, dict):
            raise CannotApply(f"It has no field {remedy.name}.")
        return {**record, name: _mend_object(remedy, child, path[1:])}
    if remedy.kind is RemedyKind.DROP:
        return {key: value for key, value in record.items() if key != name}
    if remedy.kind is RemedyKind.CAST:
        return {**record, name: cast_value(record[name], FieldType(remedy.target))}
    if remedy.target in record:
        raise CannotApply(f"It has a field {remedy.target} already.")
    return {remedy.target if key == name else key: value for key, value in record.items()}


def mend_schema(remedy: Remedy, schema: Schema) -> Schema:
    """Return the schema that goes with records mended alike. The schema given stays as it is."""
    if remedy.kind is RemedyKind.AS_IT_IS:
        return schema
    mended = copy.deepcopy(schema)
    node = _object_of(mended, remedy.path[:-1])
    properties = _properties_of(node)
    name = remedy.path[-1]
    required = node.get("required")
    if remedy.kind is RemedyKind.CAST:
        properties[name] = schema_of(FieldType(remedy.target))
    elif remedy.kind is RemedyKind.DROP:
        properties.pop(name, None)
        if isinstance(required, list):
            node["required"] = [each for each in required if each != name]
    else:
        described = properties.pop(name, None)
        if described is not None:
            properties.setdefault(remedy.target, described)
        if isinstance(required, list):
            renamed = [remedy.target if each == name else each for each in required]
            node["required"] = list(dict.fromkeys(renamed))
    if not node.get("required", True):
        del node["required"]  # the older drafts refuse an empty list
    return mended


def _object_of(schema: Schema, path: Path) -> Schema:
    """Return the schema node of an object inside the record; one that is not described gets described."""
    node = schema
    for name in path:
        properties = _properties_of(node)
        child = properties.get(name)
        if not isinstance(child, dict):
            child = properties[name] = {}
        node = child
    return node


def _properties_of(node: Schema) -> dict[str, Any]:
    properties = node.get("properties")
    if not isinstance(properties, dict):
        properties = node["properties"] = {}
    return properties


def schema_of(field_type: FieldType) -> Schema:
    """Return how a field of a type is described; null stays allowed."""
    if field_type is FieldType.DATE_TIME:
        return {"type": ["null", "string"], "format": "date-time"}
    return {"type": ["null", field_type.value]}


def key_refusal(remedy: Remedy, key_names: list[str], schema: Schema) -> str:
    """Say why a remedy may not touch a key; nothing when it may.

    A table is merged by one key of one type (loading.md 5.5): a record with another would stop the whole table.
    """
    if remedy.kind is RemedyKind.AS_IT_IS or len(remedy.path) != 1 or remedy.path[0] not in key_names:
        return ""
    name = remedy.path[0]
    properties = schema.get("properties")
    described = properties.get(name) if isinstance(properties, dict) else None
    if remedy.kind is RemedyKind.CAST:
        if isinstance(described, dict) and _describes(described, FieldType(remedy.target)):
            return ""
        return f"{name} is a key of the table: it can only be cast to the type that its schema gives it."
    return f"{name} is a key of the table: it can be neither renamed nor left out."


def _describes(schema: Schema, field_type: FieldType) -> bool:
    named = schema.get("type")
    names = named if isinstance(named, list) else [named]
    if field_type is FieldType.DATE_TIME:
        return "string" in names and schema.get("format") == "date-time"
    return field_type.value in names and not (
        field_type is FieldType.STRING and schema.get("format") == "date-time"
    )


def cast_value(value: Any, field_type: FieldType) -> Any:
    """Return a value as another type; null stays null. Raise CannotApply where that would lose something."""
    if value is None:
        return None
    cast = CASTS[field_type](value)
    if cast is None:
        raise CannotApply(f"{_shown(value)} cannot be cast to {field_type.value}.")
    return cast


def to_string(value: Any) -> str | None:
    return value if isinstance(value, str) else record_json(value).decode()


def to_integer(value: Any) -> int | None:
    if isinstance(value, bool | int):
        return int(value)
    if isinstance(value, str):
        text = value.strip()
        return int(text) if _INTEGER.fullmatch(text) else None
    if isinstance(value, Decimal) and value.adjusted() < MAX_DIGITS and value == value.to_integral_value():
        return int(value)
    return None


def to_number(value: Any) -> int | Decimal | None:
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        try:
            number = Decimal(value.strip())
        except InvalidOperation:
            return None
        return number if abs(number.adjusted()) <= MAX_EXPONENT else None
    return None


def to_boolean(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return bool(value) if value in (0, 1) else None
    return _TRUTHS.get(value.strip().lower()) if isinstance(value, str) else None


def to_date_time(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    text = value.strip()
    parsed = parse_timestamp(text, last_year=LAST_YEAR)
    if parsed is None:
        try:
            parsed = datetime.fromisoformat(text)
        except ValueError:
            return None
    if _WITH_ZONE.search(text) or not isinstance(parsed, datetime):
        return text
    return (parsed if parsed.tzinfo is not None else parsed.replace(tzinfo=UTC)).isoformat()


CASTS: dict[FieldType, Callable[[Any], Any]] = {
    FieldType.STRING: to_string,
    FieldType.INTEGER: to_integer,
    FieldType.NUMBER: to_number,
    FieldType.BOOLEAN: to_boolean,
    FieldType.DATE_TIME: to_date_time,
}


def field_paths(record: Record, *, most: int = 200) -> list[Path]:
    """Return the ways to a record's fields, those inside objects too, in their order."""
    found: list[Path] = []
    waiting: list[tuple[Path, Any]] = [((name,), value) for name, value in reversed(record.items())]
    while waiting and len(found) < most:
        path, value = waiting.pop()
        found.append(path)
        if isinstance(value, dict):
            waiting += [((*path, name), child) for name, child in reversed(value.items())]
    return found


def _shown(value: Any) -> str:
    text = record_json(value).decode("utf-8", "replace")
    return text if len(text) <= 80 else f"{text[:80]}…"
