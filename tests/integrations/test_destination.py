"""The Destination page (app.md 11; decisions D10, D23)."""

import re
import secrets
from ipaddress import ip_network

import pytest

from accounts.models import AuditEvent
from integrations.models import Destination, QueuedTable
from tests.factories import make_integration, make_postgres_destination
from tests.integrations.conftest import load_rows, make_waiting, queries_of, text_of


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
    assert "nothing is loaded until there is one. PostgreSQL" in text
    assert Destination.objects.count() == 0


def test_without_any_destination_it_tells_what_waits_for_one(browser, integration, url, settings):
    settings.EMBEDDED_WAREHOUSE = False
    make_waiting(integration, "orders", 1_203)
    assert "1,203 accepted records wait for it now." in text_of(browser.get(url))


def test_a_PostgreSQL_one_says_where_it_is_and_shows_no_password(
    browser, account, integration, url, settings
):
    settings.EMBEDDED_WAREHOUSE = False
    password = secrets.token_urlsafe(16)
    destination = make_postgres_destination(
        account,
        display_name="Reporting",
        description="For analysts",
        host="db.example.com",
        password=password,
    )
    load_rows(integration, "customers", 10)
    response = browser.get(url)
    text = text_of(response)
    assert (
        "Reporting For analysts Everything these integrations receive is loaded into this database, into one schema "
        "for each integration. Type PostgreSQL Display Name Reporting Host (Endpoint) db.example.com, port 1 Database "
        "warehouse Username loader, with a stored password SSL No: the connection is not encrypted Tables 1 Last load "
        "Today at"
    ) in text
    assert "Integrations 1 Waiting Nothing" in text
    assert password not in response.content.decode()
    assert destination.sealed_password not in response.content.decode()


def test_D3_a_new_one_does_not_claim_the_loads_of_the_one_before_it(
    browser, account, integration, url, settings
):
    settings.EMBEDDED_WAREHOUSE = False
    make_postgres_destination(account)
    load_rows(integration, "customers", 10)
    integration.loaded_tables.all().delete()  # as a switch leaves it
    assert "Tables 0 Last load None yet" in text_of(browser.get(url))


def test_what_waits_and_why_is_told_and_so_is_what_is_paused(browser, account, integration, url, settings):
    settings.EMBEDDED_WAREHOUSE = False
    make_postgres_destination(account)
    make_integration(account, system_paused_at=integration.created_at)
    make_waiting(integration, "orders", 3, error="Connection refused. <b>", scope="destination")
    make_waiting(integration, "bikes", 4, error="key mismatch", scope="table")
    response = browser.get(url)
    text = text_of(response)
    assert (
        "Integrations 2, of which 1 is paused: resume it on the dashboard Waiting 7 accepted records, the oldest"
        in text
    )
    assert "Loading waits Since Today at" in text or "Loading waits Since Yesterday at" in text
    assert "Connection refused. &lt;b&gt;" in response.content.decode()
    assert "key mismatch" not in text


def test_an_embedded_one_in_trouble_is_not_told_of_connections(browser, integration, url):
    make_waiting(integration, "orders", 3, error="The warehouse file is open.", scope="destination")
    text = text_of(browser.get(url))
    assert "Nothing is lost: it is tried again by itself. The warehouse file is open." in text
    assert "PostgreSQL destinations" not in text


def test_on_plans_with_room_another_can_be_added_and_the_page_is_called_Destinations(browser, account, url):
    text = text_of(browser.get(url))
    assert "Add Destination" in text
    assert "Destinations" in text
    for _ in range(2):
        make_postgres_destination(account)
    assert "Add Destination" not in text_of(browser.get(url))


def test_the_page_costs_each_destination_the_same_few_queries(browser, account, integration, url):
    account.plan.max_destinations = None
    make_postgres_destination(account)
    one = queries_of(browser, url)
    for _ in range(4):
        make_postgres_destination(account)
    assert queries_of(browser, url) <= one + 4 * 7


@pytest.fixture
def check(browser, account, url):
    """Press Test Connection on a destination; return the page that follows."""

    def press(destination):
        return browser.post(f"{url}/{destination.pk}/check", follow=True)

    return press


def test_a_test_is_kept_shown_and_recorded_and_lets_what_waits_be_tried(
    check, account, integration, warehouse_server, django_capture_on_commit_callbacks
):
    destination = make_postgres_destination(
        account, display_name="Reporting", **warehouse_server.make_database()
    )
    integration.destination = destination
    integration.save()
    waiting = make_waiting(integration, "orders", 3, error="Connection refused.", scope="destination")
    QueuedTable.objects.filter(pk=waiting.pk).update(attempts=9)
    with django_capture_on_commit_callbacks(execute=True):
        text = text_of(check(destination))
    assert "Success! Reporting can be reached." in text
    assert (
        "View connection test logs Checking connection… OK Look up the host: 127.0.0.1 is an address, "
        in text
    )
    destination.refresh_from_db()
    assert destination.check_passed
    assert AuditEvent.objects.get(event="destination.checked").detail == {"passed": True}
    waiting.refresh_from_db()
    assert waiting.attempts == 0


def test_a_test_that_fails_says_why_and_changes_nothing_else(check, account):
    destination = make_postgres_destination(account)
    text = text_of(check(destination))
    assert text.count("Connection refused. Check that the hostname and port are correct") == 2
    assert "Last connection test Today at" in text
    assert "Failed" in text
    assert AuditEvent.objects.get(event="destination.checked").detail == {"passed": False}


def test_D36_a_test_of_a_forbidden_address_is_refused(check, account, settings):
    destination = make_postgres_destination(account)
    settings.DESTINATION_FORBIDDEN_ADDRESSES = [ip_network("127.0.0.0/8")]
    assert "127.0.0.1 is in a range of addresses" in text_of(check(destination))


def test_a_password_that_cannot_be_read_is_told_where_one_tests_it(check, account, settings):
    destination = make_postgres_destination(account)
    settings.CREDENTIAL_KEY = secrets.token_urlsafe(50)
    response = check(destination)
    assert response.status_code == 200
    assert "it was stored under another CREDENTIAL_KEY" in text_of(response)


def test_the_embedded_one_has_nothing_to_test(check, browser, account, url):
    browser.get(url)
    assert "has no connection to test" in text_of(check(account.destinations.get()))
