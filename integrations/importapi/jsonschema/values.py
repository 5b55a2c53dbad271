"""How JSON values are named and printed in the texts (import-api.md 5.3)."""

import json
import math
from collections.abc import Hashable
from decimal import Decimal

from integrations.importapi.jsonschema.effort import spend

INT32 = 2**31
INT64 = 2**63


def type_name(value: object) -> str:
    """Return the word the texts use for the kind of `value`."""
    match value:
        case None:
            return "Null"
        case bool():
            return "Boolean"
        case str():
            return "String"
        case int():
            if -INT32 <= value < INT32:
                return "Integer"
            return "Long" if -INT64 <= value < INT64 else "BigInteger"
        case dict():
            return "JSONObject"
        case list():
            return "JSONArray"
        case _:
            return "Double"


def as_double(value: int | Decimal | float) -> float:
    """Return the nearest double; a whole number beyond all doubles is infinite."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def double_text(number: float) -> str:
    """Print a double the way the texts do: `7.0`, `1.275888`, `1.0E-5`, `1.23456789E7`."""
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    if number == 0 or 1e-3 <= abs(number) < 1e7:
        return repr(number)
    sign, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    fraction = "".join(map(str, digits[1:])) or "0"
    return f"{'-' if sign else ''}{digits[0]}.{fraction}E{len(digits) - 1 + int(exponent)}"


def number_text(number: int | Decimal) -> str:
    """Print a limit as its schema wrote it when it is whole, else as a double."""
    return str(number) if isinstance(number, int) else double_text(as_double(number))


def value_text(value: object) -> str:
    """Print any value inside a sentence: strings bare, containers as compact JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, Decimal | float):
        return double_text(as_double(value))
    if isinstance(value, dict | list):
        return _json_text(value)
    return json.dumps(value)


def frozen(value: object) -> Hashable:
    """Return something equal for equal values only: `1`, `1.0` and `true` are three values."""
    if isinstance(value, dict | list | str):
        spend(1 + len(value) // 16)
    if isinstance(value, dict):
        return "object", frozenset((key, frozen(item)) for key, item in value.items())
    if isinstance(value, list):
        return "array", tuple(frozen(item) for item in value)
    if isinstance(value, Decimal):
        return "double", as_double(value)
    return type(value).__name__, value


def _json_text(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{_json_text(key)}:{_json_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_json_text, value)) + "]"
    if isinstance(value, Decimal | float):
        return double_text(as_double(value))
    return json.dumps(value, ensure_ascii=False)
