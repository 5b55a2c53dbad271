"""The Summary and Extractions tabs (app.md 10.1, 10.3; loading.md 8.1)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.factories import make_integration, make_source
from tests.integrations.conftest import load_rows, make_waiting, page, text_of


@pytest.fixture
def url(integration):
    return page(integration, "summary")


def test_T11_the_header_names_the_integration_and_its_schema(browser, url):
    text = text_of(browser.get(url))
    assert "Customer Records Schema Name: customer_records • Certified" in text
    assert "Integration is Active" in text
    for tab in ("Summary", "Tables to Replicate", "Extractions", "Loads", "Settings"):
        assert tab in text


@pytest.mark.parametrize(
    ("source_type", "words"),
    [
        ("platform.hp-postgres", "Certified"),
        ("platform.rest-api", "Community Supported"),
        ("platform.taken-away", "Community Supported"),
    ],
)
def test_a_source_shows_its_own_picture_and_who_supports_it(browser, account, source_type, words):
    source = make_source(account, type=source_type)
    markup = browser.get(page(source, "summary")).content.decode()
    assert f"Schema Name: {source.schema_name} • {words}" in text_of(browser.get(page(source, "summary")))
    assert "img/integration-source" in markup and "img/integration-import-api" not in markup


def test_before_the_first_rows_it_says_so_and_shows_how_to_send_some(browser, url):
    response = browser.get(url)
    text = text_of(response)
    assert "No rows have arrived yet." in text
    assert "Never Last Rows Received" in text
    assert "0 Rows to be loaded 0 Tables to be loaded" in text
    assert 'hx-trigger="load' not in response.content.decode()


def test_the_three_columns_show_what_was_really_loaded(browser, account, integration, url):
    integration.last_received_at = timezone.now() - timedelta(minutes=20)
    integration.save(update_fields=["last_received_at"])
    load_rows(integration, "orders", 100, ago=timedelta(days=2))
    load_rows(integration, "customers", 1_300)
    load_rows(make_integration(account), "t", 600)
    text = text_of(browser.get(url))
    assert "20 minutes ago Last Rows Received Continuously Replicated Sync status" in text
    assert "1,300 Rows loaded to your warehouse today customers Last table loaded ( just now )" in text
    assert "1,400 Rows this billing period" in text
    assert "This integration accounts for about 70% of the total rows synced to your data warehouse." in text


def test_what_waits_is_counted_and_looked_at_again_by_itself(browser, integration, url):
    make_waiting(integration, "customers", 1_500)
    make_waiting(integration, "orders", 12)
    response = browser.get(url, headers={"HX-Request": "true"})
    text = text_of(response)
    assert "1,512 Rows to be loaded 2 Tables to be loaded" in text
    assert "2 hours ago Last Rows Received Pending Sync status" in text
    assert f'hx-get="{url}"' in response.content.decode()
    assert response.content.decode().lstrip().startswith("<div")


def test_many_tables_that_cannot_be_loaded_leave_the_page_short(browser, integration, url):
    for number in range(5):
        make_waiting(integration, f"table_{number}", 1, error="Key mismatch", scope="table")
    text = text_of(browser.get(url))
    assert text.count("Its waiting record is kept and tried again.") == 3
    assert "2 more tables cannot be loaded at present." in text


def test_a_table_that_cannot_be_loaded_is_named(browser, integration, url):
    make_waiting(integration, "customers", 7, error="Key mismatch", scope="table")
    make_waiting(integration, "Größe & co", 1, error="Key mismatch", scope="table")
    response = browser.get(url)
    text = text_of(response)
    assert "Größe & co cannot be loaded at present. Its waiting record is kept and tried again." in text
    why = page(integration, "loads/table") + "?name=Gr%C3%B6%C3%9Fe%20%26%20co"
    assert f'href="{why}"' in response.content.decode()
    assert browser.get(why).status_code == 200
    assert "customers cannot be loaded at present. Its 7 waiting records are kept and tried again." in text
    assert "Error Sync status" in text


def test_a_paused_integration_is_not_syncing(browser, account, url, integration):
    integration.paused_at = timezone.now()
    integration.save(update_fields=["paused_at"])
    text = text_of(browser.get(url))
    assert "Not Syncing Sync status" in text
    assert "Integration is Paused" in text


def test_the_chart_has_its_numbers_as_a_table(browser, integration, url):
    load_rows(integration, "customers", 1_234)
    markup = browser.get(url).content.decode()
    assert "<caption>Rows loaded per day this billing period</caption>" in markup
    assert "<td>1,234</td>" in markup
    assert "style=" not in markup


def test_the_extractions_tab_says_that_there_are_none(browser, integration):
    text = text_of(browser.get(page(integration, "extractions")))
    assert "Extraction logs aren't available for Import API integrations." in text
    assert "Run Extraction Now" not in text


@pytest.mark.parametrize("name", ["summary", "tables", "extractions", "loads", "settings", "pause", "delete"])
def test_a_deleted_integration_and_an_impossible_id_are_not_found(browser, account, integration, name):
    assert browser.get(page(integration, name)).status_code == 200
    integration.deleted_at = timezone.now()
    integration.save(update_fields=["deleted_at"])
    assert browser.get(page(integration, name)).status_code == 404
    impossible = f"/client/{account.client_id}/pipeline/connections/{10**30}/{name}"
    assert browser.get(impossible).status_code == 404
