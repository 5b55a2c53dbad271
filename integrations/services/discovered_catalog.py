"""Read the catalog that a tap's discovery wrote; an unmodified tap of any age is understood."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from accounts.errors import DomainError
from integrations.services.stream_metadata import STREAM, as_list, field_key, key_of

MAX_STREAMS = 20_000
MAX_FIELDS = 10_000  # of one stream: the loader's own limit of columns
OLD_KEYS = {  # of a stream's entry, where taps wrote what is metadata today
    "key_properties": "table-key-properties",
    "is_view": "is-view",
    "row_count": "row-count",
    "database_name": "database-name",
    "replication_method": "replication-method",
    "replication_key": "replication-key",
}


class BadCatalog(DomainError):
    """The tap's discovery wrote something that is no catalog."""

    code, status = "bad_catalog", 422

    def __init__(self, problem: str) -> None:
        super().__init__(f"The catalog that the extractor wrote cannot be used: {problem}")


@dataclass(frozen=True, slots=True)
class FoundStream:
    """One stream of a catalog, in the form in which it is stored."""

    tap_stream_id: str
    tap_stream: str
    stream_name: str  # the table’s own name, which another schema’s may have too
    metadata: dict[str, Any]
    schema: str
    field_metadata: dict[str, Any]
    field_count: int


def read_catalog(catalog: object) -> list[FoundStream]:
    """Return the streams of a catalog, or raise BadCatalog."""
    entries = catalog.get("streams") if isinstance(catalog, dict) else None
    if not isinstance(entries, list):
        raise BadCatalog("it has no list of streams.")
    if len(entries) > MAX_STREAMS:
        raise BadCatalog(f"it has {len(entries):,} streams; at most {MAX_STREAMS:,} are possible.")
    found: dict[str, FoundStream] = {}
    for at, entry in enumerate(entries, 1):
        stream = read_stream(entry, at)
        if stream.tap_stream_id in found:
            raise BadCatalog(f"it names the stream {stream.tap_stream_id!r} twice.")
        found[stream.tap_stream_id] = stream
    return list(found.values())


def read_stream(entry: object, at: int) -> FoundStream:
    if not isinstance(entry, dict):
        raise BadCatalog(f"its stream no. {at} is no object.")
    require_storable(entry, at)
    tap_stream_id = entry.get("tap_stream_id") or entry.get("stream")
    if not isinstance(tap_stream_id, str):
        raise BadCatalog(f"its stream no. {at} has no tap_stream_id.")
    name = entry.get("stream") or entry.get("table_name") or tap_stream_id
    schema = entry.get("schema")
    schema = schema if isinstance(schema, dict) else {}
    properties = schema.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    by_key = dict(read_metadata(entry.get("metadata"), tap_stream_id))
    stream_metadata = by_key.pop(STREAM, {})
    for old, key in OLD_KEYS.items():
        if entry.get(old) not in (None, [], ""):
            stream_metadata.setdefault(key, entry[old])
    if entry.get("table_name") not in (None, "", name):
        stream_metadata.setdefault("table-name", entry["table_name"])
    if stream_metadata.get("forced-replication-method") == "":
        del stream_metadata["forced-replication-method"]  # some taps write it where nothing is prescribed
    complete_fields(by_key, properties, stream_metadata)
    for metadata in (stream_metadata, *by_key.values()):
        make_a_default_of_selected(metadata)
    names = {*properties, *(json.loads(key)[1] for key in by_key if len(json.loads(key)) == 2)}
    if len(names) > MAX_FIELDS:
        raise BadCatalog(
            f"the stream {tap_stream_id!r} has {len(names):,} fields; at most {MAX_FIELDS:,} are possible."
        )
    return FoundStream(
        tap_stream_id=tap_stream_id,
        tap_stream=str(name),
        stream_name=str(stream_metadata.get("table-name") or name),
        metadata=stream_metadata,
        schema=json.dumps(schema),
        field_metadata=by_key,
        field_count=len(names),
    )


def read_metadata(metadata: object, tap_stream_id: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give each entry of a stream's metadata with its key."""
    for entry in as_list(metadata):
        breadcrumb = entry.get("breadcrumb") if isinstance(entry, dict) else None
        known = entry.get("metadata") if isinstance(entry, dict) else None
        if (
            not isinstance(breadcrumb, list)
            or not all(isinstance(part, str) for part in breadcrumb)
            or not isinstance(known, dict)
        ):
            raise BadCatalog(f"the metadata of the stream {tap_stream_id!r} is malformed.")
        yield key_of(breadcrumb), dict(known)


def complete_fields(
    by_key: dict[str, dict[str, Any]], properties: dict[str, Any], stream_metadata: dict[str, Any]
) -> None:
    """Give the fields of a tap that writes no metadata of any what it means: all are replicated, keys always."""
    if by_key:
        return
    keys = as_list(stream_metadata.get("table-key-properties"))
    for name, schema in properties.items():
        inclusion = schema.get("inclusion") if isinstance(schema, dict) else None
        inclusion = inclusion or ("automatic" if name in keys else "available")
        by_key[field_key(name)] = {"inclusion": inclusion, "selected-by-default": True}


def make_a_default_of_selected(metadata: dict[str, Any]) -> None:
    """What a tap says of `selected` is its default; the key itself belongs to who chooses."""
    if "selected" in metadata:
        selected = metadata.pop("selected")
        if selected is not None:
            metadata.setdefault("selected-by-default", selected)


def require_storable(entry: object, at: int) -> None:
    """Refuse what no database keeps: NUL, halves of characters, numbers that are none."""
    try:
        text = json.dumps(entry, allow_nan=False)
        json.dumps(entry, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise BadCatalog(f"its stream no. {at} holds text or a number that cannot be stored.") from error
    if "\\u0000" in text and has_nul(entry):
        raise BadCatalog(f"its stream no. {at} holds a NUL character.")


def has_nul(value: object) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(has_nul(key) or has_nul(item) for key, item in value.items())
    return isinstance(value, list) and any(map(has_nul, value))
