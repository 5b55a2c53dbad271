"""Write the catalog that a tap runs with: what it discovered, with what is chosen, for taps of any age."""

from __future__ import annotations

import json
from typing import Any

from integrations.models import Integration, Stream
from integrations.services.stream_metadata import (
    NO_FIELDS,
    fields_of,
    forced_method,
    is_view,
    key_properties,
    stream_choice,
)

FULL_TABLE, INCREMENTAL, LOG_BASED = "FULL_TABLE", "INCREMENTAL", "LOG_BASED"


def catalog_for_run(integration: Integration) -> dict[str, Any]:
    """Return the Singer catalog of a run, with every stream of the latest discovery.

    Whether a stream and a field are replicated is said outright, in the metadata and in the schema, where older
    taps look: no tap has to know the rule (connect-api.md 4.2).
    """
    found = Stream.objects.filter(integration=integration).found().order_by("pk")
    return {
        "streams": [entry_for_run(stream, integration.properties) for stream in found.iterator(chunk_size=50)]
    }


def entry_for_run(stream: Stream, properties: dict[str, str]) -> dict[str, Any]:
    """Return one stream's entry of the catalog."""
    selected = stream.is_selected is True
    of_stream = {**stream.metadata, **stream_choice(stream), "selected": selected}
    method = method_of(stream, properties)
    of_stream.pop("replication-method", None)
    if method:
        of_stream["replication-method"] = method
    schema = json.loads(stream.schema)
    schema["selected"] = selected
    metadata = [{"breadcrumb": [], "metadata": {k: v for k, v in of_stream.items() if v is not None}}]
    at_top = set()
    for field in fields_of(stream):
        at_top.add(field.key)
        replicates = selected and field.replicates
        metadata.append(
            {
                "breadcrumb": json.loads(field.key),
                "metadata": {**field.metadata, "inclusion": field.inclusion, "selected": replicates},
            }
        )
        if isinstance(column := properties_of_schema(schema).get(field.name), dict):
            column["selected"] = replicates
    for key in dict.fromkeys([*stream.field_metadata, *stream.chosen]):
        if key not in at_top and key in stream.field_metadata:
            below = {**stream.field_metadata[key], **stream.chosen.get(key, NO_FIELDS)}
            metadata.append({"breadcrumb": json.loads(key), "metadata": below})
    entry = {
        "tap_stream_id": stream.tap_stream_id,
        "stream": stream.tap_stream or stream.stream_name,
        "table_name": stream.metadata.get("table-name") or stream.tap_stream or stream.stream_name,
        "key_properties": key_properties(stream),
        "schema": schema,
        "metadata": metadata,
        "is_view": is_view(stream),
        "replication_method": method or forced_method(stream),
        "replication_key": of_stream.get("replication-key"),
        "row_count": stream.metadata.get("row-count"),
    }
    return {key: value for key, value in entry.items() if value is not None}


def properties_of_schema(schema: dict[str, Any]) -> dict[str, Any]:
    properties = schema.get("properties")
    return properties if isinstance(properties, dict) else {}


def method_of(stream: Stream, properties: dict[str, str]) -> str | None:
    """Return the method that is told to the tap: the chosen one, the tap's own, or a database's default.

    Where the source prescribes it nothing is told (4.3). A table of a database always needs one.
    """
    if forced_method(stream):
        return None
    chosen = stream_choice(stream).get("replication-method") or stream.metadata.get("replication-method")
    if chosen or "database-name" not in stream.metadata:
        return str(chosen) if chosen else None
    if properties.get("default_replication_method") in (FULL_TABLE, INCREMENTAL, LOG_BASED):
        return properties["default_replication_method"]
    log_based = properties.get("use_log_based_replication") == "true" and not is_view(stream)
    return LOG_BASED if log_based else FULL_TABLE
