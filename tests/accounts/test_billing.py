"""Billing: the plan, its limits, and what was used (app.md 13)."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Plan
from accounts.plan_words import gains, losses, price_words
from accounts.services.holds import Hold, place_hold
from accounts.services.usage import Cycle, counted_rows, credits_of, usage_of
from integrations.models import DailyRows, FreeWeek
from tests.factories import make_account, make_api_key, make_integration, make_member
from tests.pages import Page

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)


@pytest.fixture
def account():
    return make_account(
        plan="standard",
        period_anchor=datetime(2026, 1, 8, 9, 30, tzinfo=UTC),
        created_at=datetime(2026, 1, 8, 9, 30, tzinfo=UTC),
    )


def add_rows(account, day, rows, table="orders", free_rows=0):
    integration = account.integrations.first() or make_integration(account, schema_name="orders")
    DailyRows.objects.create(
        account=account, integration=integration, table_name=table, day=day, rows=rows, free_rows=free_rows
    )


def test_usage_counts_days_of_the_running_period(account, member):
    other = make_account()
    make_member(other)
    add_rows(other, date(2026, 3, 15), 1_000_000)
    add_rows(account, date(2026, 3, 8), 7)  # the last day of the period before
    add_rows(account, date(2026, 3, 9), 100)
    add_rows(account, date(2026, 3, 9), 11, table="customers")
    add_rows(account, date(2026, 3, 20), 5_000)
    usage = usage_of(account, now=NOW)
    assert (usage.first_day, usage.reset_day) == (date(2026, 3, 9), date(2026, 4, 8))
    assert (usage.used, usage.counted) == (5_111, 5_111)
    assert usage.days[0] == (date(2026, 3, 9), 111)
    assert usage.days[-1] == (date(2026, 3, 20), 5_000)
    assert len(usage.days) == 12
    assert usage.previous == [Cycle(date(2026, 1, 8), 0, 0), Cycle(date(2026, 2, 7), 7, 0)]


def test_every_day_is_in_exactly_one_period(account):
    days = []
    moment = account.period_anchor
    for _ in range(4):
        first, after_last = account.billing_days(moment)
        days += [first + timedelta(days=number) for number in range((after_last - first).days)]
        moment += timedelta(days=30)
    assert len(days) == len(set(days)) == 120


def test_the_page_shows_plan_limits_and_usage(signed_in, page, account, monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    add_rows(account, date(2026, 3, 9), 5_330)
    shown = Page(signed_in.get(page("billing")))
    assert (
        "Plan Standard Price From USD 100 a month Next billing date Apr 8, 2026 (UTC): the rows of the cycle "
        "begin at zero again Rows a month 5,000,000 Team members 5"
    ) in shown.words
    assert "API access keys Not included" in shown.words
    assert (
        "Resets on Apr 8, 2026 (UTC) 5,330 Rows replicated this usage cycle 4,994,670 Rows remaining"
    ) in shown.words
    assert ["March 9, 2026", "5,330"] in shown.rows
    assert ["March 20, 2026", "5,330"] in shown.rows  # cumulative
    assert shown.links["Change Your Plan"] == page("plan-list")


def test_beyond_the_limit_nothing_remains(signed_in, page, account, monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    add_rows(account, date(2026, 3, 9), 5_000_001)
    shown = Page(signed_in.get(page("billing")))
    assert "5,000,001 Rows replicated this usage cycle 0 Rows remaining" in shown.words


def test_a_new_account_has_no_earlier_cycle(client):
    account = make_account()
    client.force_login(make_member(account))
    shown = Page(client.get(f"/client/{account.client_id}/account/billing"))
    assert "Previous cycles This is the first cycle." in shown.words


@pytest.mark.parametrize(
    ("started", "words"),
    [
        (None, "Your 14-day free trial begins when your first row is loaded."),
        (
            datetime(2026, 3, 10, 8, tzinfo=UTC),
            "Your free trial ends on Mar 24, 2026 08:00 (UTC). 4 days are left.",
        ),
        (datetime(2026, 3, 1, 8, tzinfo=UTC), "Your free trial ended on Mar 15, 2026 08:00 (UTC)."),
    ],
)
def test_K12_the_trial_says_how_it_stands(client, monkeypatch, started, words):
    account = make_account(plan="free_trial", trial_started_at=started)
    client.force_login(make_member(account))
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    shown = Page(client.get(f"/client/{account.client_id}/account/billing"))
    assert words in shown.words
    assert "Price Free for 14 days" in shown.words


def test_a_running_trial_says_what_its_end_does(client):
    account = make_account(plan="free_trial", trial_started_at=timezone.now() - timedelta(days=13))
    member = make_member(account)
    key, _ = make_api_key(account)
    make_integration(account, display_name="Bike Fleet", schema_name="bike_fleet")
    client.force_login(member)
    shown = Page(client.get(f"/client/{account.client_id}/account/billing"))
    assert (
        f"What happens when the trial ends This API access key will be disabled: {key.last_four} Used in a test "
        f"({member.email}, never used)"
    ) in shown.words
    assert "This integration will be paused: bike_fleet Bike Fleet" in shown.words
    assert "1 day is left." in shown.words
    dashboard = Page(client.get(f"/client/{account.client_id}/pipeline/connections"))
    assert "1 day is left." in dashboard.words


@pytest.mark.parametrize("name", ["billing", "profile", "plan-list"])
def test_every_page_says_that_the_account_is_on_hold_and_that_the_trial_is_over(client, name):
    started = timezone.now() - timedelta(days=20)
    account = make_account(plan="free_trial", trial_started_at=started)
    client.force_login(make_member(account))
    place_hold(account=account, hold=Hold.STAFF, actor=None, by_staff=True, reason="Please call us.")
    place_hold(account=account, hold=Hold.DESTINATIONS, actor=None)
    shown = Page(client.get(reverse(f"accounts:{name}", args=[account.client_id])))
    assert (
        "This account is on hold. It has more destinations than its plan has room for. The people who run this "
        "server put it on hold: Please call us. Nothing is loaded; what programs send is accepted and waits."
    ) in shown.words
    assert "Your free trial has ended." in shown.words
    assert shown.links["Choose a plan, then resume them"] == reverse(
        "accounts:billing", args=[account.client_id]
    )


def test_an_operator_can_close_plan_changes(signed_in, page, settings):
    settings.PLAN_SELF_SERVICE = False
    shown = Page(signed_in.get(page("billing")))
    assert "Change Your Plan" not in shown.links
    assert "Plans are set by the people who run this server." in shown.words


def test_twelve_earlier_cycles_are_shown(account, member):
    account.created_at = NOW - timedelta(days=3000)
    add_rows(account, date(2025, 3, 14), 9)  # the first day of the oldest of them
    add_rows(account, date(2025, 3, 13), 1000)
    usage = usage_of(account, now=NOW)
    assert [cycle.rows for cycle in usage.previous] == [9] + [0] * 11
    assert usage.previous[0].first_day == date(2025, 3, 14)
    assert usage.previous[0].last_day == date(2025, 4, 12)


def test_free_rows_are_told_and_count_nowhere(signed_in, page, account, member, monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    add_rows(account, date(2026, 3, 9), 5_000, free_rows=4_000)
    add_rows(account, date(2026, 3, 18), 330)
    FreeWeek.objects.create(
        account=account, schema_name="orders", began_at=datetime(2026, 3, 3, 8, tzinfo=UTC)
    )
    usage = usage_of(account, now=NOW)
    assert (usage.used, usage.free_rows, usage.counted) == (5_330, 4_000, 1_330)
    assert counted_rows(account, now=NOW) == 1_330
    shown = Page(signed_in.get(page("billing")))
    assert (
        "5,330 Rows replicated this usage cycle 4,000 of them are free and do not count. "
        "4,998,670 Rows remaining 1,330 of 5,000,000 rows used (under 1 %)"
    ) in shown.words
    assert "4,000 free rows of orders : its first 7 days ended Mar 10, 2026 08:00 (UTC)" in shown.words
    assert "No recent credits." not in shown.words


def test_credits_are_those_that_reach_into_the_running_period(account, member):
    for number in range(8):
        FreeWeek.objects.create(
            account=account,
            schema_name=f"source_{number}",
            began_at=datetime(2026, 3, 1 + number, 12, tzinfo=UTC),
        )
    FreeWeek.objects.create(account=account, schema_name="now", began_at=datetime(2026, 3, 14, tzinfo=UTC))
    found = credits_of(account, now=NOW)  # the period began on March 9
    assert [credit.schema_name for credit in found.newest] == [
        "now", "source_7", "source_6", "source_5", "source_4",
    ]  # fmt: skip
    assert found.others == 3  # source_0 ended on March 8
    assert [credit.is_running for credit in found.newest] == [True, False, False, False, False]


def test_without_credits_the_page_says_how_to_get_them(signed_in, page):
    shown = Page(signed_in.get(page("billing")))
    assert (
        "Credits No recent credits. Add a new integration to receive 7 days of free rows for that integration."
    ) in shown.words


def test_D7_past_payments_are_honestly_none(signed_in, page):
    shown = Page(signed_in.get(page("billing")))
    assert (
        "Past Payments No payments. This server takes none: the prices are the public list."
    ) in shown.words
    assert not [word for word in ("card", "invoice") if word in shown.words.lower()]


def test_the_page_asks_as_often_however_many_rows_there_are(signed_in, page, account, member):
    asked = []
    for tables in (1, 3):
        for number in range(tables):
            schema = f"s{tables}{number}"
            FreeWeek.objects.create(account=account, schema_name=schema, began_at=timezone.now())
            for ago in range(0, 400, 40 // tables):
                day = timezone.now().date() - timedelta(days=ago)
                add_rows(account, day, 10, table=schema)
        with CaptureQueriesContext(connection) as queries:
            signed_in.get(page("billing"))
        asked.append(len(queries))
    assert asked[0] == asked[1]


def test_losses_name_what_shrinks():
    plans = {plan.slug: plan for plan in Plan.objects.all()}
    assert losses(plans["advanced"], plans["standard"]) == [
        "Rows a month: 5,000,000 instead of 100,000,000.",
        "Team members: 5 instead of unlimited.",
        "Destinations: 1 instead of 3.",
        "Integration types: 10 instead of unlimited.",
        "API access keys: no longer included.",
        "Post-load hooks: no longer included.",
    ]
    assert gains(plans["standard"], plans["premium"]) == [
        "Rows a month: 1,000,000,000 instead of 5,000,000.",
        "Team members: unlimited instead of 5.",
        "Destinations: 5 instead of 1.",
        "Integration types: unlimited instead of 10.",
        "API access keys: included.",
        "Post-load hooks: included.",
        "Loading reports: 60 days instead of 7.",
    ]
    assert gains(plans["premium"], plans["standard"]) == []
    assert losses(plans["standard"], plans["premium"]) == []
    assert price_words(plans["premium"]) == "From USD 2,500 a month"
