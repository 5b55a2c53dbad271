"""Usage by integration and table (app.md 13.1)."""

import csv
import io
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from integrations.models import DailyRows
from tests.factories import make_account, make_integration, make_member
from tests.pages import Page

pytestmark = pytest.mark.django_db


@pytest.fixture
def account():
    now = timezone.now()
    return make_account(period_anchor=now - timedelta(days=95), created_at=now - timedelta(days=95))


@pytest.fixture
def signed_in(client, account):
    client.force_login(make_member(account))
    return client


@pytest.fixture
def url(account):
    return reverse("integrations:usage", args=[account.client_id])


def rows(integration, table, number, *, ago=0, free=0):
    DailyRows.objects.create(
        account=integration.account,
        integration=integration,
        table_name=table,
        day=timezone.now().date() - timedelta(days=ago),
        rows=number,
        free_rows=free,
    )


@pytest.fixture
def fleet(account, signed_in):
    fleet = make_integration(account, display_name="Fleet", schema_name="fleet")
    rows(fleet, "bikes", 500)
    rows(fleet, "bikes", 20, ago=1, free=20)
    rows(fleet, "docks", 7, ago=2)
    rows(fleet, "docks", 9_000, ago=20)  # the cycle before
    return fleet


@pytest.fixture
def gone(account, fleet):
    gone = make_integration(
        account, display_name="Counters", schema_name="counters", deleted_at=timezone.now()
    )
    rows(gone, "bikes", 60)
    return gone


def test_by_integration_the_most_rows_first_and_deleted_ones_too(signed_in, url, fleet, gone):
    shown = Page(signed_in.get(url))
    assert shown.rows == [
        ["Integration", "Rows", "Free", "Counted"],
        ["Fleet fleet", "527", "20", "507"],
        ["Counters counters, deleted", "60", "0", "60"],
    ]


def test_by_table_sorted_as_asked(signed_in, url, fleet, gone):
    shown = Page(signed_in.get(url, {"by": "table", "sort": "table"}))
    assert shown.rows == [
        ["Integration", "Table", "Rows", "Free", "Counted"],
        ["Counters counters, deleted", "bikes", "60", "0", "60"],
        ["Fleet fleet", "bikes", "520", "20", "500"],
        ["Fleet fleet", "docks", "7", "0", "7"],
    ]
    descending = Page(signed_in.get(url, {"by": "table", "sort": "-free"}))
    assert descending.rows[1] == ["Fleet fleet", "bikes", "520", "20", "500"]


def test_an_earlier_cycle_and_only_one_integration(signed_in, url, fleet, gone):
    shown = Page(signed_in.get(url, {"cycle": 1, "by": "table", "integration": fleet.pk}))
    assert shown.rows[1:] == [["Fleet fleet", "docks", "9,000", "0", "9,000"]]
    assert "Only Fleet ." in shown.words


def test_P11_an_integration_of_another_account_is_not_found(signed_in, url):
    other = make_account()
    make_member(other)
    foreign = make_integration(other)
    for wanted in (foreign.pk, 987654321, "x", "9" * 40):
        assert signed_in.get(url, {"integration": wanted}).status_code == 404


@pytest.mark.parametrize(
    "asked", [{"sort": "id"}, {"sort": "table"}, {"cycle": "99"}, {"by": "x"}, {"page": "x"}]
)
def test_what_does_not_exist_is_left_out(signed_in, url, fleet, asked):
    assert Page(signed_in.get(url, asked)).rows[1] == ["Fleet fleet", "527", "20", "507"]


def test_without_rows_the_page_says_so(signed_in, url):
    assert "No rows were loaded in this usage cycle." in Page(signed_in.get(url)).words


def test_billing_leads_here(signed_in, account, url):
    shown = Page(signed_in.get(reverse("accounts:billing", args=[account.client_id])))
    assert shown.links["Usage by integration and table"] == url


def test_htmx_gets_the_panel_alone(signed_in, url, fleet):
    response = signed_in.get(url, headers={"HX-Request": "true"})
    assert response.content.decode().strip().startswith('<div id="usage-breakdown"')


def test_the_file_has_every_row_and_no_formula(signed_in, url, account, fleet):
    rows(make_integration(account, display_name="=1+1", schema_name="odd"), "t", 1)
    for number in range(60):
        rows(fleet, f"table {number:02d}", 1, ago=3)
    response = signed_in.get(reverse("integrations:usage-export", args=[account.client_id]), {"by": "table"})
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    lines = list(csv.reader(io.StringIO(b"".join(response.streaming_content).decode())))
    assert lines[0][2:] == [
        "integration",
        "schema_name",
        "deleted",
        "table",
        "rows",
        "free_rows",
        "counted_rows",
    ]
    assert lines[1][2:] == ["Fleet", "fleet", "no", "bikes", "520", "20", "500"]
    assert len(lines) == 1 + 2 + 1 + 60
    assert "'=1+1" in {line[2] for line in lines}


def test_many_tables_are_paged_and_ask_no_more(signed_in, url, account, fleet):
    asked = []
    for by in ("integration", "table"):
        with CaptureQueriesContext(connection) as queries:
            signed_in.get(url, {"by": by})
        asked.append(len(queries))
    for number in range(120):
        rows(fleet, f"table {number:03d}", 1)
        rows(make_integration(account), "bikes", 1)
    for by in ("integration", "table"):
        with CaptureQueriesContext(connection) as queries:
            shown = Page(signed_in.get(url, {"by": by}))
        asked.append(len(queries))
        assert len(shown.rows) == 51
    assert asked[:2] == asked[2:]
