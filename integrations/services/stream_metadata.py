"""What is known of a stream and its fields: the tap's metadata, what is chosen, and what follows (connect-api.md 4).

Both are dictionaries by breadcrumb; a breadcrumb is written as JSON text, `[]` for the stream itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from integrations.models import Stream

SETTABLE_KEYS = ("selected", "replication-method", "replication-key", "view-key-properties")
STREAM = "[]"
NO_FIELDS: dict[str, Any] = {}


def key_of(breadcrumb: Iterable[object]) -> str:
    """Write a breadcrumb as the key that metadata is stored under."""
    return json.dumps(list(breadcrumb))


def field_key(name: str) -> str:
    """Return the key of a field at the top of a stream."""
    return key_of(["properties", name])


@dataclass(frozen=True, slots=True)
class Field:
    """A field at the top of a stream, as the tap gave it and as it is chosen."""

    name: str
    key: str
    schema: dict[str, Any]
    metadata: dict[str, Any]
    chosen: bool | None

    @property
    def inclusion(self) -> str:
        """`automatic`, `available` or `unsupported`; older taps write it into the schema."""
        return str(self.metadata.get("inclusion") or self.schema.get("inclusion") or "available")

    @property
    def is_automatic(self) -> bool:
        return self.inclusion == "automatic"

    @property
    def is_unsupported(self) -> bool:
        return self.inclusion == "unsupported"

    @property
    def by_default(self) -> bool:
        return self.metadata.get("selected-by-default") is True

    @property
    def replicates(self) -> bool:
        """Whether it is replicated once its stream is (4.2; an explicit false excludes: 8.1 no. 6)."""
        return replicates(self, self.chosen)

    @property
    def type_words(self) -> str:
        """Its type as people read it: the database's own, or that of its JSON Schema."""
        return type_words(self.schema, self.metadata)


def replicates(field: Field, chosen: bool | None) -> bool:
    """Tell whether a field of a selected stream is replicated when its own `selected` is `chosen`."""
    if field.is_automatic or field.is_unsupported:
        return field.is_automatic
    return field.by_default if chosen is None else chosen


def fields_of(stream: Stream) -> list[Field]:
    """Return the fields at the top of a stream, in the order of its schema."""
    properties = properties_of(stream)
    names = list(properties)
    for key in stream.field_metadata:
        breadcrumb = json.loads(key)
        if len(breadcrumb) == 2 and breadcrumb[0] == "properties" and breadcrumb[1] not in properties:
            names.append(breadcrumb[1])
    return [make_field(stream, name, properties.get(name)) for name in names]


def make_field(stream: Stream, name: str, schema: object) -> Field:
    key = field_key(name)
    return Field(
        name=name,
        key=key,
        schema=schema if isinstance(schema, dict) else {},
        metadata=stream.field_metadata.get(key, NO_FIELDS),
        chosen=stream.chosen.get(key, NO_FIELDS).get("selected"),
    )


def properties_of(stream: Stream) -> dict[str, Any]:
    """Return the JSON Schemas of a stream's fields."""
    schema = json.loads(stream.schema)
    properties = schema.get("properties") if isinstance(schema, dict) else None
    return properties if isinstance(properties, dict) else {}


def type_words(schema: object, metadata: dict[str, Any]) -> str:
    """Return a field's type in words: `character varying`, `integer`, `string (date-time)`, `object or string`."""
    if sql_type := metadata.get("sql-datatype"):
        return str(sql_type)
    if not isinstance(schema, dict):
        return "any"
    options = [option for key in ("anyOf", "oneOf") for option in as_list(schema.get(key))]
    if options:
        words = [type_words(option, {}) for option in options]
        return " or ".join(dict.fromkeys(word for word in words if word != "null")) or "null"
    kinds = [str(kind) for kind in as_list(schema.get("type")) if kind != "null"]
    word = " or ".join(kinds) or ("null" if "type" in schema else "any")
    form = schema.get("format")
    return f"{word} ({form})" if form and form != "singer.decimal" else word


def as_list(value: object) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def stream_choice(stream: Stream) -> dict[str, Any]:
    """Return what is chosen of the stream itself."""
    return dict(stream.chosen.get(STREAM, NO_FIELDS))


def is_view(stream: Stream) -> bool:
    return stream.metadata.get("is-view") is True


def forced_method(stream: Stream) -> str | None:
    """Return the replication method that the source prescribes, or None; some taps wrap it in an object."""
    forced = stream.metadata.get("forced-replication-method")
    if isinstance(forced, dict):
        forced = forced.get("replication-method")
    return str(forced) if forced else None


def merged_metadata(stream: Stream) -> list[dict[str, Any]]:
    """Return the catalog's metadata with what is chosen: one entry of the stream, one of each field.

    `selected` stands in each; null where nobody chose, and on the fields of a stream that is not selected (8.1 no. 7).
    """
    of_stream = {**stream.metadata, "selected": None, **stream.chosen.get(STREAM, NO_FIELDS)}
    entries = [{"breadcrumb": [], "metadata": of_stream}]
    keys = dict.fromkeys([field.key for field in fields_of(stream)])
    keys.update(dict.fromkeys(stream.field_metadata))
    for key in keys:
        metadata = {
            **stream.field_metadata.get(key, NO_FIELDS),
            "selected": None,
            **stream.chosen.get(key, NO_FIELDS),
        }
        if of_stream["selected"] is not True:
            metadata["selected"] = None
        entries.append({"breadcrumb": json.loads(key), "metadata": metadata})
    return entries


def key_properties(stream: Stream) -> list[str]:
    """Return the primary key: the table's own, or the one chosen for a view."""
    chosen = stream_choice(stream).get("view-key-properties") if is_view(stream) else None
    return [str(name) for name in as_list(chosen or stream.metadata.get("table-key-properties"))]
