"""A refused record as JSON that loads to the same values again: its message, and what goes with it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from integrations.loading.batches import UPSERT
from integrations.loading.outcomes import RefusedRecord
from integrations.loading.rejected import record_json
from integrations.loading.values import ExactDecimal, decimal_exponent

Schema = dict[str, Any]


def message_json(record: RefusedRecord) -> bytes:
    """Return the record's message. Its table version goes with it: a batch of another day may have none."""
    message = record.message
    content: dict[str, Any] = {"action": UPSERT, "sequence": message.sequence, "data": message.data}
    if message.time_extracted is not None:
        content["time_extracted"] = message.time_extracted
    version = message.table_version or record.batch.table_version
    if version is not None:
        content["table_version"] = version
    return record_json(content)


def format_json(record: RefusedRecord) -> bytes:
    """Return what a batch with this record has to say of its table: name, key, and schema.

    Where the sender gave no schema it is null, and `types` says what its values do not say in JSON.
    """
    batch = record.batch
    content: dict[str, Any] = {
        "table_name": batch.table_name,
        "key_names": list(batch.key_names),
        "schema": batch.schema,
    }
    if batch.schema is None:
        content["types"] = typed_schema(record.message.data or {})
    return record_json(content)


def typed_schema(value: Any) -> Schema:
    """Return a schema that gives values the types which their sender wrote with them (Transit).

    JSON has no instants and no exact decimals; everything else is typed by its value anyway.
    """
    if isinstance(value, dict):
        return _with_parts("properties", {name: typed_schema(child) for name, child in value.items()})
    if isinstance(value, list):
        return _with_parts("items", _any_of([typed_schema(child) for child in value]))
    if isinstance(value, datetime):
        return {"type": "string", "format": "date-time"}
    if isinstance(value, ExactDecimal):
        return {"type": "number", "multipleOf": Decimal(1).scaleb(min(decimal_exponent(value), 0))}
    return {}


def _with_parts(word: str, parts: Any) -> Schema:
    if word == "properties":
        parts = {name: schema for name, schema in parts.items() if schema}
    return {word: parts} if parts else {}


def _any_of(schemas: list[Schema]) -> Schema:
    different: list[Schema] = []
    for schema in schemas:
        if schema and schema not in different:
            different.append(schema)
    return different[0] if len(different) == 1 else {"anyOf": different} if different else {}
