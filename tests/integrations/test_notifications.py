"""All Notifications: what cannot be loaded at present (app.md 12.1)."""

import re

from tests.factories import make_integration, make_member
from tests.integrations.conftest import make_waiting, queries_of, text_of


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
    assert text.count("See and test your destination .") == 1
    assert "fine" not in text
    assert re.search(r'class="counter">\s*2\s*<', response.content.decode())
    queued.error = ""
    queued.save()
    assert "customers" not in text_of(browser.get(url))


def test_P11_another_accounts_problems_are_not_shown(browser, account, integration):
    stranger = make_integration(make_member().memberships.get().account)
    make_waiting(stranger, "secret_table", 3, error="Key mismatch", scope="table")
    response = browser.get(f"/client/{account.client_id}/notifications")
    assert "You have no notifications." in text_of(response)
    assert 'class="counter"' not in response.content.decode()


def test_a_share_whose_body_cannot_be_read_is_a_problem_too(browser, account, integration):
    queued = make_waiting(integration, "orders", 3)
    make_waiting(integration, "customers", 3, error="Key mismatch: id", scope="table")
    queued.shares.update(error="The stored body does not match its checksum.")
    response = browser.get(f"/client/{account.client_id}/notifications")
    text = text_of(response)
    assert "The stored body does not match its checksum." in text
    assert text.index("table customers") < text.index("table orders")
    assert re.search(r'class="counter">\s*2\s*<', response.content.decode())


def test_as_many_queries_for_three_notifications_as_for_one(browser, account, integration):
    url = f"/client/{account.client_id}/notifications"
    make_waiting(integration, "one", 3, error="Key mismatch: id", scope="table")
    browser.get(url)
    one = queries_of(browser, url)
    for table in ("two", "three"):
        make_waiting(make_integration(account), table, 3, error="Key mismatch: id", scope="table")
    assert queries_of(browser, url) == one
