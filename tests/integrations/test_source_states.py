"""Sources that a tap reads on the Dashboard, the Summary and the Loads tab (app.md 9.1, 10.1, 10.4)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from tests.factories import make_job, make_source
from tests.integrations.conftest import load_rows, page, queries_of, text_of

HOUR = timedelta(hours=1)


@pytest.fixture
def dashboard(account):
    return f"/client/{account.client_id}/pipeline/connections"


@pytest.fixture
def source(account, member):
    return make_source(account, display_name="Shop", next_run_at=timezone.now() + HOUR)


@pytest.fixture
def url(source):
    return page(source, "summary")


def ended(source, **fields):
    at = timezone.now() - 3 * HOUR
    return make_job(source, **{"created_at": at, "started_at": at, "completed_at": at} | fields)


def running(source, **fields):
    return make_job(source, **{"completed_at": None} | fields)


def test_the_dashboard_says_how_the_last_sync_stands(browser, source, dashboard):
    assert "Shop Active Pending 0" in text_of(browser.get(dashboard))  # the first one is being scheduled
    ended(source)
    assert "(UTC) 0" in text_of(browser.get(dashboard))
    waits = running(source, started_at=None)
    assert "Shop Active Pending 0" in text_of(browser.get(dashboard))
    waits.started_at = timezone.now()
    waits.save()
    assert "Shop Active In Progress 0" in text_of(browser.get(dashboard))


def test_what_is_not_configured_leads_to_the_step_it_waits_for(browser, source, dashboard):
    for step, place in (
        ("form", "settings"),
        ("discover_schema", "check"),
        ("field_selection", "tables"),
    ):
        source.step, source.next_run_at = step, None
        source.save()
        response = browser.get(dashboard)
        assert "Shop Not Configured 0" in text_of(response)
        assert f'href="{page(source, place)}">Not Configured</a>' in response.content.decode()


def test_the_dashboard_costs_the_same_for_one_source_and_for_many(browser, account, source, dashboard):
    ended(source)
    one = queries_of(browser, dashboard)
    for number in range(4):
        ended(make_source(account, display_name=f"Shop {number}"))
    assert queries_of(browser, dashboard) == one


def test_the_summary_says_when_it_was_read_and_when_it_is_read_next(browser, source, url):
    text = text_of(browser.get(url))
    assert "Never Last Sync Completed Pending Sync status" in text
    assert "Send a batch" not in text
    ended(source)
    text = text_of(browser.get(url))
    assert "3 hours ago Last Sync Completed Pending Sync status" in text
    assert "(UTC) Next Sync" in text
    running(source)
    response = browser.get(url)
    assert "just now Last sync started In Progress Sync status" in text_of(response)
    assert 'hx-trigger="load delay:4s"' in response.content.decode()


def test_a_paused_source_is_not_syncing(browser, source, url):
    source.paused_at, source.next_run_at = timezone.now(), None
    source.save()
    text = text_of(browser.get(url))
    assert "Not Syncing Sync status Not scheduled Next Sync" in text


def test_the_summary_leads_to_why_the_last_extraction_failed(browser, source, url):
    job = ended(source, tap_exit_status=1, tap_description="No route to host")
    response = browser.get(url)
    assert "The last extraction did not end well." in text_of(response)
    assert page(source, f"extractions/{job.pk}") in response.content.decode()
    ended(source, tap_exit_status=-15, stop_asked_at=timezone.now())
    assert "did not end well" not in text_of(browser.get(url))


def test_the_loads_tab_speaks_of_no_tokens_and_says_when_rows_were_extracted(browser, source):
    loads = page(source, "loads")
    text = text_of(browser.get(loads))
    assert "Nothing has been loaded yet." in text
    assert "tokens" not in text
    load_rows(source, "orders", 3, bookmarks=[["updated_at", "2018-02-04T03:37:51Z"]])
    text = text_of(browser.get(loads))
    assert "orders updated_at : 2018-02-04T03:37:51Z Today at" in text


def test_pausing_a_source_speaks_of_its_schedule(browser, source):
    assert "no extraction starts by itself" in text_of(browser.get(page(source, "pause")))
    paused = text_of(browser.post(page(source, "pause"), follow=True))
    assert "Shop is paused. No extraction starts by itself." in paused
    resumed = text_of(browser.post(page(source, "resume"), follow=True))
    assert "Shop is active. Its extractions start by its schedule again." in resumed
