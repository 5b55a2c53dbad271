"""From the bytes of an accepted request to batches of one table."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from integrations.loading.batches import Message, TableBatch
from integrations.loading.reading import read_table_batches

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


def read(kind: str, content: Any) -> list[TableBatch]:
    return read_table_batches(kind=kind, body=json.dumps(content).encode(), batch_id="b", received_at=NOON)


def test_a_batch_with_all_that_clients_send() -> None:
    content = {
        "table_name": "bikes",
        "schema": {"properties": {"id": {"type": "integer", "multipleOf": 0.1}}},
        "key_names": ["id"],
        "table_version": 7,
        "bookmark_names": ["id"],
        "messages": [
            {
                "action": "upsert",
                "sequence": 5,
                "data": {"id": 1.5},
                "time_extracted": "2024-02-03T04:05:06Z",
            },
            {"action": "activate_version", "sequence": 6},
        ],
    }
    schema = {"properties": {"id": {"type": "integer", "multipleOf": Decimal("0.1")}}}
    messages = [
        Message(0, "upsert", 5, {"id": Decimal("1.5")}, "2024-02-03T04:05:06Z"),
        Message(1, "activate_version", 6, None),
    ]
    assert read("batch", content) == [TableBatch("b", "bikes", NOON, ("id",), schema, messages, 7, ("id",))]


def test_a_batch_without_key() -> None:
    content = {"table_name": "t", "schema": {}, "messages": [{"action": "upsert", "sequence": 1, "data": {}}]}
    for key in ({}, {"key_names": []}, {"key_names": None}):
        assert read("batch", content | key)[0].key_names == ()


def test_a_push_is_split_by_table_and_key() -> None:
    def record(table: str, sequence: int, key: list[str], **more: Any) -> dict[str, Any]:
        facts = {"client_id": 7, "table_name": table, "sequence": sequence, "key_names": key}
        return {**facts, "action": "upsert", "data": {"id": sequence}, "namespace": None, **more}

    batches = read(
        "push",
        [
            record("a", 1, ["id"]),
            record("b", 2, ["id"], table_version=0),
            record("a", 3, ["id"], table_version=9),
            {"client_id": 7, "table_name": "a", "sequence": 4, "action": "switch_view", "table_version": 9},
            record("a", 5, []),
        ],
    )
    assert [(part.table_name, part.key_names, part.schema) for part in batches] == [
        ("a", ("id",), None),
        ("b", ("id",), None),
        ("a", (), None),
    ]
    assert batches[0].messages == [
        Message(0, "upsert", 1, {"id": 1}),
        Message(2, "upsert", 3, {"id": 3}, None, 9),
        Message(3, "activate_version", 4, None, None, 9),
    ]
    assert [message.index for part in batches for message in part.messages] == [0, 2, 3, 1, 4]
