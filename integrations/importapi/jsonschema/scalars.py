"""Null, booleans, numbers, strings and enumerations."""

from collections.abc import Iterator, Sequence
from decimal import Context, Decimal

from integrations.importapi.jsonschema.effort import Pattern, spend
from integrations.importapi.jsonschema.failures import Failure, Path, gather
from integrations.importapi.jsonschema.formats import FORMATS
from integrations.importapi.jsonschema.nodes import Accepts, wrong_type
from integrations.importapi.jsonschema.values import (
    INT64,
    as_double,
    double_text,
    frozen,
    number_text,
    type_name,
    value_text,
)


class Null:
    def __init__(self) -> None:
        self.accepts: Accepts = lambda value: value is None

    def explain(self, value: object, path: Path) -> Failure | None:
        return None if value is None else Failure(path, f"expected: null, found: {type_name(value)}")


class Boolean:
    def __init__(self) -> None:
        self.accepts: Accepts = lambda value: value is True or value is False

    def explain(self, value: object, path: Path) -> Failure | None:
        return None if self.accepts(value) else wrong_type(path, "Boolean", value)


class Enum:
    """One of the given values, compared deeply; `1` and `1.0` differ."""

    def __init__(self, members: Sequence[object]) -> None:
        allowed = frozenset(map(frozen, members))
        self.accepts: Accepts = lambda value: frozen(value) in allowed

    def explain(self, value: object, path: Path) -> Failure | None:
        if self.accepts(value):
            return None
        return Failure(path, f"{value_text(value)} is not a valid enum value")


# double and divisor have at most 17 digits each, between 1e-324 and 1e308: the quotient fits
_EXACT = Context(prec=700)


class Number:
    """`number` and `integer`; of minimum, maximum and multipleOf only the first failing one is told."""

    def __init__(
        self,
        *,
        required: bool,
        whole: bool = False,
        minimum: int | Decimal | None = None,
        maximum: int | Decimal | None = None,
        above: bool = False,
        below: bool = False,
        multiple_of: int | Decimal | None = None,
    ) -> None:
        self.required = required
        self.whole = whole
        self.minimum, self.maximum, self.multiple_of = minimum, maximum, multiple_of
        self.above, self.below = above, below
        self.divisor = None if multiple_of is None else Decimal(repr(as_double(multiple_of)))
        self.accepts = self._compile()

    def _compile(self) -> Accepts:
        bounded = not (self.minimum is None and self.maximum is None and self.multiple_of is None)

        def accepts(value: object) -> bool:
            kind = type(value)
            if kind is int:
                if self.whole and not -INT64 <= value < INT64:  # type: ignore[operator]
                    return False
            elif kind is Decimal or kind is float:
                if self.whole:
                    return False
            else:
                return not self.required
            return not bounded or self._violation(value) is None  # type: ignore[arg-type]

        return accepts

    def explain(self, value: object, path: Path) -> Failure | None:
        if isinstance(value, bool) or not isinstance(value, int | Decimal | float):
            return wrong_type(path, "Number", value) if self.required else None
        if self.whole and type_name(value) in ("Double", "BigInteger"):
            return wrong_type(path, "Integer", value)
        text = self._violation(value)
        return None if text is None else Failure(path, text)

    def _violation(self, value: int | Decimal | float) -> str | None:
        number = as_double(value)
        if self.minimum is not None:
            minimum = as_double(self.minimum)
            if self.above and number <= minimum:
                return f"{double_text(number)} is not higher than {number_text(self.minimum)}"
            if number < minimum:
                return f"{double_text(number)} is not higher or equal to {number_text(self.minimum)}"
        if self.maximum is not None:
            maximum = as_double(self.maximum)
            if self.below and number >= maximum:
                return f"{double_text(number)} is not lower than {number_text(self.maximum)}"
            if number > maximum:
                return f"{double_text(number)} is not lower or equal to {number_text(self.maximum)}"
        if self.multiple_of is not None and not self._divides(number):
            return f"{double_text(number)} is not a multiple of {number_text(self.multiple_of)}"
        return None

    def _divides(self, number: float) -> bool:
        exact = Decimal(repr(number))
        return exact.is_finite() and _EXACT.remainder(exact, self.divisor or Decimal(1)) == 0


class String:
    def __init__(
        self,
        *,
        required: bool,
        min_length: int | None = None,
        max_length: int | None = None,
        pattern: Pattern | None = None,
        format_name: str | None = None,
    ) -> None:
        self.required = required
        self.min_length, self.max_length, self.pattern = min_length, max_length, pattern
        self.format = FORMATS.get(format_name or "")
        self.accepts = self._compile()

    def _compile(self) -> Accepts:
        required, pattern = self.required, self.pattern
        shortest, longest = self.min_length or 0, self.max_length
        if self.min_length is None and longest is None and pattern is None and self.format is None:
            return lambda value: type(value) is str or not required
        is_valid = self.format[0] if self.format is not None else None

        def accepts(value: object) -> bool:
            if not isinstance(value, str):
                return not required
            length = len(value)
            spend(1 + length // 16)
            return (
                length >= shortest
                and (longest is None or length <= longest)
                and (pattern is None or pattern.search(value))
                and (is_valid is None or is_valid(value))
            )

        return accepts

    def explain(self, value: object, path: Path) -> Failure | None:
        if not isinstance(value, str):
            return wrong_type(path, "String", value) if self.required else None
        return gather(path, self._violations(value, path))

    def _violations(self, value: str, path: Path) -> Iterator[Failure]:
        length = len(value)
        if self.min_length is not None and length < self.min_length:
            yield Failure(path, f"expected minLength: {self.min_length}, actual: {length}")
        if self.max_length is not None and length > self.max_length:
            yield Failure(path, f"expected maxLength: {self.max_length}, actual: {length}")
        if self.pattern is not None and not self.pattern.search(value):
            yield Failure(path, f"string [{value}] does not match pattern {self.pattern.pattern}")
        if self.format is not None and not self.format[0](value):
            yield Failure(path, f"[{value}] is not a valid {self.format[1]}")
