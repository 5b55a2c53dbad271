"""Warnings at 70, 90 and 100 % of the rows, raised by what loads record (app.md 12.3, 13.1)."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from accounts.models import Plan, Task
from accounts.services.plan_terms import change_plan_terms
from accounts.services.plans import change_plan
from integrations.models import DailyRows, Kind
from integrations.services.notifications import dismiss_every_notification
from integrations.services.row_warnings import (
    WEIGH,
    end_row_warnings,
    level_reached,
    settle_row_warnings,
    weigh,
)
from tests.factories import make_account, make_integration, make_member, make_user

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
TODAY = NOW.date()
LIMIT = 5_000_000  # of Standard


@pytest.fixture
def account():
    account = make_account(plan="standard", period_anchor=datetime(2026, 3, 9, tzinfo=UTC))
    make_member(account)
    return account


def load(account, rows, *, free=0, day=TODAY):
    integration = account.integrations.first() or make_integration(account)
    table = f"table {DailyRows.objects.count()}"
    DailyRows.objects.create(
        account=account, integration=integration, table_name=table, day=day, rows=rows, free_rows=free
    )
    settle_row_warnings(account=account, now=NOW)


def told(account):
    return [(each.kind, each.cause) for each in account.notifications.open().order_by("pk")]


@pytest.mark.parametrize(
    ("rows", "limit", "level"),
    [
        (699, 1000, None),
        (700, 1000, 70),
        (899, 1000, 70),
        (900, 1000, 90),
        (999, 1000, 90),
        (1000, 1000, 100),
        (5000, 1000, 100),
        (10**12, None, None),
        (5, 7, 70),
    ],
)
def test_levels_are_reached_exactly(rows, limit, level):
    assert level_reached(rows, limit) == level


def test_each_level_is_told_once_and_gives_way_to_the_next(account):
    load(account, LIMIT * 7 // 10 - 1)
    assert told(account) == []
    load(account, 1)
    assert told(account) == [(Kind.APPROACHING_ROW_LIMIT.stored, "2026-03-09:70")]
    load(account, 100)
    assert account.notifications.get().occurrences == 1
    load(account, LIMIT * 2 // 10)
    assert told(account) == [(Kind.APPROACHING_ROW_LIMIT.stored, "2026-03-09:90")]
    load(account, LIMIT)
    assert told(account) == [(Kind.ROW_LIMIT_REACHED.stored, "2026-03-09:100")]
    assert account.notifications.count() == 3


def test_one_load_beyond_everything_is_told_once(account):
    load(account, LIMIT * 2)
    assert told(account) == [(Kind.ROW_LIMIT_REACHED.stored, "2026-03-09:100")]
    assert account.notifications.count() == 1
    assert "10,000,000 rows count in this usage cycle: 200 % of the 5,000,000 of your Standard plan." in (
        account.notifications.get().message
    )


def test_free_rows_and_rows_of_earlier_cycles_do_not_count(account):
    load(account, LIMIT, free=LIMIT)
    load(account, LIMIT, day=NOW.date() - timedelta(days=20))
    assert told(account) == []


def test_what_was_dismissed_is_not_told_again_in_the_cycle(account):
    load(account, LIMIT * 7 // 10)
    dismiss_every_notification(account=account, actor=account.memberships.get().user, now=NOW)
    load(account, 10)
    assert told(account) == []
    load(account, LIMIT * 2 // 10)
    assert told(account) == [(Kind.APPROACHING_ROW_LIMIT.stored, "2026-03-09:90")]


def test_they_end_with_the_cycle_though_nothing_is_loaded(account):
    load(account, LIMIT)
    end_row_warnings(NOW + timedelta(days=18))  # April 7
    assert told(account) != []
    end_row_warnings(NOW + timedelta(days=19))
    assert told(account) == []


def test_P8_an_upgrade_ends_them_and_a_downgrade_begins_them_with_the_change(account, monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    actor = account.memberships.get().user
    load(account, LIMIT)
    change_plan(account=account, actor=actor, plan=Plan.objects.get(slug="advanced"))
    assert told(account) == []
    change_plan(account=account, actor=actor, plan=Plan.objects.get(slug="standard"))
    assert told(account) == [(Kind.ROW_LIMIT_REACHED.stored, "2026-03-09:100")]


def test_P8_another_limit_of_the_plan_ends_and_begins_them(account, monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    staff = make_user(is_staff=True)
    load(account, 1000)
    change_plan_terms(plan=account.plan, actor=staff, terms={"rows_per_month": 1100})
    assert told(account) == [(Kind.APPROACHING_ROW_LIMIT.stored, "2026-03-09:90")]
    change_plan_terms(plan=account.plan, actor=staff, terms={"rows_per_month": None})
    assert told(account) == []


def test_a_task_weighs_the_rows_of_its_account(account):
    integration = make_integration(account)
    DailyRows.objects.create(
        account=account, integration=integration, table_name="t", day=timezone.now().date(), rows=LIMIT
    )
    weigh(Task.objects.create(kind=WEIGH, account=account))
    assert account.notifications.open().count() == 1
