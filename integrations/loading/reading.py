"""From the bytes of an accepted request to batches of one table. The Import API has validated them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any, cast

import msgspec

from integrations.loading import partial
from integrations.loading.batches import (
    ACTIVATE_VERSION,
    UPSERT,
    Message,
    PlainMessages,
    SetAside,
    TableBatch,
)
from integrations.loading.decoding import decode_json
from integrations.loading.plain import plan_of, read_header
from integrations.loading.transit import decode_transit

BATCH = "batch"
PUSH = "push"
PARTIAL = "partial"  # a batch of which some records are set aside
TRANSIT = "transit"  # a push in that encoding
ACTIVATIONS = {ACTIVATE_VERSION, "switch_view"}  # the second is the older clients' word


def read_table_batches(*, kind: str, body: bytes, batch_id: str, received_at: datetime) -> list[TableBatch]:
    """Return what an accepted request holds, one batch per table and key, in the order they first appear."""
    set_aside: dict[int, SetAside] = {}
    if kind == PARTIAL:
        set_aside, body = partial.split(body)
    content = decode_transit(body) if kind == TRANSIT else decode_json(body)
    if kind in (BATCH, PARTIAL):
        batch = table_batch(cast(dict[str, Any], content), batch_id=batch_id, received_at=received_at)
        messages = list(batch.messages)
        for index, fault in set_aside.items():
            messages[index] = replace(messages[index], set_aside=fault)
        return [replace(batch, messages=messages)]
    return push_batches(cast(list[dict[str, Any]], content), batch_id=batch_id, received_at=received_at)


def plain_table_batch(
    *, body: bytes, records: int, batch_id: str, received_at: datetime
) -> TableBatch | None:
    """Return the batch of a body that is known to be plain without reading its messages.

    None when its schema is not plain to this release: then the body is read like any other.
    """
    try:
        header = read_header(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    plan = plan_of(bytes(header.schema), tuple(dict.fromkeys(header.key_names)))
    if plan is None:
        return None
    return TableBatch(
        batch_id=batch_id,
        table_name=header.table_name,
        received_at=received_at,
        key_names=tuple(header.key_names),
        schema=_schema_document(plan.schema),
        messages=PlainMessages(header.messages, count=records, plan=plan, reader=_read_messages),
        table_version=header.table_version,
        bookmark_names=tuple(header.bookmark_names or ()),
    )


@lru_cache(maxsize=64)
def _schema_document(schema: bytes) -> dict[str, Any]:
    return cast(dict[str, Any], decode_json(schema))


def _read_messages(raw: bytes) -> list[Message]:
    return [message(index, entry) for index, entry in enumerate(cast(list[dict[str, Any]], decode_json(raw)))]


def table_batch(content: dict[str, Any], *, batch_id: str, received_at: datetime) -> TableBatch:
    """Return the one batch of a `/batch` body."""
    return TableBatch(
        batch_id=batch_id,
        table_name=content["table_name"],
        received_at=received_at,
        key_names=tuple(content.get("key_names") or ()),
        schema=content["schema"],
        messages=[message(index, entry) for index, entry in enumerate(content["messages"])],
        table_version=content.get("table_version"),
        bookmark_names=tuple(content.get("bookmark_names") or ()),
    )


def push_batches(content: list[dict[str, Any]], *, batch_id: str, received_at: datetime) -> list[TableBatch]:
    """Split a `/push` body by table, and by key where one table is named with two."""
    gathered: dict[tuple[str, tuple[str, ...]], list[Message]] = {}
    keys: dict[str, tuple[str, ...]] = {}
    for index, entry in enumerate(content):
        table = entry["table_name"]
        names = entry.get("key_names")
        if names is None:  # a switch_view has no key: it belongs with the records before it
            key = keys.get(table, ())
        else:
            key = keys[table] = tuple(names)
        gathered.setdefault((table, key), []).append(message(index, entry))
    return [
        TableBatch(batch_id, table, received_at, key, None, messages)
        for (table, key), messages in gathered.items()
    ]


def message(index: int, entry: dict[str, Any]) -> Message:
    """Return one message of either body."""
    activates = entry["action"] in ACTIVATIONS
    return Message(
        index=index,
        action=ACTIVATE_VERSION if activates else UPSERT,
        sequence=entry["sequence"],
        data=None if activates else entry.get("data"),
        time_extracted=entry.get("time_extracted"),
        table_version=entry.get("table_version"),
    )
