"""Requests: newest first, filtered, paged, live at the top, summed by day."""

import ast
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from integrations.models import ReceivedRequest, RequestDay
from integrations.queue import cleaning
from integrations.queue.repeats import KeyReused
from integrations.services import request_log
from integrations.services.request_log import AnsweredRequest, note_request
from integrations.services.request_words import FAULTS
from stitchapp import formats
from tests.factories import make_access_token, make_account, make_integration, make_member
from tests.integrations.conftest import page, queries_of, text_of


@pytest.fixture
def url(integration):
    return page(integration, "requests")


def make_request(integration, **fields):
    """Log a request as the Import API does."""
    fields = {
        "token_id": 7,
        "at": timezone.now(),
        "address": "192.0.2.7",
        "client": "boats/1.0",
        "endpoint": "batch",
        "tables": ("boats",),
        "records": 1200,
        "size": 34567,
        "status": 201,
        "reason": "",
        "pointer": "",
        "seconds": 0.0123,
        "receipt": uuid.uuid4() if fields.get("status", 201) == 201 else None,
        "request_id": "abc",
    } | fields
    owner = {"account_id": integration.account_id, "integration_id": integration.pk}
    note_request(AnsweredRequest(**owner, **fields))
    return ReceivedRequest.objects.latest("pk")


def test_no_request_yet(browser, url):
    response = browser.get(url)
    assert "No request has come with a token of this integration." in text_of(response)
    assert 'hx-trigger="intersect once delay:5s"' in response.content.decode()


def test_loads_leads_to_the_list(browser, integration, url):
    assert f'<a href="{url}">Requests</a>' in browser.get(page(integration, "loads")).content.decode()


def test_each_request_is_told_newest_first(browser, integration, url):
    accepted = make_request(integration, tables=("boats", "docks", "piers"))
    make_request(
        integration, status=400, reason="record_invalid", pointer="#/messages/3/data/id", records=None
    )
    make_request(integration, status=401, reason="revoked", tables=(), records=None)
    make_request(integration, status=503, reason="queue_full", tables=(), records=None, client="")
    response = browser.get(url)
    text = text_of(response)
    told = [
        "Failed 503 Too much waits to be loaded: the same request may succeed later. queue_full batch – – 34,567 "
        "12.3 ms Token 7 192.0.2.7",
        "Refused 401 The token was revoked. batch – – 34,567 12.3 ms",
        "Refused 400 A record does not conform. record_invalid at #/messages/3/data/id batch boats – 34,567 12.3 ms "
        "Token 7 192.0.2.7 boats/1.0",
        "Accepted 201 Receipt batch boats and 2 more 1,200 34,567 12.3 ms Token 7 192.0.2.7 boats/1.0",
    ]
    places = [text.index(words) for words in told]
    assert places == sorted(places)
    assert f'href="{page(integration, "batches")}/{accepted.receipt}"' in response.content.decode()


def test_a_request_that_stored_nothing_was_answered_and_not_accepted(browser, integration, url):
    make_request(integration, endpoint="batch_receipt", status=200, tables=(), records=None)
    make_request(integration, endpoint="batch", status=200)  # a dry run
    assert text_of(browser.get(url)).count("Answered 200") == 2
    assert "Accepted 200" not in text_of(browser.get(url))


def test_each_code_that_a_refusal_can_carry_has_its_words():
    codes = set()
    for module in [*Path("integrations").rglob("*.py"), Path("accounts/errors.py")]:
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Fault"):
                values = [*node.args[:1], *(each.value for each in node.keywords if each.arg == "code")]
                codes |= {each.value for each in values if isinstance(each, ast.Constant)}
    assert len(codes) > 25
    assert codes <= set(FAULTS)
    assert KeyReused.code in FAULTS


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=2", {"one", "two"}),
        ("status=4", {"three"}),
        ("status=5", {"four"}),
        ("endpoint=push", {"two"}),
        ("table=TWO", {"two"}),
        ("table=more", {"one"}),
        ("table=%25", set()),
        ("status=2&endpoint=push&table=o", {"two"}),
        ("", {"one", "two", "three", "four"}),
    ],
)
def test_filters(browser, integration, url, query, found):
    make_request(integration, tables=("table_one", "and_more"))
    make_request(integration, tables=("table_two",), endpoint="push")
    make_request(integration, tables=("table_three",), status=413)
    make_request(integration, tables=("table_four",), status=503)
    text = text_of(browser.get(f"{url}?{query}"))
    assert {name for name in ("one", "two", "three", "four") if f"table_{name}" in text} == found
    assert ("No request matches this filter." in text) == (not found)


def test_filter_by_token_names_the_integrations_own(browser, account, integration, url):
    first, _ = make_access_token(integration)
    second, _ = make_access_token(integration, revoked_at=timezone.now())
    other, _ = make_access_token(make_integration(account))
    make_request(integration, token_id=first.pk, tables=("by_first",))
    make_request(integration, token_id=second.pk, tables=("by_second",))
    response = browser.get(url, {"token": second.pk})
    assert "by_second" in text_of(response)
    assert "by_first" not in text_of(response)
    label = f"{second.pk}, {formats.token_time(second.created_at)} (revoked)"
    assert label in text_of(response)
    assert f"Token {second.pk} " in text_of(response)
    assert f'value="{other.pk}"' not in response.content.decode()
    assert browser.get(url, {"token": other.pk}).status_code == 422


@pytest.mark.parametrize("query", ["status=9", "token=x", "endpoint=nowhere", "table=%00", "page=x&status="])
def test_a_filter_that_makes_no_sense_is_no_fault_of_the_server(browser, integration, url, query):
    make_request(integration)
    assert browser.get(f"{url}?{query}").status_code in (200, 422)


def test_fifty_to_a_page_and_only_the_first_is_live(browser, integration, url):
    for number in range(320):
        make_request(integration, tables=(f"table_{number}_",))
    first, second = browser.get(url), browser.get(url, {"page": 2})
    assert "1–50 of 320" in text_of(first)
    assert "table_319_" in text_of(first)
    assert "table_269_" in text_of(second)
    assert f'hx-get="{url}" hx-trigger="intersect' in first.content.decode()
    assert 'hx-trigger="intersect' not in second.content.decode()


def test_as_many_queries_for_three_requests_as_for_one(browser, integration, url):
    make_request(integration)
    browser.get(url)
    one = queries_of(browser, url)
    make_request(integration, token_id=8)
    make_request(integration, status=400)
    assert queries_of(browser, url) == one


def test_the_panel_alone_is_what_htmx_gets(browser, integration, url):
    make_request(integration)
    markup = browser.get(url, headers={"hx-request": "true"}).content.decode()
    assert markup.lstrip().startswith('<div id="requests-panel"')


def test_P11_only_the_integrations_own_requests_are_listed_and_only_to_its_account(
    browser, account, integration, url
):
    make_request(make_integration(account), tables=("secret_table",))
    assert "secret" not in text_of(browser.get(url))
    stranger = make_account()
    make_member(stranger)
    other = make_integration(stranger)
    make_request(other)
    foreign = page(other, "requests")
    assert browser.get(foreign).status_code == 404
    mixed = foreign.replace(f"/client/{stranger.client_id}/", f"/client/{account.client_id}/")
    assert browser.get(mixed).status_code == 404


def test_lines_and_sums_are_shown_for_the_report_days_of_the_plan(browser, integration, url):
    integration.account.plan.report_days = 7
    integration.account.plan.save(update_fields=["report_days"])
    make_request(integration, tables=("recent",), at=timezone.now() - timedelta(days=6, hours=23))
    make_request(integration, tables=("older",), at=timezone.now() - timedelta(days=8))
    text = text_of(browser.get(url))
    assert "in the last 7 days" in text
    assert "recent" in text
    assert "older" not in text


def test_D32_beyond_the_newest_requests_only_the_sums_stay_and_the_page_says_so(
    browser, integration, url, settings
):
    settings.REQUESTS_KEPT = 2
    for number in range(3):
        make_request(integration, tables=(f"accepted_{number}",))
    for number in range(4):
        make_request(integration, tables=(f"refused_{number}",), status=401)
    for number in range(9):
        make_request(integration, tables=(f"asked_{number}",), status=200, endpoint="batch_receipt")
    cleaning.purge_history(now=timezone.now())
    text = text_of(browser.get(url))
    shown = {word for word in text.split() if word.startswith(("accepted_", "refused_", "asked_"))}
    assert shown == {"accepted_1", "accepted_2", "refused_2", "refused_3", "asked_7", "asked_8"}
    assert "10 older requests are not listed one by one any more, and count here." in text
    assert " 12 4 0 3,600 " in text
    day = RequestDay.objects.get()
    assert (day.accepted, day.refused, day.records, day.size) == (12, 4, 3600, 16 * 34567)


def test_D32_lines_are_cut_while_they_are_written(integration, settings, monkeypatch):
    settings.REQUESTS_KEPT = 20
    monkeypatch.setattr(request_log, "cuts", request_log.Cuts())
    for number in range(50):
        make_request(integration, tables=(f"table_{number}",), status=201 if number % 2 else 400)
    assert 40 <= ReceivedRequest.objects.count() <= 42
    assert RequestDay.objects.get().accepted == 25


def test_what_is_unknown_of_a_request_is_left_open(browser, integration, url):
    line = make_request(integration, address=None, size=None, records=None, tables=(), client="")
    assert (line.address, line.size, line.records, line.tables) == (None, None, None, "")
    assert "Accepted 201 Receipt batch – – – 12.3 ms Token 7" in text_of(browser.get(url))


def test_D32_after_sixty_days_lines_and_sums_are_gone(integration):
    make_request(integration)
    cleaning.purge_history(now=timezone.now() + timedelta(days=59))
    assert (ReceivedRequest.objects.count(), RequestDay.objects.count()) == (1, 1)
    cleaning.purge_history(now=timezone.now() + timedelta(days=62))
    assert (ReceivedRequest.objects.count(), RequestDay.objects.count()) == (0, 0)
