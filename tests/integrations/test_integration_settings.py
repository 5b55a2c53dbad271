"""Settings: rename, and the schema name that stays (app.md 9.9); pausing, resuming, deleting (9.8)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditEvent
from integrations.models import Integration
from integrations.services.destination_changes import DestinationGone
from integrations.services.destinations import main_destination
from integrations.services.integration_updates import update_integration
from tests.factories import (
    make_access_token,
    make_integration,
    make_loaded_table,
    make_member,
    make_postgres_destination,
)
from tests.integrations.conftest import make_waiting, page, text_of


@pytest.fixture
def url(integration):
    return page(integration, "settings")


def test_T18_the_schema_name_is_shown_without_any_way_to_change_it(browser, integration, url):
    response = browser.get(url)
    text = text_of(response)
    assert "Will appear in your data warehouse as customer_records ." in text
    assert "You won't be able to change this later." not in text
    assert "Use a different schema name?" not in text
    assert 'name="schema_name"' not in response.content.decode()
    browser.post(url, {"display_name": "Clients", "schema_name": "clients", "schema": "own"})
    integration.refresh_from_db()
    assert (integration.display_name, integration.schema_name) == ("Clients", "customer_records")


def test_update_settings_renames(browser, integration, url):
    response = browser.post(url, {"display_name": "  Clients "}, follow=True)
    assert response.redirect_chain == [(url, 302)]
    assert "The integration's settings were updated." in text_of(response)
    assert Integration.objects.get().display_name == "Clients"
    assert AuditEvent.objects.get(event="integration.renamed").detail["former_name"] == "Customer Records"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "This field is required."),
        ("orders", "non-unique name (orders)"),
        ("a\u202eb", "The name must be one line without control characters."),
    ],
)
def test_a_name_that_is_refused_stays_in_the_field(browser, account, integration, url, name, message):
    make_integration(account, display_name="Orders")
    response = browser.post(url, {"display_name": name})
    assert response.status_code == 422
    assert message in text_of(response)
    assert f'value="{name}"' in response.content.decode() or not name
    integration.refresh_from_db()
    assert integration.display_name == "Customer Records"


def test_pausing_asks_first_and_says_what_it_does_to_senders(browser, account, integration):
    dashboard = f"/client/{account.client_id}/pipeline/connections?q=rec&sort=name"
    asked = browser.get(page(integration, "pause"), {"next": dashboard})
    text = text_of(asked)
    assert "Pause Customer Records?" in text
    assert "requests with its tokens are refused with 401 “Connection is not active.”" in text
    assert "Rows that were accepted before go on being loaded." in text
    integration.refresh_from_db()
    assert not integration.is_paused
    response = browser.post(page(integration, "pause"), {"next": dashboard})
    assert response["Location"] == dashboard
    integration.refresh_from_db()
    assert integration.is_paused


def test_the_switch_opens_the_question_on_the_dashboard_and_in_the_header(browser, account, integration):
    for path in (f"/client/{account.client_id}/pipeline/connections", page(integration, "loads")):
        markup = browser.get(path).content.decode()
        assert f'action="{page(integration, "pause")}"' in markup
        assert 'method="get"' in markup
        assert f'hx-get="{page(integration, "pause")}?next=%2Fclient%2F' in markup


def test_resuming_happens_at_once(browser, integration):
    integration.paused_at = timezone.now()
    integration.save(update_fields=["paused_at"])
    assert browser.get(page(integration, "resume")).status_code == 405
    response = browser.post(page(integration, "resume"), {"next": page(integration, "tables")}, follow=True)
    assert response.redirect_chain == [(page(integration, "tables"), 302)]
    assert "Customer Records is active." in text_of(response)
    integration.refresh_from_db()
    assert not integration.is_paused


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example/", "/admin/", "javascript:alert(1)", ""]
)
def test_a_switch_leads_back_to_pages_of_this_account_only(browser, integration, elsewhere):
    response = browser.post(page(integration, "pause"), {"next": elsewhere})
    assert response["Location"] == page(integration, "summary")


def test_deleting_asks_first_and_names_what_it_breaks(browser, integration):
    make_access_token(
        integration,
        last_used_at=timezone.now() - timedelta(minutes=5),
        last_used_address="203.0.113.7",
        last_used_client="curl/8.5",
    )
    make_waiting(integration, "customers", 12)
    for headers in ({}, {"HX-Request": "true"}):
        text = text_of(browser.get(page(integration, "delete"), headers=headers))
        assert "Delete Customer Records?" in text
        assert "1 active token stops working." in text
        assert "One was last used 5 minutes ago from 203.0.113.7 by curl/8.5." in text
        assert "12 accepted records still wait and will be loaded." in text
        assert "Data in the schema customer_records remains in your data warehouse." in text
    assert Integration.objects.live().count() == 1


def test_deleting_leads_to_a_dashboard_without_it(browser, account, integration):
    response = browser.post(page(integration, "delete"), follow=True)
    assert response.redirect_chain == [(f"/client/{account.client_id}/pipeline/connections", 302)]
    assert "Customer Records was deleted. Its loaded data stays." in text_of(response)
    assert Integration.objects.live().count() == 0
    assert browser.post(page(integration, "delete")).status_code == 404
    assert AuditEvent.objects.filter(event="integration.deleted").count() == 1


def test_without_a_choice_no_destination_is_asked_for(browser, url):
    assert "Target Destination" not in text_of(browser.get(url))


def test_of_several_destinations_one_is_the_target(browser, account, integration, url):
    make_loaded_table(integration, name="orders")
    same = main_destination(account=account)
    other = make_postgres_destination(account, display_name="Reporting")
    rival = make_postgres_destination(make_member().memberships.get().account)
    assert "Target Destination DuckDB Reporting" in text_of(browser.get(url))
    browser.post(url, {"display_name": "Customer Records", "destination": same.pk})
    assert not AuditEvent.objects.exists()
    for wrong in (rival.pk, "x", ""):
        refused = browser.post(url, {"display_name": "Customer Records", "destination": wrong})
        assert refused.status_code == 422
    assert browser.post(url, {"display_name": "Clients", "destination": other.pk}).status_code == 302
    integration.refresh_from_db()
    assert (integration.display_name, integration.destination) == ("Clients", other)
    assert not integration.is_paused
    assert not integration.loaded_tables.exists()  # the other destination has none of them
    assert AuditEvent.objects.get(event="integration.mapped").detail == {"destination": "Reporting"}


def test_an_integration_without_a_destination_says_so_and_can_be_given_one(
    browser, account, integration, url
):
    main = main_destination(account=account)
    gone = make_postgres_destination(account, deleted_at=timezone.now())
    integration.destination = gone
    integration.save()
    assert "Target Destination No Destination DuckDB" in text_of(browser.get(url))
    assert browser.post(url, {"display_name": "Customer Records"}).status_code == 302
    browser.post(url, {"display_name": "Customer Records", "destination": main.pk})
    integration.refresh_from_db()
    assert integration.destination == main


def test_a_destination_that_was_removed_in_the_same_moment_is_refused(account, member, integration):
    gone = make_postgres_destination(account)
    type(gone).objects.filter(pk=gone.pk).update(deleted_at=timezone.now())
    with pytest.raises(DestinationGone):
        update_integration(integration=integration, actor=member, changes={"destination": gone})
