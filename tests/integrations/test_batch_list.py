"""Recent batches: newest first, paged, with how far each has come."""

import uuid
from datetime import timedelta

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations.models import BatchTable, QueuedTable
from tests.factories import make_batch, make_integration
from tests.integrations.conftest import page, text_of


@pytest.fixture
def url(integration):
    return page(integration, "batches")


def test_no_batch_yet(browser, url):
    assert "No batch has been accepted yet." in text_of(browser.get(url))


def test_loads_leads_to_the_list(browser, integration, url):
    assert f'<a href="{url}">Recent batches</a>' in browser.get(page(integration, "loads")).content.decode()


def test_each_batch_tells_its_state(browser, integration, url):
    now = timezone.now()
    make_batch(integration, "one", received_at=now - timedelta(minutes=4))
    loading = make_batch(integration, "two", received_at=now - timedelta(minutes=3))
    failing = make_batch(integration, "three", received_at=now - timedelta(minutes=2))
    done = make_batch(integration, "four", "five", received_at=now - timedelta(minutes=1), records=1200)
    QueuedTable.objects.filter(shares__batch=loading).update(lease=uuid.uuid4(), claimed_at=now)
    QueuedTable.objects.filter(shares__batch=failing).update(error="No space left")
    BatchTable.objects.filter(batch=done).update(state="loaded", loaded_at=now, rejected=1)
    response = browser.get(url)
    text = text_of(response)
    order = [
        f"{done.receipt} five and 1 more Loaded 1,200 2 rejected",
        f"{failing.receipt} three Error • Waiting 1",
        f"{loading.receipt} two Loading 1",
        "one Accepted 1",
    ]
    places = [text.index(words) for words in order]
    assert places == sorted(places)
    assert f'hx-get="{url}"' in response.content.decode()
    assert f'href="{url}/{done.receipt}"' in response.content.decode()


def test_a_list_with_nothing_to_wait_for_does_not_look_again(browser, integration, url):
    make_batch(integration)
    BatchTable.objects.update(state="loaded", loaded_at=timezone.now())
    assert "hx-trigger" not in browser.get(url).content.decode().partition("batches-panel")[2]


def test_fifty_to_a_page(browser, integration, url):
    now = timezone.now()
    for number in range(51):
        make_batch(integration, received_at=now - timedelta(minutes=number), records=1000 + number)
    first, second = text_of(browser.get(url)), text_of(browser.get(url, {"page": 2}))
    assert "1–50 of 51" in first
    assert ("1,049" in first, "1,050" in first, "1,050" in second) == (True, False, True)


def test_P11_another_integrations_batches_are_not_listed(browser, account, url):
    make_batch(make_integration(account), "secret_table")
    assert "secret" not in text_of(browser.get(url))


def test_as_many_queries_for_three_batches_as_for_one(browser, integration, url, settings):
    def count():
        with CaptureQueriesContext(connections[settings.QUEUE_DATABASE]) as queries:
            browser.get(url)
        return len(queries)

    make_batch(integration)
    browser.get(url)
    one = count()
    make_batch(integration)
    make_batch(integration, "docks")
    assert count() == one


def test_the_panel_alone_is_what_htmx_gets(browser, integration, url):
    make_batch(integration)
    markup = browser.get(url, headers={"hx-request": "true"}).content.decode()
    assert markup.lstrip().startswith('<div id="batches-panel"')
