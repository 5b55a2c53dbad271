"""A signed-in member, and numbers that somebody really loaded."""

from contextlib import ExitStack
from datetime import timedelta

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations.models import (
    Batch,
    BatchTable,
    DailyRows,
    Integration,
    Load,
    LoadedTable,
    LoadStatus,
    QueuedTable,
)
from tests.factories import make_account, make_integration, make_member


@pytest.fixture
def account(db):
    return make_account(period_anchor=timezone.now() - timedelta(days=10))


@pytest.fixture
def member(account):
    return make_member(account, password="correct horse battery staple")


@pytest.fixture
def integration(account, member):
    return make_integration(account, display_name="Customer Records", schema_name="customer_records")


@pytest.fixture
def browser(client, member):
    """A browser in which the member has just signed in."""
    client.force_login(member)
    return client


def page(integration: Integration, name: str) -> str:
    """Return the address of one of an integration's pages."""
    return f"/client/{integration.account.client_id}/pipeline/connections/{integration.pk}/{name}"


def load_rows(integration: Integration, table: str, rows: int, *, ago=timedelta(0), **fields) -> Load:
    """Record a load of the table, as the loader does."""
    at = timezone.now() - ago
    same = {"account": integration.account, "integration": integration}
    failed = fields.get("status") == LoadStatus.ERROR
    if not failed:
        LoadedTable.objects.update_or_create(
            **same,
            name=table,
            defaults={
                "root": table,
                "columns": [["_sdc_batched_at", "TIMESTAMP WITH TIME ZONE"], ["id", "BIGINT"]],
                "row_count": rows,
                "first_loaded_at": at,
                "last_loaded_at": at,
            },
        )
        daily, _ = DailyRows.objects.get_or_create(**same, table_name=table, day=at.date())
        daily.rows += rows
        daily.save()
    fields = {"status": LoadStatus.SUCCESS, "last_received_at": at} | fields
    return Load.objects.create(
        **same, table_name=table, started_at=at, finished_at=at, rows=0 if failed else rows, **fields
    )


def make_waiting(integration: Integration, table: str, records: int, *, error="", scope="") -> QueuedTable:
    """Put an accepted share into the queue's index."""
    now = timezone.now()
    queued = QueuedTable.objects.create(
        account_id=integration.account_id,
        integration_id=integration.pk,
        table_name=table,
        name_digest=table,
        not_before=now + timedelta(minutes=4),
        error=error,
        error_scope=scope,
        failing_since=now - timedelta(hours=3) if error else None,
    )
    batch = Batch.objects.create(
        account_id=integration.account_id,
        integration_id=integration.pk,
        token_id=1,
        kind="batch",
        received_at=now - timedelta(hours=2),
        records=records,
        size=1,
        segment="segment",
        offset=0,
        checksum=0,
    )
    BatchTable.objects.create(
        batch=batch,
        queued_table=queued,
        account_id=integration.account_id,
        integration_id=integration.pk,
        table_name=table,
        records=records,
    )
    return queued


def queries_of(browser, url: str) -> int:
    """Return how many queries a page costs, over all databases: on SQLite the queue has one of its own."""
    with ExitStack() as stack:
        captured = [stack.enter_context(CaptureQueriesContext(each)) for each in connections.all()]
        assert browser.get(url).status_code == 200
    return sum(len(queries) for queries in captured)


def text_of(response) -> str:
    """Return the words of a page, blanks evened out, without its markup."""
    import re
    from html import unescape

    bare = re.sub(r"<(script|style)\b.*?</\1>", " ", response.content.decode(), flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", bare)).split())
