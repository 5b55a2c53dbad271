"""The receipt of one batch in the browser: the same facts as the API tells its sender."""

import uuid
from datetime import UTC, datetime

import pytest
from django.utils import timezone

from integrations.models import BatchTable, QueuedTable
from stitchapp import formats
from tests.factories import make_batch, make_integration
from tests.integrations.conftest import page, text_of


@pytest.fixture
def receipt(browser, integration):
    """Return the response of a batch's page."""
    return lambda batch, **query: browser.get(page(integration, f"batches/{batch.receipt}"), query)


def test_I5_a_loaded_batch_accounts_for_every_record(receipt, integration):
    batch = make_batch(integration, records=1_010, size=20_000, request_id="abc123")
    BatchTable.objects.update(
        state="loaded",
        loading_at=datetime(2024, 5, 1, 10, 0, 7, tzinfo=UTC),
        loaded_at=datetime(2024, 5, 1, 10, 0, 9, tzinfo=UTC),
        records=1_010,
        inserted=1_000,
        updated=0,
        superseded=3,
        rejected=7,
    )
    response = receipt(batch)
    text = text_of(response)
    assert f"Number {batch.receipt} State Loaded Accepted {formats.second_time(batch.received_at)}" in text
    assert "Loading May 1, 2024 10:00:07 (UTC) Loaded May 1, 2024 10:00:09 (UTC)" in text
    assert "Records 1,010 Size 20,000 bytes Request abc123" in text
    assert "(UTC) 1,010 1,000 0 3 7" in text
    assert "hx-trigger" not in response.content.decode().partition("receipt-panel")[2]


def test_a_waiting_batch_says_why_and_looks_again(receipt, integration):
    batch = make_batch(integration)
    QueuedTable.objects.update(error="Hint: drop <it>")
    response = receipt(batch)
    text = text_of(response)
    assert "State Accepted" in text
    assert "Encountered an error. The message was: Hint: drop <it>" in text
    assert "Nothing is lost: the records are kept and tried again, next" in text
    assert "Error • Waiting 1 – – – –" in text
    assert 'hx-trigger="load delay:30s"' in response.content.decode()


def test_a_batch_being_loaded_says_since_when(receipt, integration):
    batch = make_batch(integration)
    QueuedTable.objects.update(lease=uuid.uuid4(), claimed_at=timezone.now())
    response = receipt(batch)
    assert f"Loading since {formats.second_time(QueuedTable.objects.get().claimed_at)}" in text_of(response)
    assert 'hx-trigger="load delay:3s"' in response.content.decode()


def test_a_batch_of_many_tables_is_paged(receipt, integration):
    batch = make_batch(integration, *[f"table_{number:02}" for number in range(51)])
    assert "table_49" in text_of(receipt(batch))
    assert "table_50" not in text_of(receipt(batch))
    assert "table_50" in text_of(receipt(batch, page=2))


def test_a_table_name_is_only_a_name(receipt, integration):
    assert "<i>x" not in receipt(make_batch(integration, "<i>x")).content.decode()


def test_P11_an_integrations_page_shows_its_own_receipts_only(receipt, account):
    assert receipt(make_batch(make_integration(account))).status_code == 404
