"""The catalogue, the create form and the first token (app.md 9.2–9.4, core guide 2)."""

import re
import uuid

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

from accounts import secrets
from accounts.models import AuditEvent
from integrations.models import AccessToken, Integration
from integrations.services.destination_changes import DestinationGone
from integrations.services.destinations import destination_of, main_destination
from integrations.services.integration_updates import create_mapped_integration_with_token
from tests.factories import make_integration, make_member, make_postgres_destination
from tests.integrations.conftest import page, text_of

TOKEN = re.compile(r"at_stitch[0-9A-Za-z]{46}")


@pytest.fixture
def url(account):
    return f"/client/{account.client_id}/pipeline/integrations/import-api"


def form(**fields):
    return {"form_id": str(uuid.uuid4()), "display_name": "Customer Records"} | fields


def test_T13_T14_the_catalogue_leads_to_the_form(browser, account, url):
    dashboard = browser.get(f"/client/{account.client_id}/pipeline/connections").content.decode()
    assert f'href="/client/{account.client_id}/pipeline/integrations"' in dashboard
    catalogue = browser.get(f"/client/{account.client_id}/pipeline/integrations")
    assert f'href="{url}"' in catalogue.content.decode()
    text = text_of(browser.get(url))
    for words in (
        "Configure your Import API Integration",
        "Integration Name",
        "Use a different schema name?",
        "Cancel",
        "Save and Generate Token",
    ):
        assert words in text


def test_the_catalogue_is_searched(browser, account):
    url = f"/client/{account.client_id}/pipeline/integrations"
    assert "Import API" in text_of(browser.get(url, {"q": "import"}, headers={"HX-Request": "true"}))
    assert "No types match “abacus”." in text_of(browser.get(url, {"q": "abacus"}))


def test_T15_a_name_is_required(browser, url):
    response = browser.post(url, form(display_name=" "))
    assert response.status_code == 422
    assert "This field is required." in text_of(response)
    assert Integration.objects.count() == AccessToken.objects.count() == 0


def test_T11_T17_the_notice_follows_the_name_while_it_is_typed(browser, url):
    response = browser.get(url, {"display_name": "Customer Records"}, headers={"HX-Request": "true"})
    assert (
        "Will appear in your data warehouse as customer_records . You won't be able to change this later."
    ) in text_of(response)
    assert response.content.decode().lstrip().startswith("<form")
    assert "(#### -> )" in text_of(browser.get(url, {"display_name": "####"}))


def test_the_live_notice_says_when_the_name_is_taken(browser, account, member, url):
    make_integration(account, display_name="Customer Records", schema_name="customer_records")
    response = browser.get(url, {"display_name": "customer-records"})
    assert "non-unique name after deriving it from display_name (customer-records -> customer_records)" in (
        text_of(response)
    )


def test_T16_T19_T20_T23_saving_makes_the_integration_and_shows_its_token(browser, account, url):
    response = browser.post(url, form())
    integration = Integration.objects.get(account=account)
    assert (integration.display_name, integration.schema_name) == ("Customer Records", "customer_records")
    (secret,) = set(TOKEN.findall(response.content.decode()))
    assert bytes(AccessToken.objects.get().digest) == secrets.digest(secret)
    assert response.status_code == 200
    text = text_of(response)
    for words in (
        "Generated API Token",
        "Your Stitch API Token",
        "How to use your API Token",
        "Your API token can be added to your app to send data directly to Stitch. This token grants access "
        "to your Stitch data, so be sure to keep your token private. You won't be able to recover this token. "
        "If you lose your token or it is compromised, you can generate a new token in your Integration "
        "settings. For more information on the Stitch Import API visit the Stitch Documentation .",
        "Close and Continue",
    ):
        assert words in text
    markup = response.content.decode()
    assert 'data-copy="#secret"' in markup
    assert f'href="{page(integration, "summary")}"' in markup


def test_T03_the_overlay_leads_to_the_import_api_reference(browser, url):
    assert 'href="/docs/developers/import-api/api"' in browser.post(url, form()).content.decode()


def test_the_programs_carry_this_servers_address_and_the_token(browser, url, settings):
    response = browser.post(url, form())
    text = text_of(response)
    (secret,) = set(TOKEN.findall(text))
    assert 'curl -X POST "http://testserver/v2/import/batch"' in text
    assert f"Authorization: Bearer {secret}" in text
    settings.PUBLIC_URL = "https://stitch.example.com"
    response = browser.post(url, form(display_name="Other"))
    assert 'curl -X POST "https://stitch.example.com/v2/import/batch"' in text_of(response)


def test_T21_P3_P5_the_token_is_in_that_answer_and_nowhere_else(browser, account, url):
    response = browser.post(url, form())
    (secret,) = set(TOKEN.findall(response.content.decode()))
    assert "no-store" in response["Cache-Control"]
    integration = Integration.objects.get()
    for path in (
        url,
        page(integration, "summary"),
        page(integration, "settings"),
        page(integration, "tokens"),
    ):
        assert secret not in browser.get(path, follow=True).content.decode()
    assert secret not in "".join(str(session.get_decoded()) for session in Session.objects.all())
    assert secret not in str(list(AuditEvent.objects.values()))


def test_a_form_sent_twice_makes_one_and_leads_to_its_settings(browser, url):
    sent = form()
    first = browser.post(url, sent)
    (secret,) = set(TOKEN.findall(first.content.decode()))
    again = browser.post(url, sent, follow=True)
    integration = Integration.objects.get()
    assert again.redirect_chain == [(page(integration, "settings"), 302)]
    assert "This form was sent twice." in text_of(again)
    assert secret not in again.content.decode()
    assert AccessToken.objects.count() == 1
    Integration.objects.update(deleted_at=integration.created_at)
    assert browser.post(url, sent)["Location"].endswith("/pipeline/connections")


@pytest.mark.parametrize(
    ("display_name", "message"),
    [
        ("####", "invalid name after deriving it from display_name (#### -> )"),
        (
            "customer records",
            "non-unique name after deriving it from display_name (customer records -> customer_records)",
        ),
        ("public", "The schema name public is reserved in the data warehouse. Use a different one."),
        ("x" * 50, "The name field must be under 50 characters, and can only contain lowercase letters,"),
    ],
)
def test_a_name_that_is_refused_leaves_nothing_and_keeps_what_was_typed(
    browser, account, member, url, display_name, message
):
    make_integration(account, display_name="Customer Records", schema_name="customer_records")
    response = browser.post(url, form(display_name=display_name))
    assert response.status_code == 422
    assert message in text_of(response)
    assert f'value="{display_name}"' in response.content.decode()
    assert 'aria-invalid="true"' in response.content.decode()
    assert (Integration.objects.count(), AccessToken.objects.count()) == (1, 0)


def test_a_different_schema_name_is_asked_for_and_given_up_again_without_scripts(browser, url):
    opened = browser.post(url, form(schema_choice="own"))
    assert opened.status_code == 200
    text = text_of(opened)
    assert "Integration Schema Name" in text
    assert "Can't be changed after you save your integration." in text
    assert 'value="customer_records"' in opened.content.decode()
    assert 'value="Customer Records"' in opened.content.decode()
    assert "Use a different schema name?" not in text
    closed = browser.post(url, form(schema_choice="derived", schema="own", schema_name="mine"))
    assert "Integration Schema Name" not in text_of(closed)
    assert 'value="Customer Records"' in closed.content.decode()
    assert Integration.objects.count() == 0


def test_a_different_schema_name_is_used(browser, account, url):
    browser.post(url, form(schema="own", schema_name="crm"))
    assert Integration.objects.get().schema_name == "crm"
    refused = browser.post(url, form(display_name="Other", schema="own", schema_name="crm"))
    assert "non-unique name (crm)" in text_of(refused)
    refused = browser.post(url, form(display_name="Other", schema="own", schema_name="Not Good"))
    assert "The name field must be under 50 characters" in text_of(refused)
    assert refused.status_code == 422
    assert Integration.objects.count() == 1


def test_without_the_choice_a_sent_schema_name_counts_for_nothing(browser, url):
    browser.post(url, form(schema_name="crm"))
    assert Integration.objects.get().schema_name == "customer_records"


def test_the_panel_and_the_full_page_hold_the_same_form(browser, url):
    full, panel = browser.get(url), browser.get(url, headers={"HX-Request": "true"})
    assert "<!DOCTYPE html>" in full.content.decode()
    assert "<!DOCTYPE html>" not in panel.content.decode()
    assert 'id="import-api-form"' in full.content.decode()
    assert 'id="import-api-form"' in panel.content.decode()


def test_P12_an_old_sign_in_is_asked_for_the_password_and_what_was_typed_survives(browser, url):
    session = browser.session
    session["signed_in_at"] = 0
    session.save()
    assert browser.get(url).status_code == 302
    asked = browser.post(url, form())
    assert asked.status_code == 422
    assert 'value="Customer Records"' in asked.content.decode()
    assert Integration.objects.count() == 0


def test_P11_a_stranger_finds_nothing(client, account, url):
    from tests.factories import make_member

    client.force_login(make_member())
    assert client.get(url).status_code == 404
    assert client.post(url, form()).status_code == 404


def test_S4_a_form_without_the_csrf_token_is_refused(member, url):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(member)
    assert strict.post(url, form()).status_code == 403
    assert Integration.objects.count() == 0


def test_without_a_choice_no_destination_is_asked_for(browser, url):
    assert "Target Destination" not in text_of(browser.get(url))


def test_of_several_destinations_one_is_the_target(browser, account, url):
    main = main_destination(account=account)
    other = make_postgres_destination(account, display_name="Reporting")
    rival = make_postgres_destination(make_member().memberships.get().account)
    assert "Target Destination DuckDB Reporting" in text_of(browser.get(url))
    for wrong in (rival.pk, "x", ""):
        assert browser.post(url, form(destination=wrong)).status_code == 422
    assert not Integration.objects.exists()
    assert browser.post(url, form(destination=other.pk)).status_code == 200
    created = Integration.objects.get()
    assert destination_of(integration=created) == other
    assert created.access_tokens.count() == 1
    assert AuditEvent.objects.get(event="integration.mapped").detail == {"destination": "Reporting"}
    browser.post(url, form(display_name="Bikes", destination=main.pk))
    assert destination_of(integration=Integration.objects.get(display_name="Bikes")) == main


def test_the_chosen_destination_survives_the_choice_of_a_schema_name(browser, account, url):
    main_destination(account=account)
    other = make_postgres_destination(account)
    response = browser.post(url, form(destination=other.pk, schema_choice="own"))
    assert f'<option value="{other.pk}" selected>' in response.content.decode()


def test_a_destination_that_was_removed_in_the_same_moment_makes_neither(account, member):
    main_destination(account=account)
    gone = make_postgres_destination(account)
    type(gone).objects.filter(pk=gone.pk).update(deleted_at=timezone.now())
    with pytest.raises(DestinationGone):
        create_mapped_integration_with_token(
            account=account, actor=member, display_name="Bikes", destination=gone
        )
    assert Integration.objects.count() == AccessToken.objects.count() == 0
