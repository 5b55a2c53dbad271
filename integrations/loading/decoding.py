"""JSON as the Import API takes it: strict, exact, and unable to crash whoever reads it."""

import decimal
import json
import re
from decimal import Decimal

import msgspec

MAX_DEPTH = 100
# An empty array takes three bytes on the wire and thirty times that in memory (promise I7). Real data of
# 20 MB, coordinates in pairs included, stays below this.
MAX_CONTAINERS = 2_000_000

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_decoder = msgspec.json.Decoder(float_hook=Decimal)


def _decimal(text: str) -> Decimal:
    """Return a number of any exponent: nothing can tell one too small for a Decimal from zero."""
    try:
        return Decimal(text)
    except decimal.InvalidOperation:
        number = float(text)
        if number:
            raise
        return Decimal(number)


_patient_decoder = msgspec.json.Decoder(float_hook=_decimal)


class MalformedJSON(ValueError):
    """The body is not JSON that can be taken; says what is wrong and, where known, where."""

    def __init__(self, message: str, *, line: int = 1, column: int = 1) -> None:
        super().__init__(f"{message} (line {line}, column {column})")
        self.message = message
        self.line = line
        self.column = column


def decode_json(body: bytes) -> object:
    """Decode UTF-8 JSON: whole numbers as exact int, numbers with a point or exponent as Decimal.

    Of a repeated key the last value wins. NaN and Infinity, invalid UTF-8, integers of thousands of
    digits, nesting deeper than MAX_DEPTH and more than MAX_CONTAINERS raise MalformedJSON. A lone
    surrogate escape is legal JSON and comes through in the string; such a string cannot be encoded, so
    whoever stores it has to refuse it. A Decimal may carry any exponent: never turn one into an int
    unchecked.
    """
    if too_many_containers(body):
        raise MalformedJSON(f"More than {MAX_CONTAINERS} objects and arrays")
    try:
        value = _decode_fast(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        value = _decode_slowly(body)
    except RecursionError:
        raise _too_deep() from None
    except decimal.InvalidOperation:
        raise MalformedJSON("Number with an exponent out of range") from None
    if deeper_than(value, MAX_DEPTH):
        raise _too_deep()
    return value


def too_many_containers(body: bytes) -> bool:
    """Tell whether a body opens more than MAX_CONTAINERS objects and arrays; brackets in strings do not count."""
    if len(body) <= MAX_CONTAINERS or body.count(b"[") + body.count(b"{") <= MAX_CONTAINERS:
        return False
    bare = _STRING.sub(b"", body)
    return bare.count(b"[") + bare.count(b"{") > MAX_CONTAINERS


def deeper_than(value: object, limit: int) -> bool:
    """Tell whether objects and arrays nest more than `limit` levels, without recursion."""
    level = [value] if type(value) in (dict, list) else []
    for _ in range(limit):
        if not level:
            return False
        level = [
            child
            for container in level
            for child in (container.values() if type(container) is dict else container)  # type: ignore[attr-defined]
            if type(child) is dict or type(child) is list
        ]
    return bool(level)


def _decode_fast(body: bytes) -> object:
    try:
        return _decoder.decode(body)
    except decimal.InvalidOperation:
        return _patient_decoder.decode(body)


def _decode_slowly(body: bytes) -> object:
    """Decode what the fast decoder refused: for its lone surrogates, or for the place of the fault."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        line, column = _position(body, error.start)
        raise MalformedJSON("Invalid UTF-8", line=line, column=column) from None
    try:
        return json.loads(text, parse_float=_decimal, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise MalformedJSON(error.msg, line=error.lineno, column=error.colno) from None
    except MalformedJSON:
        raise
    except RecursionError:
        raise _too_deep() from None
    except decimal.InvalidOperation:
        raise MalformedJSON("Number with an exponent out of range") from None
    except ValueError:  # Python's own limit on the digits of an integer
        raise MalformedJSON("Integer with too many digits") from None


def _refuse_constant(name: str) -> object:
    raise MalformedJSON(f"{name} is not a JSON value")


def _too_deep() -> MalformedJSON:
    return MalformedJSON(f"Nested deeper than {MAX_DEPTH} levels")


def _position(body: bytes, offset: int) -> tuple[int, int]:
    before = body[:offset]
    return before.count(b"\n") + 1, offset - before.rfind(b"\n")
