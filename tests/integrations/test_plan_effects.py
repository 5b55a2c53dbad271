"""What a change of plan does to destinations and reports (app.md 11, 13.2)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from secrets import token_hex as generated
from threading import Barrier

import pytest
from django.db import connections
from django.utils import timezone

from accounts.models import Account, Plan
from accounts.services.holds import HeldForLong, Hold, hold_words, lift_hold, place_hold
from accounts.services.plan_terms import change_plan_terms
from accounts.services.plans import change_plan, effects_of_plan
from integrations.models import Load, ReceivedRequest, RequestDay
from integrations.queue.cleaning import purge_history
from integrations.services.destination_changes import (
    DestinationLimitReached,
    add_postgres_destination,
    remove_destination,
)
from integrations.services.destination_connections import Connection
from integrations.services.destinations import main_destination
from integrations.services.integrations import resume_integration
from integrations.services.load_reports import attempts_on
from integrations.services.long_holds import pause_long_holds
from integrations.services.request_log import request_days, requests_of
from tests.factories import (
    make_account,
    make_integration,
    make_member,
    make_postgres_destination,
    make_user,
)
from tests.mailbox import sent_mails
from tests.pages import Page

pytestmark = pytest.mark.django_db


@pytest.fixture
def account():
    account = make_account()
    make_member(account, email="owner@example.com")
    return account


@pytest.fixture
def member(account):
    return account.memberships.get().user


def plan(slug):
    return Plan.objects.get(slug=slug)


def events(account):
    return list(account.audit_events.order_by("pk").values_list("event", flat=True))


def with_two_destinations(account):
    main_destination(account=account)
    second = make_postgres_destination(account, display_name="Analytics")
    make_integration(account, destination=second)
    make_integration(account)
    return second


def test_the_question_names_the_destinations_and_what_ends_the_hold(account, member, client):
    with_two_destinations(account)
    client.force_login(member)
    shown = Page(client.get(f"/client/{account.client_id}/account/plans/standard"))
    assert (
        "The account will be put on hold, because it has 2 destinations and Standard has room for 1. While it is on "
        "hold nothing is loaded into any of them: DuckDB (1 integration) Analytics (1 integration) What programs "
        "send is still accepted, and waits; after 7 days integrations are paused. The hold is lifted by itself once "
        "1 destination is removed, or on a "
        "plan with more room."
    ) in shown.words


def test_P8_A1_a_downgrade_places_the_hold_with_the_change(account, member):
    with_two_destinations(account)
    done = change_plan(account=account, actor=member, plan=plan("standard"))
    assert "The account is on hold: nothing is loaded until there are fewer destinations." in done
    account.refresh_from_db()
    assert account.is_on_hold
    assert events(account) == ["account.plan_changed", "account.hold_placed"]
    assert hold_words(account) == ["It has more destinations than its plan has room for."]


@pytest.mark.django_db(transaction=True)
def test_P8_a_destination_added_while_the_plan_changes_is_refused_or_puts_the_account_on_hold():
    account = make_account()
    member = make_member(account)
    main_destination(account=account)
    standard = plan("standard")
    together = Barrier(2)

    def attempt(change):
        try:
            together.wait()
            change()
        except DestinationLimitReached:
            pass
        finally:
            connections.close_all()

    changes = [
        partial(
            add_postgres_destination,
            account=account,
            actor=member,
            names={"display_name": "Analytics", "description": ""},
            connection=Connection("127.0.0.1", 1, "warehouse", "loader", generated()),
            steps=[],
        ),
        partial(change_plan, account=account, actor=member, plan=standard),
    ]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(attempt, changes))
    account.refresh_from_db()
    assert account.plan == standard
    assert (account.destinations.live().count(), account.is_on_hold) in [(1, False), (2, True)]


def test_removing_a_destination_lifts_it(account, member):
    second = with_two_destinations(account)
    change_plan(account=account, actor=member, plan=plan("standard"))
    remove_destination(destination=second, actor=member)
    assert not Account.objects.get(pk=account.pk).is_on_hold
    assert events(account)[-1] == "account.hold_lifted"


def test_an_upgrade_lifts_it_and_says_so(account, member):
    with_two_destinations(account)
    change_plan(account=account, actor=member, plan=plan("standard"))
    account.refresh_from_db()
    told = [
        effect.sentence
        for effect in effects_of_plan(account=account, plan=plan("premium"), now=timezone.now())
    ]
    assert "The hold for too many destinations is lifted: what waits is loaded." in told
    change_plan(account=account, actor=member, plan=plan("premium"))
    assert not Account.objects.get(pk=account.pk).is_on_hold


def test_P8_other_terms_of_the_plan_place_and_lift_it(account, member):
    with_two_destinations(account)
    staff = make_user(is_staff=True)
    change_plan_terms(plan=account.plan, actor=staff, terms={"max_destinations": 1})
    assert Account.objects.get(pk=account.pk).is_on_hold
    change_plan_terms(plan=account.plan, actor=staff, terms={"max_destinations": None})
    assert not Account.objects.get(pk=account.pk).is_on_hold
    assert {event.by_staff for event in account.audit_events.all()} == {True}


def test_members_are_mailed_when_it_is_placed_and_when_the_last_is_lifted(account, member):
    left = make_member(account)
    left.memberships.update(deactivated_at=timezone.now())
    second = with_two_destinations(account)
    staff = make_user(is_staff=True)
    change_plan(account=account, actor=member, plan=plan("standard"))
    place_hold(account=account, hold=Hold.STAFF, actor=staff, by_staff=True, reason="Please call us")
    remove_destination(destination=second, actor=member)
    lift_hold(account=account, hold=Hold.STAFF, actor=staff, by_staff=True)
    mails = sent_mails()
    assert [(sent.to, sent.subject.partition(": ")[2]) for sent in mails] == [
        (["owner@example.com"], "Your account is on hold"),
        (["owner@example.com"], "Your account is on hold"),
        (["owner@example.com"], "Your account is no longer on hold"),
    ]
    assert "Please call us" in mails[1].body
    assert "Remove destinations, or choose a plan with more room" in mails[0].body


def test_after_seven_days_integrations_are_paused_and_nobody_resumes_them_before_the_lift(account, member):
    integration = make_integration(account)
    place_hold(account=account, hold=Hold.STAFF, actor=None, by_staff=True)
    now = timezone.now()
    pause_long_holds(now + timedelta(days=6, hours=23))
    integration.refresh_from_db()
    assert not integration.is_paused
    Account.objects.update(staff_held_at=now - timedelta(days=7))
    pause_long_holds(now)
    integration.refresh_from_db()
    assert integration.system_paused_at is not None
    with pytest.raises(HeldForLong):
        resume_integration(integration=integration, actor=member)
    lift_hold(account=account, hold=Hold.STAFF, actor=None, by_staff=True)
    assert not resume_integration(integration=integration, actor=member).is_paused


def make_load(integration, ago):
    at = timezone.now() - ago
    return Load.objects.create(
        account=integration.account,
        integration=integration,
        table_name="bikes",
        started_at=at,
        finished_at=at,
        status="success",
        last_received_at=at,
    )


def test_a_downgrade_loses_older_reports_for_good(account, member):
    integration = make_integration(account)
    new, old = make_load(integration, timedelta(days=6)), make_load(integration, timedelta(days=20))
    for load in (new, old):
        ReceivedRequest.objects.create(
            account_id=account.pk,
            integration_id=integration.pk,
            at=load.finished_at,
            endpoint="push",
            status=201,
            token_id=1,
            microseconds=900,
        )
        RequestDay.objects.create(
            account_id=account.pk, integration_id=integration.pk, day=load.finished_at.date(), accepted=1
        )
    told = [
        effect.sentence
        for effect in effects_of_plan(account=account, plan=plan("standard"), now=timezone.now())
    ]
    assert any("1 loading report from before" in sentence for sentence in told)
    change_plan(account=account, actor=member, plan=plan("standard"))
    change_plan(account=account, actor=member, plan=plan("premium"))  # it brings nothing back
    integration.refresh_from_db()
    now = timezone.now()
    assert requests_of(integration=integration, now=now).count() == 1
    assert [day.day for day in request_days(integration=integration, now=now)] == [new.finished_at.date()]
    purge_history(now=now)
    assert list(Load.objects.all()) == [new]
    assert ReceivedRequest.objects.count() == 1
    assert attempts_on(integration=integration, table_name="bikes", day=new.finished_at.date()).count() == 1


def test_the_loads_of_a_day_are_hidden_before_they_are_deleted(account, member, client):
    integration = make_integration(account)
    old = make_load(integration, timedelta(days=20))
    client.force_login(member)
    address = (
        f"/client/{account.client_id}/pipeline/connections/{integration.pk}/loads/table"
        f"?name=bikes&day={old.finished_at.date()}"
    )
    before = Page(client.get(address)).words
    change_plan(account=account, actor=member, plan=plan("standard"))
    change_plan(account=account, actor=member, plan=plan("premium"))
    after = Page(client.get(address)).words
    assert "Success" in before
    assert "Success" not in after


def test_without_a_downgrade_reports_of_the_larger_plan_are_there_at_once(account, member):
    account.plan = plan("standard")
    account.save(update_fields=["plan"])
    integration = make_integration(account)
    make_load(integration, timedelta(days=20))
    purge_history(now=timezone.now())
    change_plan(account=account, actor=member, plan=plan("premium"))
    assert Load.objects.count() == 1
