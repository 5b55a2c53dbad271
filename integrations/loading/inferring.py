"""From sample records to the JSON Schema that a sender can use with /batch (loading.md 3.1, import-api.md 5)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from integrations.loading.timestamps import parse_timestamp
from integrations.loading.values import GREATEST_BIGINT, LEAST_BIGINT, ExactDecimal, decimal_exponent

MAX_PROPERTIES = 2_000  # a schema of more is nothing that a person would copy
MAX_DECIMALS = 300  # of multipleOf; a double can tell as many
RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?"
    r"(?:Z|[+-](?:0[0-9]|1[0-7]):[0-5][0-9])"
)
# The order in which a schema names types: what a destination tries first stands first.
ORDER = ("null", "boolean", "integer", "number", "string", "object", "array")


@dataclass(slots=True)
class Seen:
    """All values of one place in the records."""

    types: set[str] = field(default_factory=set)
    every_string_is_a_time: bool = True
    decimals: int | None = None  # of numbers that their sender typed as decimal; None: there are others
    properties: dict[str, Seen] = field(default_factory=dict)
    items: Seen | None = None

    def see(self, value: Any) -> None:
        """Take one value into account."""
        match value:
            case None:
                self.types.add("null")
            case bool():
                self.types.add("boolean")
            case int() if LEAST_BIGINT <= value <= GREATEST_BIGINT:
                self.types.add("integer")
            case int():  # to the gateway a number, not an integer
                self._see_number(Decimal(value))
            case Decimal() | float():
                self._see_number(value)
            case str():
                self.types.add("string")
                self.every_string_is_a_time = self.every_string_is_a_time and is_time(value)
            case datetime():
                self.types.add("string")
            case dict():
                self.types.add("object")
                for name, child in value.items():
                    self.properties.setdefault(name, Seen()).see(child)
            case list():
                self.types.add("array")
                if value and self.items is None:
                    self.items = Seen()
                for child in value:
                    self.items.see(child)  # type: ignore[union-attr]

    def _see_number(self, value: Decimal | float) -> None:
        typed = max(0, -decimal_exponent(value)) if isinstance(value, ExactDecimal) else None
        if "number" not in self.types:
            self.decimals = typed
        elif typed is None or self.decimals is None:
            self.decimals = None
        else:
            self.decimals = max(self.decimals, typed)
        self.types.add("number")

    def count(self) -> int:
        """Return how many fields there are, at any depth."""
        within = [*self.properties.values(), *([self.items] if self.items is not None else [])]
        return len(self.properties) + sum(seen.count() for seen in within)

    def schema(self) -> dict[str, Any]:
        """Return the schema of what was seen; every integer is a number too."""
        types = [name for name in ORDER if name in self.types]
        if "number" in types and "integer" in types:
            types.remove("integer")
        schema: dict[str, Any] = {}
        if types:
            schema["type"] = types[0] if len(types) == 1 else types
        if "number" in types and self.decimals is not None and "integer" not in self.types:
            schema["multipleOf"] = float(f"1e-{min(self.decimals, MAX_DECIMALS)}")
        if "string" in types and self.every_string_is_a_time:
            schema["format"] = "date-time"
        if "object" in types:
            schema["properties"] = {name: seen.schema() for name, seen in self.properties.items()}
        if self.items is not None:
            schema["items"] = self.items.schema()
        return schema


def infer_schema(
    records: Iterable[dict[str, Any]], *, key_names: Iterable[str] = ()
) -> dict[str, Any] | None:
    """Return a schema that all the records conform to; None when they have more than MAX_PROPERTIES fields.

    The key fields are required.
    """
    seen = Seen(types={"object"})
    for record in records:
        seen.see(record)
    if seen.count() > MAX_PROPERTIES:
        return None
    schema = seen.schema()
    required = [name for name in dict.fromkeys(key_names) if name in seen.properties]
    return schema | ({"required": required} if required else {})


def is_time(text: str) -> bool:
    """Tell whether a string is a date and time of RFC 3339 that exists, in years of four digits."""
    return RFC_3339.fullmatch(text) is not None and isinstance(
        parse_timestamp(text, last_year=9999), datetime
    )
