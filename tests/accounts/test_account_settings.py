"""Account Settings: company, region, the table of API access keys, partner keys (app.md 5 to 7)."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import MAX_API_KEYS, Account, ApiKeyRefusal, AuditEvent, Role
from tests.factories import make_account, make_api_key, make_member
from tests.pages import Page

pytestmark = pytest.mark.django_db
EXPLANATION = "API access comes with the Advanced and Premium plans and with the free trial."


def show(client, page):
    response = client.get(page("account-settings"))
    assert response.status_code == 200
    return Page(response)


def key_rows(shown):
    return [row for row in shown.rows if len(row) == 5]


def test_K15_K16_the_user_menu_leads_to_the_tab(signed_in, page):
    shown = show(signed_in, page)
    assert shown.links["Manage Account Settings"] == page("account-settings")
    assert shown.links["Account Settings"] == page("account-settings")
    assert shown.links["Billing"] == page("billing")


def test_K02_the_section_says_what_keys_are_for(signed_in, page):
    assert (
        "API access keys Enterprise feature ? Available on Advanced and Premium plans and during the free trial "
        "Use the Stitch API to programmatically create Stitch integrations and more. "
        "You can generate up to 10 access keys. Learn about the API."
    ) in show(signed_in, page).words


def test_K11_the_table_has_the_columns_and_the_row_of_the_picture(signed_in, page, account, member):
    key, _ = make_api_key(
        account,
        member,
        description="Token used for this account's Salesforce integrations.",
        created_at=datetime(2019, 3, 30, 8, 18, tzinfo=UTC),
    )
    head, row = key_rows(show(signed_in, page))
    assert head == ["Key (last 4)", "Description", "Created", "Status", "Actions"]
    assert row == [
        key.last_four,
        "Token used for this account's Salesforce integrations. Never used",
        f"Mar 30, 2019 08:18 (UTC) by {member.email}",
        "Enabled",
        "Disable this key Delete this key",
    ]


def test_K23_newest_first(signed_in, page, account):
    now = timezone.now()
    old, _ = make_api_key(account, created_at=now - timedelta(days=1))
    new, _ = make_api_key(account, created_at=now)
    assert [row[0] for row in key_rows(show(signed_in, page))[1:]] == [new.last_four, old.last_four]


def test_K10_another_member_sees_every_key_and_no_secret(client, page, account, member):
    key, secret = make_api_key(account, member)
    client.force_login(make_member(account, role=Role.GENERAL_USER))
    response = client.get(page("account-settings"))
    row = key_rows(Page(response))[1]
    assert row[0] == key.last_four
    assert member.email in row[2]
    assert secret[:-4] not in response.content.decode()


def test_K26_K27_K29_K30_the_row_menu_follows_the_state(signed_in, page, account):
    on, _ = make_api_key(account)
    shown = show(signed_in, page)
    assert shown.form(page("api-key-disable", api_key_id=on.pk)).method == "post"
    assert shown.links["Delete this key"] == page("api-key-delete", api_key_id=on.pk)
    on.disabled_at = timezone.now()
    on.save()
    shown = show(signed_in, page)
    assert key_rows(shown)[1][3:] == ["Disabled", "Re-enable this key Delete this key"]
    assert shown.form(page("api-key-enable", api_key_id=on.pk)).method == "post"


def test_P10_the_last_use_is_shown(signed_in, page, account):
    make_api_key(
        account,
        description="Scheduler",
        last_used_at=timezone.now() - timedelta(minutes=20),
        last_used_address="192.0.2.7",
        last_used_client="curl/8",
        last_used_route="v4/sources/<int:source_id>",
    )
    assert key_rows(show(signed_in, page))[1][1] == (
        "Scheduler Last used 20 minutes ago from 192.0.2.7 by curl/8, /v4/sources/{source_id}"
    )


def test_D29_refusals_of_the_last_days_are_shown(signed_in, page, account):
    key, _ = make_api_key(account, description="Scheduler")
    for minutes, count in ((5, 3), (65, 9), (8 * 24 * 60, 100)):
        ApiKeyRefusal.objects.create(
            account=account,
            api_key=key,
            minute=timezone.now() - timedelta(minutes=minutes),
            reason="disabled",
            address="192.0.2.7",
            count=count,
        )
    assert key_rows(show(signed_in, page))[1][1] == (
        "Scheduler Never used Refused 12 times in the last 7 days, most recently 5 minutes ago "
        "from 192.0.2.7: The key is disabled."
    )


def test_K17_generate_a_key_opens_the_configure_page(signed_in, page):
    shown = show(signed_in, page)
    assert "No API access keys yet" in shown.words
    assert shown.links["Generate a Key"] == page("api-key-create")


def test_K07_at_ten_keys_the_button_is_off_and_says_why(signed_in, page, account):
    for _ in range(MAX_API_KEYS):
        make_api_key(account)
    shown = show(signed_in, page)
    assert "disabled" in shown.buttons["Generate a Key"]
    assert shown.buttons["Generate a Key"]["aria-describedby"] == "why-no-key"
    assert "This account has reached 10 API access keys. Delete one to generate another." in shown.words


@pytest.mark.parametrize(
    "fields",
    [
        {"plan": "standard"},
        {"plan": "free_trial", "trial_started_at": datetime(2020, 1, 1, tzinfo=UTC)},
    ],
    ids=["standard", "trial over"],
)
def test_K12_without_api_access_keys_are_off_and_can_only_be_deleted(client, fields):
    account = make_account(**fields)
    client.force_login(make_member(account))
    make_api_key(account)
    shown = Page(client.get(f"/client/{account.client_id}/account/settings"))
    assert key_rows(shown)[1][3:] == ["Disabled", "Delete this key"]
    assert "disabled" in shown.buttons["Generate a Key"]
    assert f"{EXPLANATION} Change your plan" in shown.words
    assert shown.links["Change your plan"] == f"/client/{account.client_id}/account/plans"


def test_P7_the_key_of_somebody_who_left_is_off_and_can_only_be_deleted(signed_in, page, account):
    leaver = make_member(account)
    make_api_key(account, leaver, description="Nightly export")
    leaver.memberships.update(deactivated_at=timezone.now())
    row = key_rows(show(signed_in, page))[1]
    assert row[1] == "Nightly export Never used Its owner is no longer an active member of this account."
    assert row[3:] == ["Disabled", "Delete this key"]


def test_K31_partner_keys_have_their_own_section_and_guide(signed_in, page):
    shown = show(signed_in, page)
    assert "No current partner keys" in shown.words
    assert shown.links["Learn about partner account access."] == "/docs/account/manage-partner-access"


def test_K32_the_footer_offers_help(signed_in, page):
    assert show(signed_in, page).links["Help and feedback"] == "/docs/help"


def test_region_is_shown_and_cannot_be_changed(client):
    account = make_account(region="eu")
    client.force_login(make_member(account))
    shown = Page(client.get(f"/client/{account.client_id}/account/settings"))
    assert (
        "This is the region where your Stitch data pipeline is located. Europe - AWS eu-central-1"
    ) in shown.words


def test_company_name_is_updated_and_recorded(signed_in, page, account):
    before = account.company_name
    response = signed_in.post(page("company-update"), {"company_name": "  Northwind  "})
    assert response.status_code == 302
    assert response.url == page("account-settings")
    assert [str(message) for message in get_messages(response.wsgi_request)] == [
        "Your company information was updated."
    ]
    assert Account.objects.get().company_name == "Northwind"
    event = AuditEvent.objects.get(event="account.company_updated")
    assert event.detail == {"before": before, "after": "Northwind"}


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ("", "This field is required"),
        ("  ", "This field is required"),
        ("x" * 256, "Use at most 255 characters. This text has 256."),
        ("a\x1bb", "Use one line of text without control characters."),
    ],
)
def test_A4_company_names_that_are_refused(signed_in, page, account, sent, told):
    response = signed_in.post(page("company-update"), {"company_name": sent})
    assert response.status_code == 422
    assert told in Page(response).words
    assert Account.objects.get().company_name == account.company_name
    assert not AuditEvent.objects.filter(event="account.company_updated").exists()


def test_one_and_three_keys_cost_the_same_queries(signed_in, page, account):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            signed_in.get(page("account-settings"))
        return len(captured)

    make_api_key(account)
    signed_in.get(page("account-settings"))
    with_one = queries()
    for _ in range(2):
        key, _ = make_api_key(account, make_member(account))
        ApiKeyRefusal.objects.create(
            account=account, api_key=key, minute=timezone.now(), reason="disabled", count=1
        )
    assert queries() == with_one


def test_panel_alone_for_htmx(signed_in, page):
    response = signed_in.get(page("account-settings"), headers={"HX-Request": "true"})
    assert response.content.decode().strip().startswith('<div id="account-settings">')
    assert "HX-Request" in response["Vary"]
