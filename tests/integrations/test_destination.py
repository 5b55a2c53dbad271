"""The Destination page (app.md 11; decisions D10, D23)."""

import re

import pytest

from integrations.models import Destination
from tests.integrations.conftest import load_rows, text_of


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
