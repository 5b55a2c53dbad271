"""Which field of a refused record is at fault: looked for once the record is refused, off the hot path."""

from __future__ import annotations

import re
from typing import Any

from integrations.loading import naming
from integrations.loading.shapes import Found, ObjectShape, Path
from integrations.loading.values import Refused

COLLISION, MISSING_KEY = "Field collision on ", "Record is missing key property "
_OFFENDING_VALUE = re.compile(r"( out of range for .{1,50}? on ).*", re.DOTALL)


def path_at_fault(reader: ObjectShape, data: dict[str, Any], reason: str) -> Path:
    """Return where in the record the field lies that `reason` speaks of; nothing where it names none.

    Of fields that collide it is the last one.
    """
    if reason.startswith(MISSING_KEY):
        return (reason.removeprefix(MISSING_KEY),)
    if reason.startswith(COLLISION):
        return _last_named(data, (), reason.removeprefix(COLLISION), reader)
    return _refused_path(reader, data, reason)


def reason_template(reason: str) -> str:
    """Return a reason without the value of the one record it was given for, so that like ones are counted."""
    return _OFFENDING_VALUE.sub(r"\1[…]", reason)


def _refused_path(reader: ObjectShape, data: dict[str, Any], reason: str) -> Path:
    """Read field by field, objects inside out, until one is refused for the same reason."""
    path: Path = ()
    while True:
        name = next(
            (name for name, value in data.items() if _refuses(reader, path, name, value, reason)), None
        )
        if name is None:
            return path
        path = (*path, name)
        if data[name].__class__ is not dict:
            return path
        data = data[name]


def _refuses(reader: ObjectShape, path: Path, name: str, value: Any, reason: str) -> bool:
    alone = {name: value}
    for step in reversed(path):
        alone = {step: alone}
    try:
        reader.read(alone, {}, Found())
    except Refused as refusal:
        return refusal.reason == reason
    return False


def _last_named(data: dict[str, Any], path: Path, name: str, reader: ObjectShape) -> Path:
    found: Path = ()
    capabilities = reader.table.capabilities
    for key, value in data.items():
        here = (*path, key)
        if value.__class__ is dict:
            found = _last_named(value, here, name, reader) or found
        elif capabilities.fold(naming.column_name(naming.SEPARATOR.join(here), capabilities)) == (
            capabilities.fold(name)
        ):
            found = here
    return found
