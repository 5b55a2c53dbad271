"""All Notifications: open and past, levels, filter, details, dismissal for everybody (app.md 12.1, 12.2)."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEvent, Role
from integrations.models import Kind, Notification
from tests.factories import (
    make_account,
    make_integration,
    make_member,
    make_notification,
    make_postgres_destination,
    make_rejected,
)
from tests.integrations.conftest import queries_of, text_of


@pytest.fixture
def url(account):
    return f"/client/{account.client_id}/notifications"


def counter(response) -> int:
    found = re.search(r'class="counter">\s*(\d+)\s*<', response.content.decode())
    return int(found[1]) if found else 0


def test_no_notifications(browser, url):
    assert "You have no notifications." in text_of(browser.get(url))
    past = text_of(browser.get(url, {"show": "past"}))
    assert "Nothing was solved or dismissed in the last 60 days." in past


def test_an_entry_says_what_where_since_when_how_much_it_matters_and_what_next(browser, integration, url):
    at = timezone.now() - timedelta(days=2)
    make_notification(integration, now=at, occurrences=7)
    response = browser.get(url)
    text = text_of(response)
    assert "Customer Records •" in text
    assert "Critical" in text
    assert "Encountered an error while loading the table bikes." in text
    assert "View details" in text
    assert "Close details" in text
    assert "Key mismatch: id" in text
    assert "You can view your loading reports or see our help docs for troubleshooting tips." in text
    assert "Error persisting table data (Replication). Since" in text
    assert "seen 7 times" in text
    assert f"/connections/{integration.pk}/loads" in response.content.decode()
    assert counter(response) == 1


def test_a_destinations_entry_bears_its_name_and_leads_to_it(browser, account, url):
    destination = make_postgres_destination(account, display_name="Sales warehouse")
    make_notification(account=account, destination=destination, kind=Kind.DATA_WAREHOUSE_ERROR)
    response = browser.get(url)
    assert "Sales warehouse •" in text_of(response)
    assert f'href="/client/{account.client_id}/destinations">your destination' in response.content.decode()


def test_an_accounts_entry_bears_its_kinds_name_and_leads_to_plan_and_usage(browser, account, url):
    make_notification(account=account, kind=Kind.ROW_LIMIT_REACHED, details="")
    response = browser.get(url)
    assert "Row limit reached •" in text_of(response)
    assert "Warning" in text_of(response)
    assert "your plan and usage" in text_of(response)


def test_rejected_records_are_counted_as_they_stand_and_lead_to_their_page(browser, integration, url):
    for _ in range(2):
        make_rejected(integration)
    make_notification(integration, kind=Kind.REJECTED_RECORDS, message="Some records were rejected.")
    response = browser.get(url)
    assert "2 records wait for you: put them right and replay them, or dismiss them." in text_of(response)
    assert f"/connections/{integration.pk}/rejected" in response.content.decode()


def test_what_a_sender_wrote_is_text_on_the_page(browser, integration, url):
    make_notification(integration, message="<script>alert(1)</script>", details="<b>no</b>")
    page = browser.get(url).content.decode()
    assert "&lt;script&gt;alert(1)" in page
    assert "<b>no</b>" not in page


def test_an_integration_that_was_deleted_is_named_and_not_linked(browser, integration, url):
    make_notification(integration)
    type(integration).objects.update(deleted_at=timezone.now())
    response = browser.get(url)
    assert "The integration was deleted since." in text_of(response)
    assert f"/connections/{integration.pk}/" not in response.content.decode()


def test_dismissing_hides_it_from_every_member_and_is_in_the_trail(
    browser, account, member, integration, url
):
    note = make_notification(integration)
    other = Client()
    other.force_login(make_member(account, role=Role.GENERAL_USER))
    assert counter(other.get(url)) == 1

    answer = browser.post(f"{url}/{note.pk}/dismiss?level=critical&page=1")

    assert (answer.status_code, answer["Location"]) == (302, f"{url}?level=critical&page=1")
    for each in (browser, other):
        shown = each.get(url)
        assert "You have no notifications." in text_of(shown)
        assert counter(shown) == 0
    past = text_of(other.get(url, {"show": "past"}))
    assert f"by {member.get_full_name()} ({member.email})" in past
    event = AuditEvent.objects.get(event="notification.dismissed")
    assert (event.account, event.actor, event.object_id) == (account, member, note.pk)


def test_a_form_sent_twice_dismisses_once(browser, integration, url):
    note = make_notification(integration)
    for _ in range(2):
        response = browser.post(f"{url}/{note.pk}/dismiss", follow=True)
    assert "The notification was over already." in text_of(response)
    assert AuditEvent.objects.filter(event="notification.dismissed").count() == 1


def test_all_can_be_dismissed_at_once_after_a_confirmation(browser, account, integration, url):
    for _ in range(3):
        make_notification(integration)
    foreign = make_notification(make_integration(make_member().memberships.get().account))
    assert "3 open notifications will be hidden from every member" in text_of(browser.get(f"{url}/dismiss"))
    assert Notification.objects.open().count() == 4
    response = browser.post(f"{url}/dismiss", follow=True)
    assert "3 notifications were dismissed for everybody." in text_of(response)
    assert list(Notification.objects.open()) == [foreign]
    assert AuditEvent.objects.filter(event="notification.dismissed").count() == 3


def test_what_was_solved_stays_in_the_list_of_the_past(browser, integration, url):
    make_notification(integration, cleared_at=timezone.now())
    assert "You have no notifications." in text_of(browser.get(url))
    text = text_of(browser.get(url, {"show": "past"}))
    assert "Encountered an error while loading the table bikes. Solved" in text
    assert "Dismiss the" not in text


def test_the_list_is_narrowed_by_level_and_category(browser, account, integration, url):
    make_notification(integration, message="A table fails.")
    make_notification(account=account, kind=Kind.ROW_LIMIT_REACHED, message="The limit is reached.")

    def shown(**query):
        text = text_of(browser.get(url, query))
        return ("A table fails." in text, "The limit is reached." in text)

    assert shown() == (True, True)
    assert shown(level="critical") == (True, False)
    assert shown(category="account") == (False, True)
    assert shown(level="critical", category="account") == (False, False)
    assert "No notification matches this filter." in text_of(browser.get(url, {"level": "delay"}))
    assert "Select a valid choice" in text_of(browser.get(url, {"level": "loud"}))


def test_the_panel_alone_is_what_htmx_gets(browser, integration, url):
    make_notification(integration)
    panel = browser.get(url, headers={"HX-Request": "true"}).content.decode()
    assert panel.strip().startswith('<div id="notification-list"')
    assert "<html" not in panel


def test_P11_another_accounts_are_not_shown_and_not_dismissed(browser, url):
    stranger = make_notification(make_integration(make_member().memberships.get().account))
    response = browser.get(url)
    assert "You have no notifications." in text_of(response)
    assert counter(response) == 0
    assert browser.post(f"{url}/{stranger.pk}/dismiss").status_code == 404
    stranger.refresh_from_db()
    assert stranger.dismissed_at is None


def test_a_page_has_as_many_queries_for_many_notifications_as_for_one(browser, account, integration, url):
    make_notification(integration, kind=Kind.REJECTED_RECORDS)
    browser.get(url)
    one = queries_of(browser, url)
    destination = make_postgres_destination(account)
    for _ in range(60):
        make_notification(make_integration(account))
        make_notification(account=account, destination=destination, kind=Kind.DATA_WAREHOUSE_ERROR)
    make_notification(integration, kind=Kind.REJECTED_RECORDS)
    assert queries_of(browser, url) == one
    assert queries_of(browser, f"{url}?show=past") <= one
    response = browser.get(url)
    assert counter(response) == 122
    assert "1–50 of 122" in text_of(response)
    assert "101–122 of 122" in text_of(browser.get(url, {"page": 3}))


def test_a_stranger_to_the_account_finds_nothing(client, url):
    client.force_login(make_member(make_account()))
    assert client.get(url).status_code == 404
