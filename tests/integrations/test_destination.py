"""The Destination page and All Notifications (app.md 11, 12.1; decisions D10, D23)."""

import re

import pytest

from integrations.models import Destination
from tests.integrations.conftest import load_rows, make_waiting, text_of


@pytest.fixture
def url(account):
    return f"/client/{account.client_id}/destinations"


def test_the_embedded_warehouse_is_there_from_the_first_minute(browser, account, url, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    text = text_of(browser.get(url))
    path = tmp_path / "warehouse" / f"{account.client_id}.duckdb"
    assert "Type DuckDB, embedded Display Name DuckDB" in text
    assert f"File {path} Size The first load makes the file Tables 0 Last load None yet" in text
    assert f"duckdb -readonly {path}" in text
    browser.get(url)
    assert Destination.objects.filter(account=account).count() == 1


def test_its_size_and_last_load_are_shown(browser, account, integration, url, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    path = tmp_path / "warehouse" / f"{account.client_id}.duckdb"
    path.parent.mkdir()
    path.write_bytes(b"\0" * 3 * 1024 * 1024)
    load_rows(integration, "customers", 10)
    assert re.search(r"Size 3.0\sMB Tables 1 Last load Today at", text_of(browser.get(url)))


def test_without_any_destination_it_says_that_data_waits(browser, url, settings):
    settings.EMBEDDED_WAREHOUSE = False
    text = text_of(browser.get(url))
    assert "There is no destination" in text
    assert "nothing is loaded until there is a destination" in text
    assert Destination.objects.count() == 0


def test_no_notifications(browser, account):
    assert "You have no notifications." in text_of(browser.get(f"/client/{account.client_id}/notifications"))


def test_each_table_that_cannot_be_loaded_is_a_notification_until_it_can(browser, account, integration):
    url = f"/client/{account.client_id}/notifications"
    queued = make_waiting(integration, "customers", 3, error="Key mismatch: id", scope="table")
    make_waiting(integration, "orders", 3, error="No space left on device", scope="destination")
    make_waiting(integration, "fine", 3)
    response = browser.get(url)
    text = text_of(response)
    assert "We're unable to load some of your data •" in text
    assert "Encountered an error while loading the table customers of Customer Records." in text
    assert "Key mismatch: id" in text
    assert "We're having trouble writing to your data warehouse" in text
    assert "fine" not in text
    assert re.search(r'class="counter">\s*2\s*<', response.content.decode())
    queued.error = ""
    queued.save()
    assert "customers" not in text_of(browser.get(url))


def test_P11_another_accounts_problems_are_not_shown(browser, account, integration):
    from tests.factories import make_integration, make_member

    stranger = make_integration(make_member().memberships.get().account)
    make_waiting(stranger, "secret_table", 3, error="Key mismatch", scope="table")
    response = browser.get(f"/client/{account.client_id}/notifications")
    assert "You have no notifications." in text_of(response)
    assert 'class="counter"' not in response.content.decode()
