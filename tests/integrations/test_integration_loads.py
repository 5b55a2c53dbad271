"""Loads: all tables with the range switch, one table by day, and what waits (app.md 10.4, loading.md 8.2)."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from integrations.models import LoadStatus
from tests.factories import make_loaded_table
from tests.integrations.conftest import load_rows, make_waiting, page, queries_of, text_of


@pytest.fixture
def url(integration):
    return page(integration, "loads")


def test_nothing_loaded_yet(browser, url):
    assert "Nothing has been loaded yet." in text_of(browser.get(url))


def test_the_range_switch_counts_the_rows_of_its_span(browser, account, integration, url):
    account.period_anchor = timezone.now() - timedelta(days=10)
    account.save(update_fields=["period_anchor"])
    load_rows(integration, "customers", 1_000, ago=timedelta(days=35))
    load_rows(integration, "customers", 200, ago=timedelta(days=5))
    load_rows(integration, "customers", 34)
    load_rows(integration, "old", 5, ago=timedelta(days=35))

    def rows(span):
        text = text_of(browser.get(url, {"range": span} if span else {}))
        return dict(re.findall(r"(customers|old) Bookmark unavailable \S.*?\(UTC\) ([\d,]+)", text))

    assert rows("") == rows("24-hours") == {"customers": "34"}
    assert rows("this-billing") == {"customers": "234"}
    assert rows("prev-billing") == {"customers": "1,000", "old": "5"}
    assert rows("nonsense") == {"customers": "34"}
    text = text_of(browser.get(url))
    for word in ("24 Hours", "This Billing", "Prev Billing", "Time Extracted", "Rows Loaded"):
        assert word in text


def test_subtables_stand_under_their_root(browser, integration, url):
    load_rows(integration, "orders", 10)
    make_loaded_table(integration, name="orders__items", root="orders", row_count=25)
    assert "1 subtable orders__items: 25 rows in the table" in text_of(browser.get(url))


def test_a_root_that_lost_signs_of_its_name_is_reported_as_loaded(browser, integration, url):
    load_rows(integration, "orders: 2026!", 10)
    integration.loaded_tables.update(name="orders 2026")
    text = text_of(browser.get(url))
    assert "subtable" not in text
    assert "Not yet loaded" not in text


def test_what_cannot_be_loaded_is_kept_and_shown_with_its_reason(browser, integration, url):
    load_rows(integration, "customers", 10)
    make_waiting(integration, "customers", 1_200, error="Key mismatch: id", scope="table")
    make_waiting(integration, "orders", 1)
    response = browser.get(url)
    text = text_of(response)
    assert "Error: customers 1,200 records in 1 batch waiting, the oldest received" in text
    assert "Encountered an error. The message was: Key mismatch: id" in text
    assert "Nothing is lost: the records are kept and tried again, next" in text
    assert "orders 1 record in 1 batch waiting" in text
    assert "Not yet loaded" in text
    assert f'hx-get="{url}"' in response.content.decode()


def test_an_error_of_the_destination_says_that_everything_waits(browser, integration, url):
    make_waiting(integration, "customers", 3, error="No space left on device", scope="destination")
    assert "Every table of this destination waits for the same reason." in text_of(browser.get(url))


def test_T10_another_integrations_tables_are_not_shown(browser, account, integration, url):
    from tests.factories import make_integration

    other = make_integration(account)
    load_rows(other, "secret_table", 10)
    make_waiting(other, "secret_waiting", 10)
    assert "secret" not in text_of(browser.get(url))


def test_as_many_queries_for_three_tables_as_for_one(browser, integration, url):
    load_rows(integration, "one", 1)
    make_waiting(integration, "one", 1)
    browser.get(url)
    one = queries_of(browser, url)
    for table in ("two", "three"):
        load_rows(integration, table, 1)
        make_waiting(integration, table, 1)
    assert queries_of(browser, url) == one


def test_as_many_queries_for_three_attempts_as_for_one(browser, integration, url):
    table_url = f"{url}/table?name=customers"
    load_rows(integration, "customers", 1)
    browser.get(table_url)
    one = queries_of(browser, table_url)
    load_rows(integration, "customers", 1)
    load_rows(integration, "customers", 1)
    assert queries_of(browser, table_url) == one


def test_the_bookmark_of_the_newest_load_is_shown(browser, integration, url):
    load_rows(integration, "customers", 3, ago=timedelta(minutes=5), bookmarks=[["id", "7"]])
    load_rows(integration, "customers", 2, bookmarks=[["id", "9"], ["seen_at", "2024-05-01T10:00:00Z"]])
    assert "customers id : 9 seen_at : 2024-05-01T10:00:00Z Today at" in text_of(browser.get(url))
    report = text_of(browser.get(f"{url}/table", {"name": "customers"}))
    assert "Success id : 9 seen_at : 2024-05-01T10:00:00Z 2" in report
    assert "Success id : 7 3" in report


def test_one_table_by_day_lists_each_attempt(browser, integration, url):
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    day = (noon - timedelta(days=3)).date()
    ago = timezone.now() - (noon - timedelta(days=3))
    load_rows(integration, "customers", 27, ago=ago, rejected=4)
    load_rows(integration, "customers", 0, ago=ago, status=LoadStatus.ERROR, error="Hint: drop <it>")
    load_rows(integration, "customers", 999)
    table_url = f"{url}/table"
    response = browser.get(table_url, {"name": "customers", "day": str(day)})
    text = text_of(response)
    assert "Loading Reports by Table: customers" in text
    assert "Each time Stitch attempted to load data from the customers table to your destination" in text
    assert "Error • View message Close message Encountered an error. The message was: Hint: drop <it>" in text
    assert "12:00 pm (UTC) Success Bookmark unavailable 27 4 rejected" in text
    assert "999" not in text
    assert f"day={day - timedelta(days=1)}" in response.content.decode()
    assert f"day={day + timedelta(days=1)}" in response.content.decode()
    assert response.content.decode().count('class="time-line-bar"') == 1
    assert "data-failed" in response.content.decode()
    assert "Times in UTC. Each bar is a minute with a load: 1, 1 with an error. The list below" in text
    assert "999" in text_of(browser.get(table_url, {"name": "customers"}))
    assert "No load of this table ended on" in text_of(
        browser.get(table_url, {"name": "customers", "day": str(day - timedelta(days=9))})
    )


@pytest.mark.parametrize("day", ["nonsense", "2024-13-40", "9999-12-31", "0001-01-01", "1066-10-14"])
def test_a_day_that_is_none_shows_today(browser, integration, url, day):
    load_rows(integration, "customers", 31)
    response = browser.get(f"{url}/table", {"name": "customers", "day": day})
    assert response.status_code == 200
    assert " 31 " in text_of(response)


def test_a_table_nobody_sent_is_not_found(browser, integration, url):
    assert browser.get(f"{url}/table", {"name": "nowhere"}).status_code == 404
    assert browser.get(f"{url}/table").status_code == 404
    assert browser.get(f"{url}/table", {"name": "nul\0"}).status_code == 404


@pytest.mark.parametrize("name", ["a/b", "..", "naïve?x=1&y", "line\nbreak", '"><b>'])
def test_any_table_name_a_sender_chose_has_its_report(browser, integration, url, name):
    load_rows(integration, name, 3)
    markup = browser.get(url).content.decode()
    (link,) = re.findall(r'href="([^"]+/loads/table\?name=[^"]+)"', markup)
    assert browser.get(link).status_code == 200
    assert "<b>" not in re.sub(r"<b>customer_records</b>|<b>Certified</b>", "", markup)


def test_D3_after_a_switch_a_table_still_says_when_its_rows_were_received(browser, integration, url):
    load_rows(integration, "customers", 400, bookmarks=[["id", "7"]])
    load_rows(integration, "rejects", 0, rejected=3)
    integration.loaded_tables.all().delete()  # another destination begins with no tables
    text = text_of(browser.get(url))
    assert "customers id : 7 Today at" in text
    assert "Not yet loaded" not in text


def test_a_report_opens_after_its_loads_were_let_go(browser, account, integration, url):
    account.period_anchor = timezone.now() - timedelta(days=10)
    account.save(update_fields=["period_anchor"])
    load_rows(integration, "Web Orders", 5, ago=timedelta(days=9)).delete()
    integration.loaded_tables.update(name="web orders")
    assert "Web Orders" in text_of(browser.get(url, {"range": "this-billing"}))
    report = browser.get(f"{url}/table", {"name": "Web Orders"})
    assert report.status_code == 200
    integration.loaded_tables.all().delete()
    assert browser.get(f"{url}/table", {"name": "Web Orders"}).status_code == 200


def test_D32_a_cut_of_the_last_day_is_told(browser, integration, url, settings):
    settings.LOADS_KEPT = 2
    load_rows(integration, "customers", 1, ago=timedelta(minutes=9))
    assert "are kept one by one" not in text_of(browser.get(url))
    load_rows(integration, "customers", 1)
    cut = (
        "There were more loads in these 24 hours than are kept one by one: the rows are those since Today at"
    )
    assert cut in text_of(browser.get(url)).replace("since Yesterday", "since Today")
    assert cut not in text_of(browser.get(url, {"range": "this-billing"}))
    empty = text_of(browser.get(f"{url}/table", {"name": "customers", "day": "2020-01-01"}))
    assert "Your plan shows the loads of the last" in empty
    yesterday = timezone.now().date() - timedelta(days=2)
    empty = text_of(browser.get(f"{url}/table", {"name": "customers", "day": str(yesterday)}))
    assert "No load of this table ended on" in empty
    assert "or it is not kept any more: the newest loads of an integration are, here those since" in empty


def test_a_report_goes_back_as_far_as_the_plan_says(browser, account, integration, url):
    days = account.plan.report_days
    load_rows(integration, "customers", 5, ago=timedelta(days=days - 1))
    load_rows(integration, "customers", 7, ago=timedelta(days=days))
    today = timezone.now().date()
    last = browser.get(f"{url}/table", {"name": "customers", "day": str(today - timedelta(days=days - 1))})
    assert "Success Bookmark unavailable 5" in text_of(last)
    assert 'rel="prev"' not in last.content.decode()
    older = browser.get(f"{url}/table", {"name": "customers", "day": str(today - timedelta(days=days))})
    assert f"Your plan shows the loads of the last {days} days." in text_of(older)
    assert "Success" not in text_of(older)
