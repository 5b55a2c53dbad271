"""Tables to Replicate, a table's columns, and the preview of its newest rows (app.md 10.2, decision D23)."""

import re

import duckdb
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from integrations.loading.errors import Busy, LoadError
from integrations.services.destinations import main_destination
from tests.factories import make_loaded_table
from tests.integrations.conftest import page, text_of


@pytest.fixture
def url(integration):
    return page(integration, "tables")


def names(response):
    return re.findall(r'class="row-target"\s+href="[^"]+">([^<]+)<', response.content.decode())


def test_nothing_received_yet(browser, url):
    assert "No table has received rows yet." in text_of(browser.get(url))


def test_tables_and_subtables_are_listed_with_what_the_last_load_left(browser, integration, url):
    make_loaded_table(integration, name="orders", row_count=1_204)
    make_loaded_table(integration, name="orders__items", root="orders", row_count=3_000)
    make_loaded_table(integration, name="customers", row_count=7)
    response = browser.get(url)
    assert names(response) == ["customers", "orders", "orders__items"]
    text = text_of(response)
    assert "orders__items subtable of orders 2 3,000 Today at" in text
    assert "checkbox" not in response.content.decode()
    assert text.count("Preview") == 3


def test_a_root_that_lost_signs_of_its_name_is_no_subtable_of_itself(browser, integration, url):
    make_loaded_table(integration, name="Gre rger x", root='Größe Ärger "x"')
    text = text_of(browser.get(url))
    assert "Gre rger x" in text
    assert "subtable" not in text


def test_320_tables_are_paged_searched_and_cost_as_many_queries_as_one(browser, integration, url):
    def count():
        with CaptureQueriesContext(connection) as queries:
            response = browser.get(url)
        return len(queries), len(names(response))

    make_loaded_table(integration, name="table_0")
    browser.get(url)
    one = count()
    for number in range(1, 3):
        make_loaded_table(integration, name=f"table_{number}")
    assert count() == (one[0], 3)
    for number in range(3, 320):
        make_loaded_table(integration, name=f"table_{number}")
    assert count() == (one[0], 50)
    assert "1–50 of 320" in text_of(browser.get(url))
    panel = browser.get(url, {"q": "TABLE_31"}, headers={"HX-Request": "true"})
    assert len(names(panel)) == 11
    assert panel.content.decode().lstrip().startswith('<div id="table-list">')
    assert "No tables match “zebra”." in text_of(browser.get(url, {"q": "zebra"}))


def test_a_table_lists_its_columns_with_their_types(browser, integration):
    table = make_loaded_table(integration, name="orders", row_count=2)
    text = text_of(browser.get(page(integration, f"tables/{table.pk}")))
    assert "id BIGINT _sdc_batched_at added by Stitch TIMESTAMP WITH TIME ZONE" in text
    assert "2 columns, 2 rows in the warehouse. Last loaded: Today at" in text


def test_D21_the_columns_of_a_wide_table_are_paged(browser, integration):
    table = make_loaded_table(integration, columns=[[f"column_{n:03}_", "BIGINT"] for n in range(201)])
    url = page(integration, f"tables/{table.pk}")
    first, second = text_of(browser.get(url)), text_of(browser.get(url, {"page": 2}))
    assert "201 columns" in first
    assert "column_199_" in first
    assert "column_200_" not in first
    assert "column_200_" in second


@pytest.fixture
def warehouse(account, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    path = main_destination(account=account).file_path
    path.parent.mkdir(parents=True)
    with duckdb.connect(str(path)) as file:
        file.execute("CREATE SCHEMA customer_records")
        file.execute(
            "CREATE TABLE customer_records.orders AS SELECT * FROM (VALUES "
            "(TIMESTAMPTZ '2024-05-01 10:00:00+00', 1, 'Ada <b>'), "
            "(TIMESTAMPTZ '2024-05-02 10:00:00+00', 2, NULL)) AS t(_sdc_batched_at, id, name)"
        )
    return path


def test_the_preview_shows_the_newest_rows_first_as_they_stand_in_the_warehouse(
    browser, integration, warehouse
):
    table = make_loaded_table(integration, name="orders")
    response = browser.get(page(integration, f"tables/{table.pk}/preview"))
    text = text_of(response)
    assert "The newest 2 rows, as they stand in the warehouse now." in text
    assert text.index("id INTEGER name VARCHAR _sdc_batched_at") < text.index("2 NULL 2024-05-02 10:00:00+00")
    assert text.index("2 NULL") < text.index("1 Ada <b>")
    assert "Ada &lt;b&gt;" in response.content.decode()


def test_a_table_that_is_gone_from_the_warehouse_is_told(browser, integration, warehouse):
    table = make_loaded_table(integration, name="gone")
    text = text_of(browser.get(page(integration, f"tables/{table.pk}/preview")))
    assert "The table is not in the warehouse any more." in text


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Busy("held"), "The table is being written. Try again in a moment."),
        (LoadError("The file is broken"), "The warehouse cannot be read: The file is broken"),
    ],
)
def test_a_warehouse_that_cannot_be_read_now_is_told_with_a_way_to_try_again(
    browser, integration, monkeypatch, error, words
):
    def refuse(*, table):
        raise error

    monkeypatch.setattr("integrations.views.tables.preview_rows", refuse)
    table = make_loaded_table(integration, name="orders")
    url = page(integration, f"tables/{table.pk}/preview")
    response = browser.get(url)
    text = text_of(response)
    assert response.status_code == 200
    assert words in text
    assert "Try Again" in text
    panel = browser.get(url, headers={"HX-Request": "true"}).content.decode()
    assert panel.lstrip().startswith('<div id="preview-panel"')


def test_P11_a_table_is_found_under_its_own_integration_only(browser, account, integration):
    from tests.factories import make_integration

    table = make_loaded_table(make_integration(account), name="orders")
    assert browser.get(page(integration, f"tables/{table.pk}")).status_code == 404
    assert browser.get(page(integration, f"tables/{table.pk}/preview")).status_code == 404
