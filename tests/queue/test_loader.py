"""From an accepted batch to rows in the warehouse and figures on the pages."""

import json

import duckdb
import pytest
from django.utils import timezone

from accounts.models import Account
from integrations.models import (
    Batch,
    BatchTable,
    DailyRows,
    Integration,
    Load,
    LoadedTable,
    QueuedTable,
)
from integrations.queue.accepting import accept_batch
from integrations.queue.loader import load_next

pytestmark = pytest.mark.django_db(transaction=True)


def push_bikes(token, records, *, table="bikes", sequence=1, key="id"):
    """Accept a `/batch` body with the records, each with the given sequence."""
    body = {
        "table_name": table,
        "schema": {"properties": {"id": {"type": "integer"}, "dock": {"type": ["null", "string"]}}},
        "key_names": [key],
        "messages": [{"action": "upsert", "sequence": sequence, "data": record} for record in records],
    }
    return accept_batch(
        token=token,
        kind="batch",
        body=json.dumps(body).encode(),
        tables=[(table, len(records))],
        received_at=timezone.now(),
    )


def rows(token, table="bikes"):
    integration = token.integration
    path = integration.account.destinations.get().file_path
    with duckdb.connect(str(path), read_only=True) as connection:
        query = f'SELECT id, dock FROM "{integration.schema_name}"."{table}" ORDER BY id'
        return connection.execute(query).fetchall()


def test_an_accepted_batch_is_loaded_recorded_and_marked(token, queue):
    began = timezone.now()
    push_bikes(token, [{"id": 1, "dock": "Quay"}, {"id": 2, "dock": None}])

    assert load_next()
    assert not load_next()

    assert rows(token) == [(1, "Quay"), (2, None)]
    share = BatchTable.objects.get()
    assert (share.state, share.inserted, share.updated, share.superseded, share.rejected) == (
        "loaded",
        2,
        0,
        0,
        0,
    )
    load = Load.objects.get()
    assert (load.status, load.batches, load.received, load.rows, load.pending_shares) == (
        "success",
        1,
        2,
        2,
        None,
    )
    table = LoadedTable.objects.get()
    assert (table.name, table.root, table.row_count) == ("bikes", "bikes", 2)
    assert DailyRows.objects.get().rows == 2
    account = Account.objects.get()
    assert began <= account.trial_started_at <= timezone.now()
    assert Integration.objects.get().last_received_at == Batch.objects.get().received_at
    entry = QueuedTable.objects.get()
    assert (entry.lease, entry.attempts, entry.error) == (None, 0, "")
