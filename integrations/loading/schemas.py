"""Which types a JSON schema gives a field (loading.md 3.1 and 3.2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from integrations.loading.capabilities import Kind

MAX_REFERENCES = 32  # of one field; a schema may point in circles


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
    for node in _alternatives(schema, root, MAX_REFERENCES):
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


def _alternatives(schema: Any, root: Any, references: int) -> list[dict[str, Any]]:
    """Return the schema and all that it may stand for, in the order in which a value is tried."""
    if not isinstance(schema, dict):
        return []
    reference = schema.get("$ref")
    if isinstance(reference, str):
        return _alternatives(_resolve(reference, root), root, references - 1) if references else []
    found = [schema]
    for word in ("anyOf", "oneOf", "allOf"):
        branches = schema.get(word)
        if isinstance(branches, list):
            for branch in branches:
                found += _alternatives(branch, root, references - 1) if references else []
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
