"""When extractions start: grids, anchors, cron, what has no schedule, and what a change of plan takes (app.md 10.5)."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Plan
from accounts.services.plans import change_plan, effects_of_plan
from integrations.models import SetUpStep
from integrations.services.integrations import (
    delete_integration,
    pause_integration,
    resume_integration,
)
from integrations.services.schedules import Grid, next_runs, plan_of, replan, runs_of, schedule_of
from tests.factories import make_account, make_integration, make_job, make_member, make_source

pytestmark = pytest.mark.django_db
CREATED = datetime(2024, 3, 5, 20, 30, tzinfo=UTC)
NOW = datetime(2024, 3, 5, 20, 41, 10, 250_000, tzinfo=UTC)
NOON = "0 0 12 ? * MON-FRI *"


@pytest.fixture
def account():
    account = make_account()
    make_member(account, email="owner@example.com")
    return account


def source_with(account, *, has_run=True, **fields):
    source = make_source(account, **{"created_at": CREATED} | fields)
    if has_run:
        make_job(source)
    return source


def hours(moments):
    return [f"{moment:%d %H:%M:%S}" for moment in moments]


def runs(properties, count=3, now=NOW):
    plan = plan_of(properties, type_name="platform.hp-postgres", created_at=CREATED)
    return hours(runs_of(plan, now, count))


def test_starts_are_the_anchor_plus_multiples_of_the_frequency():
    every_six = {"frequency_in_minutes": "360", "anchor_time": "2024-03-04T21:00:00.000Z"}
    assert runs(every_six) == ["05 21:00:00", "06 03:00:00", "06 09:00:00"]
    later_anchor = every_six | {"anchor_time": "2024-03-10T21:00:00Z"}
    assert runs(later_anchor) == runs(every_six)
    elsewhere = every_six | {"anchor_time": "2024-03-04T23:00:00+02:00"}
    assert runs(elsewhere) == runs(every_six)
    assert runs(every_six, now=datetime(2024, 3, 5, 21, tzinfo=UTC), count=1) == ["06 03:00:00"]


def test_below_an_hour_an_anchor_has_no_effect():
    assert runs({"frequency_in_minutes": "30", "anchor_time": "2024-03-04T21:10:00Z"}) == [
        "05 21:00:00",
        "05 21:30:00",
        "05 22:00:00",
    ]
    assert runs({"frequency_in_minutes": "60", "anchor_time": "2024-03-04T21:10:00Z"}, 1) == ["05 21:10:00"]


def test_cron_wins_over_frequency_and_anchor():
    both = {
        "frequency_in_minutes": "30",
        "anchor_time": "2024-03-04T21:10:00Z",
        "cron_expression": NOON,
    }
    assert runs(both) == ["06 12:00:00", "07 12:00:00", "08 12:00:00"]
    assert runs(both | {"cron_expression": None}, 1) == ["05 21:00:00"]


@given(
    st.sampled_from([1, 30, 60, 360, 720, 1440]),
    st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC)),
    st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC)),
)
def test_a_grid_has_one_start_in_every_interval(minutes, anchor, moment):
    found = Grid(minutes, anchor).after(moment)
    assert timedelta(0) < found - moment <= timedelta(minutes=minutes)
    assert (found - anchor) % timedelta(minutes=minutes) == timedelta(0)


def test_a_new_source_starts_at_once_and_keeps_its_grid(account):
    source = source_with(account, has_run=False, properties={"frequency_in_minutes": "60"})
    replan(integration=source, now=NOW)
    source.refresh_from_db()
    assert source.next_run_at == NOW
    assert source.properties["anchor_time"] == "2024-03-05T20:41:10.250Z"
    assert hours(next_runs(source, NOW, 2)) == ["05 20:41:10", "05 21:41:10"]
    make_job(source)
    day_later = NOW + timedelta(days=1, minutes=7)
    source.next_run_at = None
    source.save()
    replan(integration=source, now=day_later)
    assert source.next_run_at == NOW + timedelta(days=1, hours=1)
    assert source.properties["anchor_time"] == "2024-03-05T20:41:10.250Z"


def test_a_new_source_with_cron_waits_for_its_time(account):
    source = source_with(account, has_run=False, properties={"cron_expression": NOON})
    replan(integration=source, now=NOW)
    assert hours([source.next_run_at]) == ["06 12:00:00"]


def test_a_start_that_is_due_survives_another_change(account):
    due = datetime(2024, 3, 5, 20, 41, tzinfo=UTC)
    properties = {"frequency_in_minutes": "60", "anchor_time": "2024-03-01T00:41:00Z"}
    source = source_with(account, properties=properties, next_run_at=due)
    replan(integration=source, now=NOW)
    assert source.next_run_at == due
    source.properties = properties | {"anchor_time": "2024-03-01T00:30:00Z"}
    source.save()
    replan(integration=source, now=NOW)
    assert hours([source.next_run_at]) == ["05 21:30:00"]


@pytest.mark.parametrize(
    "fields",
    [
        {"paused_at": NOW},
        {"system_paused_at": NOW},
        {"deleted_at": NOW},
        {"step": SetUpStep.FORM},
        {"step": SetUpStep.DISCOVER_SCHEMA},
        {"step": SetUpStep.FIELD_SELECTION},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_what_does_not_run_by_itself_has_no_schedule(account, fields):
    source = source_with(account, next_run_at=NOW, **fields)
    replan(integration=source, now=NOW)
    source.refresh_from_db()
    assert source.next_run_at is None
    assert schedule_of(source, NOW) is None
    assert next_runs(source, NOW, 3) == []


def test_what_is_pushed_has_no_schedule(account):
    integration = make_integration(account)
    with CaptureQueriesContext(connection) as queries:
        replan(integration=integration, now=NOW)
        assert schedule_of(integration, NOW) is None
    assert not [query for query in queries if "integration" in query["sql"]]


def test_the_schedule_tells_what_the_api_shows_without_a_query(account):
    properties = {"frequency_in_minutes": "60", "anchor_time": "2024-03-05T21:00:00.000Z"}
    source = source_with(account, properties=properties)
    replan(integration=source, now=NOW)
    with CaptureQueriesContext(connection) as queries:
        schedule = schedule_of(source, NOW)
    assert not queries.captured_queries
    assert (schedule.minutes, schedule.cron_expression) == (60, None)
    assert schedule.next_run_at == datetime(2024, 3, 5, 21, tzinfo=UTC)
    source.properties = properties | {"cron_expression": NOON}
    source.save()
    replan(integration=source, now=NOW)
    schedule = schedule_of(source, NOW)
    assert (schedule.minutes, schedule.cron_expression) == (None, NOON)
    assert schedule.next_run_at == datetime(2024, 3, 6, 12, tzinfo=UTC)


def test_cron_that_names_no_moment_any_more_plans_nothing(account):
    source = source_with(account, properties={"cron_expression": "0 0 0 1 1 ? 2024"})
    replan(integration=source, now=NOW)
    assert source.next_run_at is None
    assert schedule_of(source, NOW).next_run_at is None
    assert next_runs(source, NOW, 3) == []


def test_pausing_resuming_and_deleting_plan_anew(account):
    member = account.memberships.get().user
    source = source_with(account)
    replan(integration=source, now=timezone.now())
    assert pause_integration(integration=source, actor=member).next_run_at is None
    resumed = resume_integration(integration=source, actor=member)
    assert timezone.now() < resumed.next_run_at <= timezone.now() + timedelta(hours=1)
    assert delete_integration(integration=source, actor=member).next_run_at is None


def test_losing_advanced_scheduling_pauses_and_resets(account):
    member = account.memberships.get().user
    cron = source_with(account, display_name="By cron", properties={"cron_expression": NOON})
    by_hand = source_with(account, display_name="Paused", properties={"cron_expression": NOON}, paused_at=NOW)
    interval = source_with(account, display_name="Hourly", properties={"frequency_in_minutes": "60"})
    for source in (cron, by_hand, interval):
        replan(integration=source, now=timezone.now())
    standard = Plan.objects.get(slug="standard")
    told = [
        effect for effect in effects_of_plan(account=account, plan=standard, now=NOW) if effect.name == "cron"
    ]
    assert [thing.words for thing in told[0].things] == ["By cron", "Paused"]
    change_plan(account=account, actor=member, plan=standard)
    for source in (cron, by_hand, interval):
        source.refresh_from_db()
    assert cron.system_paused_at is not None
    assert cron.next_run_at is None
    assert cron.properties["frequency_in_minutes"] == "30"
    assert "cron_expression" not in cron.properties | by_hand.properties
    assert by_hand.system_paused_at is None
    assert not interval.is_paused
    assert interval.next_run_at is not None
    changed = account.audit_events.filter(event="integration.schedule_changed").order_by("pk")
    assert [event.detail["former_cron_expression"] for event in changed] == [NOON, NOON]
    resumed = resume_integration(integration=cron, actor=member)
    assert resumed.next_run_at is not None
