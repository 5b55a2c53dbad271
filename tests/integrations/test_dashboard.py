"""The dashboard (app.md 9.1)."""

import re
from datetime import timedelta

import pytest
from django.test.utils import CaptureQueriesContext

from tests.factories import make_account, make_integration, make_member, make_notification
from tests.integrations.conftest import load_rows, text_of


@pytest.fixture
def url(account):
    return f"/client/{account.client_id}/pipeline/connections"


def names(response):
    return re.findall(r'class="row-target"\s+href="[^"]+">([^<]+)<', response.content.decode())


def test_T08_T12_a_visitor_is_sent_to_sign_in_and_comes_back(client, account, url):
    response = client.get(url)
    assert (response.status_code, response["Location"]) == (302, f"/session/create?next={url}")


def test_T08_a_member_who_left_finds_nothing(client, account, url):
    left = make_member(account)
    left.memberships.update(deactivated_at=account.created_at)
    client.force_login(left)
    assert client.get(url).status_code == 404


def test_T13_an_empty_account_is_invited_to_add_an_integration(browser, url):
    response = browser.get(url)
    text = text_of(response)
    assert "Find an integration" in response.content.decode()
    assert "Nothing is connected yet" in text
    assert "Add Integration" in text
    assert 'href="/client/' in response.content.decode()


def test_T16_each_integration_is_listed_by_its_name_with_what_it_loaded(browser, account, integration, url):
    load_rows(integration, "customers", 1_200)
    load_rows(integration, "customers", 34, ago=timedelta(days=2))
    load_rows(integration, "customers", 5_000, ago=timedelta(days=45))  # before this billing period
    paused = make_integration(account, display_name="Orders", paused_at=account.created_at)
    response = browser.get(url)
    assert names(response) == ["Customer Records", "Orders"]
    text = text_of(response)
    assert "Active Continuously Replicated 1,234" in text
    assert "Paused Continuously Replicated 0" in text
    assert "1,234 Total rows replicated this billing period" in text
    assert f"/connections/{paused.pk}/resume" in response.content.decode()


def test_rows_of_a_deleted_integration_still_count_in_the_total(browser, account, integration, url):
    load_rows(integration, "customers", 10)
    integration.deleted_at = account.created_at
    integration.save(update_fields=["deleted_at"])
    response = browser.get(url)
    assert names(response) == []
    assert "10 Total rows replicated this billing period" in text_of(response)


def test_search_filters_by_name_as_a_page_and_as_a_panel(browser, account, integration, url):
    make_integration(account, display_name="Orders")
    assert names(browser.get(url, {"q": "RECORD"})) == ["Customer Records"]
    panel = browser.get(url, {"q": "order"}, headers={"HX-Request": "true"})
    assert names(panel) == ["Orders"]
    assert panel.content.decode().lstrip().startswith('<div id="integration-list">')
    assert "HX-Request" in panel["Vary"]
    assert "No integrations match “zebra”." in text_of(browser.get(url, {"q": "zebra"}))


def test_every_header_sorts_and_the_search_stays(browser, account, integration, url):
    other = make_integration(account, display_name="beta records", paused_at=account.created_at)
    make_integration(account, display_name="Alpha")
    load_rows(other, "t", 7)
    assert names(browser.get(url)) == ["Alpha", "beta records", "Customer Records"]
    assert names(browser.get(url, {"sort": "-name"})) == ["Customer Records", "beta records", "Alpha"]
    assert names(browser.get(url, {"sort": "-rows"}))[0] == "beta records"
    assert names(browser.get(url, {"sort": "-status"}))[0] == "beta records"
    assert names(browser.get(url, {"sort": "sync"}))[0] == "Alpha"
    assert names(browser.get(url, {"sort": "nonsense"})) == ["Alpha", "beta records", "Customer Records"]
    response = browser.get(url, {"sort": "-name", "q": "records"})
    assert names(response) == ["Customer Records", "beta records"]
    assert 'aria-sort="descending"' in response.content.decode()
    assert "?q=records&amp;sort=name" in response.content.decode()


def test_the_same_queries_for_1_3_and_200_integrations_of_which_50_are_shown(
    browser, account, integration, url, django_assert_max_num_queries
):
    from django.db import connection

    def count():
        with CaptureQueriesContext(connection) as queries:
            response = browser.get(url)
        return len(queries), len(names(response))

    load_rows(integration, "t", 1)
    browser.get(url)
    one = count()
    for number in range(2):
        load_rows(make_integration(account, display_name=f"Three {number}"), "t", 1)
    assert count() == (one[0], 3)
    for number in range(197):
        make_integration(account, display_name=f"Many {number}", schema_name=f"many_{number}")
    assert count() == (one[0], 50)
    assert "1–50 of 200" in text_of(browser.get(url))
    assert len(names(browser.get(url, {"page": 4}))) == 50


def test_P11_another_account_is_not_shown(browser, account, integration, url):
    stranger = make_account()
    make_member(stranger)
    load_rows(make_integration(stranger, display_name="Secret plans"), "t", 99)
    response = browser.get(url)
    assert names(response) == ["Customer Records"]
    assert "0 Total rows replicated" in text_of(response)


def test_the_counter_in_the_bar_is_the_number_of_open_problems(browser, integration, url):
    assert 'class="counter"' not in browser.get(url).content.decode()
    make_notification(integration)
    assert re.search(r'class="counter">\s*1\s*<', browser.get(url).content.decode())


def test_free_rows_are_told_beside_the_total_and_leave_the_limit_alone(browser, account, integration, url):
    load_rows(integration, "customers", 1_200)
    integration.daily_rows.update(free_rows=200)
    text = text_of(browser.get(url))
    assert "1,200 Total rows replicated this billing period 1,000 of 100,000,000 rows used" in text
    assert "200 rows are free: they do not count towards the limit." in text
