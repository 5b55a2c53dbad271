"""Raising and clearing: one row for each cause, whatever happens how often (app.md 12.1)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.models import Category, Kind, Level, Notification
from integrations.notification_words import kinds_explained
from integrations.services import notifications
from integrations.services.notifications import clear_causes, clear_notification, raise_notification
from tests.factories import make_account, make_integration

NOW = timezone.now()

# app.md 12.3 and loading.md 7.1, for what this server can find out: category, level, delay in minutes, raw, opt-out.
TABLE = {
    "Approaching row limit": ("Account", "Warning", 0, "Approaching Row Limit", False, False),
    "Row limit reached": ("Account", "Warning", 0, "Row Limit Reached", False, False),
    "Free trial expiration": (
        "Account",
        "Critical",
        0,
        "Your free trial of {product} has expired",
        False,
        False,
    ),
    "Account inactivity": (
        "Account",
        "Critical",
        0,
        "Integrations Paused due to Account Inactivity",
        False,
        False,
    ),
    "SaaS integration authentication error": ("Integration", "Critical", 20, "Integration Error", True, True),
    "Missing or deleted database Replication Key": (
        "Replication",
        "Warning",
        20,
        "Database Integration Error",
        False,
        True,
    ),
    "SaaS integration API rate limit": (
        "Replication",
        "Delay",
        20,
        "Integration API Rate Limited",
        False,
        True,
    ),
    "Database integration error": (
        "Integration",
        "Critical",
        0,
        "Database Integration Error",
        False,
        True,
    ),
    "Extraction exit status": (
        "Replication",
        "Critical",
        60,
        "We're encountering some errors with your {integration} integration",
        True,
        True,
    ),
    "Data warehouse error": ("Destination", "Critical", 0, "Data Warehouse Error", False, True),
    "Unable to deliver post-load hook": (
        "Replication",
        "Warning",
        0,
        "Unable to Deliver Post Load Notification",
        True,
        True,
    ),
    "Error persisting table data": (
        "Replication",
        "Critical",
        0,
        "Error persisting data for table {table}",
        False,
        True,
    ),
    "Data loading error": (
        "Replication",
        "Critical",
        120,
        "We're having trouble writing to your data warehouse",
        True,
        True,
    ),
    "Unable to load data": (
        "Replication",
        "Critical",
        120,
        "We're unable to load some of your data",
        True,
        True,
    ),
    "Rejected records": (
        "Replication",
        "Warning",
        20,
        "Some of your records were rejected",
        False,
        True,
    ),
    "Internal loading": ("Internal", "Delay", 180, "Data delays", False, True),
}


def test_the_kinds_are_those_of_the_type_table():
    assert {
        kind.facts.name: (
            kind.facts.category.value,
            kind.facts.level.value,
            kind.facts.delay / timedelta(minutes=1),
            kind.facts.subject,
            kind.facts.raw,
            kind.facts.opt_out,
        )
        for kind in Kind
    } == TABLE
    assert {kind.facts.level for kind in Kind} == set(Level)
    assert {kind.facts.category for kind in Kind} == set(Category)


def test_the_guide_explains_every_kind():
    assert [kind["name"] for kind in kinds_explained()] == [kind.facts.name for kind in Kind]


@pytest.mark.parametrize("kind", Kind)
def test_a_stored_kind_is_found_again(kind):
    assert Kind.of(kind.stored) is kind
    assert len(kind.stored) <= Notification._meta.get_field("kind").max_length


@pytest.fixture
def account(db):
    return make_account()


def tell(account, cause="table:1", *, kind=Kind.UNABLE_TO_LOAD, now=NOW, **more):
    return raise_notification(
        account=account, kind=kind, cause=cause, **({"message": "It failed."} | more), now=now
    )


def test_what_happens_again_is_counted_on_the_same_row(account):
    first = tell(account, details="busy")
    again = tell(account, details="away", now=NOW + timedelta(minutes=5))
    assert again.pk == first.pk
    assert (again.occurrences, again.details) == (2, "away")
    assert (again.began_at, again.latest_at) == (NOW, NOW + timedelta(minutes=5))
    assert again.mail_due_at == NOW + Kind.UNABLE_TO_LOAD.facts.delay
    assert notifications.count_open(account=account) == 1


def test_causes_kinds_and_accounts_are_told_apart(account):
    tell(account)
    tell(account, "table:2")
    tell(account, kind=Kind.INTERNAL_LOADING)
    tell(make_account())
    assert notifications.count_open(account=account) == 3


def test_what_is_over_is_not_open_and_has_no_mail_to_come(account):
    tell(account)
    clear_notification(account=account, kind=Kind.UNABLE_TO_LOAD, cause="table:1", now=NOW)
    row = Notification.objects.get()
    assert (row.cleared_at, row.mail_due_at, row.is_open) == (NOW, None, False)
    assert notifications.count_open(account=account) == 0
    clear_notification(account=account, kind=Kind.UNABLE_TO_LOAD, cause="table:1", now=NOW + timedelta(1))
    assert Notification.objects.get().cleared_at == NOW


def test_a_cause_that_comes_back_within_the_hour_takes_its_row_up_again(account):
    tell(account)
    clear_causes(account=account, causes=["table:1"], now=NOW)
    later = NOW + timedelta(minutes=59)
    row = tell(account, now=later)
    assert (Notification.objects.count(), row.occurrences, row.began_at) == (1, 2, later)
    assert row.mail_due_at == later + timedelta(hours=2)


def test_one_that_was_mailed_gets_no_second_mail_when_it_comes_back_within_the_hour(account):
    tell(account)
    Notification.objects.update(mailed_at=NOW, mail_due_at=None)
    clear_causes(account=account, causes=["table:1"], now=NOW)
    assert tell(account, now=NOW + timedelta(minutes=59)).mail_due_at is None


def test_a_cause_that_comes_back_later_is_a_new_one(account):
    tell(account)
    Notification.objects.update(mailed_at=NOW, mail_due_at=None)
    clear_causes(account=account, causes=["table:1"], now=NOW)
    row = tell(account, now=NOW + timedelta(minutes=61))
    assert (Notification.objects.count(), row.occurrences) == (2, 1)
    assert row.mail_due_at is not None


def test_a_dismissed_one_stays_dismissed_until_its_cause_is_over(account):
    tell(account)
    Notification.objects.update(dismissed_at=NOW)
    assert tell(account) is None
    assert Notification.objects.get().occurrences == 2
    assert notifications.count_open(account=account) == 0
    clear_causes(account=account, causes=["table:1"], now=NOW)
    assert tell(account, now=NOW + timedelta(minutes=1)).is_open


def test_two_at_once_make_one_row(account, monkeypatch):
    """The second one does not see the first's row when it looks, and finds it when it writes."""
    real = notifications.begin

    def begin(same, **more):
        real(same, **more)
        real(same, **more)

    monkeypatch.setattr(notifications, "begin", begin)
    assert tell(account).occurrences == 2
    assert Notification.objects.count() == 1


def test_details_are_cut_to_what_a_page_can_show(account):
    assert len(tell(account, details="x" * 20_000).details) == notifications.MAX_DETAILS


def test_all_that_is_told_of_an_integration_or_a_destination_can_end_at_once(account, make_two):
    mine, other = make_two
    tell(account, "a", integration=mine)
    tell(account, "b", integration=other)
    notifications.clear_integration(integration=mine, now=NOW)
    assert [row.cause for row in Notification.objects.open()] == ["b"]


@pytest.fixture
def make_two(account):
    from tests.factories import make_member

    make_member(account)
    return make_integration(account), make_integration(account)


def test_the_number_in_the_bar_is_one_query(account, django_assert_num_queries):
    tell(account)
    with django_assert_num_queries(1):
        notifications.count_open(account=account)
