"""Put ordinary batches into the queue, as the gateway does."""

import json

from django.utils import timezone

from integrations.queue.accepting import accept_batch

SCHEMA = {"properties": {"id": {"type": "integer"}, "dock": {"type": ["null", "string"]}}}


def send(token, *, table="bikes", records=1, rows=None, sequence=1, keys=("id",), **more):
    """Accept a `/batch` request; `rows` are its records, or as many are made up as `records` says."""
    rows = rows if rows is not None else [{"id": number, "dock": "Quay"} for number in range(records)]
    body = {
        "table_name": table,
        "schema": SCHEMA,
        "key_names": list(keys),
        **more,
        "messages": [{"action": "upsert", "sequence": sequence, "data": row} for row in rows],
    }
    return accept_batch(
        token=token,
        kind="batch",
        body=json.dumps(body).encode(),
        tables=[(table, len(rows))],
        received_at=timezone.now(),
    )
