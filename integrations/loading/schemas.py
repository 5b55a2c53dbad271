"""Which types a JSON schema gives a field (loading.md 3.1 and 3.2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from integrations.loading.capabilities import Kind

MAX_REFERENCES = 32  # one behind the other
MAX_ALTERNATIVES = 1000  # of one field


@dataclass(frozen=True, slots=True)
class FieldTypes:
    """What one field may hold. Without `kinds` its values are typed one by one."""

    kinds: tuple[Kind, ...] = ()
    decimals: int = 0  # of multipleOf
    properties: dict[str, Any] = field(default_factory=dict)
    others: Any = None  # the schema of undeclared properties
    items: Any = None


UNDECLARED = FieldTypes()


def field_types(schema: Any, root: Any) -> FieldTypes:
    """Read one field's schema; `root` is the whole document, for its references."""
    kinds: list[Kind] = []
    decimals = 0
    properties: dict[str, Any] = {}
    others = items = None
    for node in _alternatives(schema, root):
        for kind in _kinds(node):
            if kind not in kinds:
                kinds.append(kind)
        if "multipleOf" in node:
            decimals = max(decimals, decimals_of(node["multipleOf"]))
        if isinstance(node.get("properties"), dict):
            properties = {**node["properties"], **properties}
        if others is None and isinstance(node.get("additionalProperties"), dict):
            others = node["additionalProperties"]
        if items is None and isinstance(node.get("items"), dict):
            items = node["items"]
    return FieldTypes(tuple(kinds), decimals, properties, others, items)


def decimals_of(number: Any) -> int:
    """Return how many decimals a number is written with: 2 of 0.01."""
    exponent = Decimal(str(number)).normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _alternatives(schema: Any, root: Any) -> list[dict[str, Any]]:
    """Return the schema and all that it may stand for, in the order in which a value is tried.

    Each part counts once, however many references lead to it: they may double, or go round in circles.
    """
    found: list[dict[str, Any]] = []
    seen: set[int] = set()
    waiting = [(schema, MAX_REFERENCES)]
    while waiting and len(found) < MAX_ALTERNATIVES:
        node, references = waiting.pop()
        if not isinstance(node, dict) or id(node) in seen:
            continue
        seen.add(id(node))
        reference = node.get("$ref")
        if isinstance(reference, str):
            branches = [_resolve(reference, root)]
        else:
            found.append(node)
            branches = [
                branch
                for word in ("anyOf", "oneOf", "allOf")
                if isinstance(node.get(word), list)
                for branch in node[word]
            ]
        if references:
            waiting += [(branch, references - 1) for branch in reversed(branches)]
    return found


def _resolve(reference: str, root: Any) -> Any:
    """Follow a reference inside the document; one to elsewhere says nothing about types."""
    if not reference.startswith("#"):
        return None
    node = root
    for part in reference.lstrip("#").strip("/").split("/"):
        if part:
            node = node.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(node, dict) else None
    return node


def _kinds(node: dict[str, Any]) -> list[Kind]:
    """Return the scalar types one schema node names; an integer is tried as integer first."""
    named = node.get("type")
    names = named if isinstance(named, list) else [named]
    kinds = []
    if "integer" in names:
        kinds.append(Kind.BIGINT)
    if "number" in names:
        kinds.append(Kind.DECIMAL if "multipleOf" in node else Kind.DOUBLE)
    if "boolean" in names:
        kinds.append(Kind.BOOLEAN)
    if "string" in names:
        kinds.append(Kind.TIMESTAMP if node.get("format") == "date-time" else Kind.STRING)
    return kinds
