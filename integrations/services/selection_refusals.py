"""What is refused of a request that chooses streams and fields, with the documented texts (connect-api.md 2.7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accounts.errors import DomainError
from integrations.models import Integration, SetUpStep, Stream
from integrations.services.discovered_catalog import has_nul
from integrations.services.stream_metadata import SETTABLE_KEYS, STREAM, fields_of, key_of

MAX_TEXT = 1_000  # characters of a value that is set
METHODS = ("FULL_TABLE", "INCREMENTAL", "LOG_BASED")


class NotChoosable(DomainError):
    """The source is not ready to choose from: its connection was not checked, or it has nothing to choose."""

    code, status = "not_choosable", 400

    def __init__(self, integration: Integration) -> None:
        if integration.is_push:
            text = "Programs choose the tables of an Import API integration by sending to them."
        elif integration.step == SetUpStep.FORM:
            text = "Fill in the connection of this integration first; it cannot be checked yet."
        else:
            text = "Streams and fields can be chosen after a connection check that went well."
        super().__init__(text)


class MetadataBodyRefused(DomainError):
    """`streams`, `breadcrumb` or `metadata` is missing, or none of what it must be."""

    code = "invalid_metadata_body"
    message = "body must contain a 'streams' property with a list of metadatas by tap_stream_id"


class FieldsRefused(DomainError):
    """One of the refusals that are answered under `invalid_fields`."""

    code = "invalid_fields"


class UnknownStreams(FieldsRefused):
    def __init__(self, ids: list[object]) -> None:
        super().__init__(f"invalid tap-stream-ids:  [{' '.join(printed(text) for text in ids)}]")


class KeysNotSettable(FieldsRefused):
    def __init__(self, names: list[str]) -> None:
        listed = " ".join(f'"{name}"' for name in names)
        super().__init__(f"only non-discoverable metadata can be produced by the UI: #{{{listed}}}")


class UnsupportedSelected(FieldsRefused):
    message = "Unsupported fields cannot be selected by default"


def printed(text: object) -> str:
    return "nil" if text is None else str(text)


def check_shape(streams: object) -> list[dict[str, Any]]:
    """Return the entries, each with `tap_stream_id` (None when missing) and `metadata`; or refuse the body."""
    if not isinstance(streams, list) or not streams:
        raise MetadataBodyRefused
    entries = []
    for entry in streams:
        items = entry.get("metadata") if isinstance(entry, dict) else None
        if not isinstance(items, list) or not all(map(is_item, items)):
            raise MetadataBodyRefused
        entries.append({"tap_stream_id": entry.get("tap_stream_id"), "metadata": items})
    return entries


def is_item(item: object) -> bool:
    """Tell whether an entry of metadata has a breadcrumb of texts and an object of values."""
    if not isinstance(item, dict) or not isinstance(item.get("metadata"), dict):
        return False
    breadcrumb = item.get("breadcrumb")
    return isinstance(breadcrumb, list) and all(isinstance(part, str) for part in breadcrumb)


def check_stream_ids(entries: list[dict[str, Any]], known: Mapping[str, Stream]) -> None:
    ids = [entry["tap_stream_id"] for entry in entries]
    unknown = [text for text in ids if not isinstance(text, str) or text not in known]
    if unknown:
        raise UnknownStreams(unknown)


def check_entries(entries: list[dict[str, Any]], known: Mapping[str, Stream]) -> None:
    """Refuse keys that the tap alone sets, fields that it does not support or know, and values of a wrong type.

    A field that is not there is refused although the reference would keep it: a typing error shows, and what is
    kept of a stream stays bounded. One that was chosen before it vanished is let through.
    """
    items = [(known[entry["tap_stream_id"]], item) for entry in entries for item in entry["metadata"]]
    keys = dict.fromkeys(key for _, item in items for key in item["metadata"])
    if strange := [key for key in keys if key not in SETTABLE_KEYS]:
        raise KeysNotSettable(strange)
    for stream, item in items:
        check_values(stream, item["metadata"])
    of_streams: dict[int, list[dict[str, Any]]] = {}
    for stream, item in items:
        of_streams.setdefault(stream.pk, []).append(item)
    for stream in {stream.pk: stream for stream, _ in items}.values():
        check_fields(stream, of_streams[stream.pk])


def check_fields(stream: Stream, items: list[dict[str, Any]]) -> None:
    """Refuse fields of a stream that are not there, and the selection of what the tap cannot read."""
    unsupported = {field.key for field in fields_of(stream) if field.is_unsupported}
    known = {field.key for field in fields_of(stream)} | {*stream.field_metadata, *stream.chosen, STREAM}
    for item in items:
        key = key_of(item["breadcrumb"])
        if key not in known:
            raise FieldsRefused(f"unknown field of {stream.tap_stream_id}: {key}")
        nested = stream.field_metadata.get(key, {}).get("inclusion") == "unsupported"
        if item["metadata"].get("selected") is True and (key in unsupported or nested):
            raise UnsupportedSelected


def check_values(stream: Stream, values: Mapping[str, object]) -> None:
    """Refuse values that no tap could read."""
    problem = ""
    selected = values.get("selected")
    if selected is not None and not isinstance(selected, bool):
        problem = "selected must be true, false or null"
    method = values.get("replication-method")
    if method is not None and method not in METHODS:
        problem = f"replication-method must be one of {', '.join(METHODS)}, or null"
    key = values.get("replication-key")
    if key is not None and not is_text(key):
        problem = "replication-key must be the name of a field, or null"
    keys = values.get("view-key-properties")
    if keys is not None and not (isinstance(keys, list) and all(map(is_text, keys)) and len(keys) <= 100):
        problem = "view-key-properties must be a list of names of fields, or null"
    if problem:
        raise FieldsRefused(f"{stream.tap_stream_id}: {problem}")


def is_text(value: object) -> bool:
    if not isinstance(value, str) or len(value) > MAX_TEXT or has_nul(value):
        return False
    return not any("\ud800" <= character <= "\udfff" for character in value)
