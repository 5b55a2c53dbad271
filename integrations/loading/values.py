"""One value at a time: which type class it has, whether it fits, and how it is staged."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Context, Decimal
from typing import Any

from integrations.loading.capabilities import Capabilities, Kind
from integrations.loading.timestamps import parse_timestamp

Convert = Callable[[Any], Any] | None  # None: staged as it is

GREATEST_BIGINT = 2**63 - 1
LEAST_BIGINT = -(2**63)
EXACT_IN_DOUBLE = 2**53
SAFE_EXPONENT = 308  # a decimal below 1e308 cannot become infinite
MAX_INTEGER_DIGITS, MAX_DECIMALS = 131_072, 16_383  # of a decimal without bounds
WIDE = Context(prec=MAX_INTEGER_DIGITS + MAX_DECIMALS)
MAX_SHOWN = 200  # characters of an offending value in a reason


class ExactDecimal(Decimal):
    """A number its sender typed as decimal (Transit), not one that merely has a point."""


class Refused(Exception):
    """The record, or the sub row, cannot be stored; carries the reason that is shown."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


KIND_BY_CLASS = {
    int: Kind.BIGINT,
    bool: Kind.BOOLEAN,
    Decimal: Kind.DOUBLE,
    float: Kind.DOUBLE,
    ExactDecimal: Kind.DECIMAL,
    str: Kind.STRING,
    datetime: Kind.TIMESTAMP,
}

ACCEPTS: dict[type, frozenset[Kind]] = {
    int: frozenset({Kind.BIGINT, Kind.DOUBLE, Kind.DECIMAL}),
    bool: frozenset({Kind.BOOLEAN}),
    Decimal: frozenset({Kind.DOUBLE, Kind.DECIMAL}),
    float: frozenset({Kind.DOUBLE}),
    ExactDecimal: frozenset({Kind.DECIMAL, Kind.DOUBLE}),
    str: frozenset({Kind.TIMESTAMP, Kind.STRING}),
    datetime: frozenset({Kind.TIMESTAMP}),
}


def possible_kinds(value_class: type, kinds: tuple[Kind, ...]) -> tuple[Kind, ...]:
    """Return the classes a value of this Python class may get, in the order they are tried.

    The schema decides; what it does not foresee is typed by the value.
    """
    accepted = ACCEPTS[value_class]
    allowed = tuple(kind for kind in kinds if kind in accepted)
    return allowed or (KIND_BY_CLASS[value_class],)


class Converters:
    """The conversions of one destination; each returns what is staged or raises Refused."""

    def __init__(self, capabilities: Capabilities) -> None:
        self.capabilities = capabilities
        self.destination = capabilities.display_name

    def converter(self, value_class: type, kind: Kind) -> Convert:
        """Return how values of a Python class are staged for a column of a type class."""
        if kind is Kind.BIGINT:
            return self.bigint
        if kind is Kind.STRING:
            return self.text
        if kind is Kind.DOUBLE:
            return self.double_of_integer if value_class is int else self.double
        if kind is Kind.TIMESTAMP:
            return self.timestamp if value_class is str else self.instant
        return None

    def bigint(self, value: int) -> int:
        if LEAST_BIGINT <= value <= GREATEST_BIGINT:
            return value
        raise Refused(f"integer out of range for {self.destination} on {shown(value)}")

    def double(self, value: Decimal) -> Decimal | float:
        if value.__class__ is Decimal and value.adjusted() < SAFE_EXPONENT:
            return value  # staged by its digits; the engine makes it a double
        as_float = float(value)
        if as_float - as_float != 0:  # infinite, or not a number
            raise Refused(f"decimal out of range for {self.destination} on {shown(value)}")
        return as_float

    def double_of_integer(self, value: int) -> int | float:
        if -EXACT_IN_DOUBLE <= value <= EXACT_IN_DOUBLE:
            return value
        try:
            return float(value)
        except OverflowError:
            raise Refused(f"decimal out of range for {self.destination} on {shown(value)}") from None

    def decimal(self, value: Decimal | int, scale: int) -> str:
        """Return the plain digits of a number that fits a column with `scale` decimals."""
        exact = Decimal(value)
        if not exact:
            return "0"
        limit = self.capabilities.decimal_digits
        if not exact.is_finite() or exact.adjusted() >= (limit - scale if limit else MAX_INTEGER_DIGITS):
            raise Refused(f"decimal out of range for {self.destination} on {shown(value)}")
        finest = self.capabilities.decimal_max_scale if limit else MAX_DECIMALS
        if -decimal_exponent(exact) > finest:
            exact = exact.quantize(Decimal(1).scaleb(-finest), context=WIDE)
        text = format(exact, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text

    def text(self, value: str) -> str:
        if value.isascii() and (self.capabilities.stores_nul or "\0" not in value):
            return value
        if not self.capabilities.stores_nul and "\0" in value:
            raise Refused('invalid byte sequence for encoding "UTF8": 0x00')
        try:
            value.encode()
        except UnicodeEncodeError as error:
            code = ord(value[error.start])
            raise Refused(f'invalid byte sequence for encoding "UTF8": \\u{code:04x}') from None
        return value

    def timestamp(self, value: str) -> datetime | str:
        parsed = parse_timestamp(value, last_year=self.capabilities.last_year)
        if parsed is None:
            raise Refused(f"timestamp out of range for {self.destination} on {shown(value)}")
        return parsed

    def instant(self, value: datetime) -> datetime:
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def decimal_exponent(number: Decimal) -> int:
    """Return the power of ten of a finite number's last digit."""
    exponent = number.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def shown(value: Any) -> str:
    """Return an offending value as its sender wrote it, within reason, fit to be stored."""
    text = str(value)
    if isinstance(value, Decimal):
        text = text.replace("E+", "e").replace("E", "e")
    return text[:MAX_SHOWN].encode("utf-8", "backslashreplace").decode()
