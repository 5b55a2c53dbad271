"""Integrations of accounts into which nothing was loaded for more than 40 days are paused (app.md 12.3)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from integrations.models import DailyRows, Kind
from integrations.services.inactivity import pause_inactive_accounts
from integrations.services.integrations import delete_integration, resume_integration
from tests.factories import make_account, make_batch, make_integration, make_member

pytestmark = pytest.mark.django_db


@pytest.fixture
def account():
    account = make_account()
    make_member(account)
    return account


@pytest.fixture
def integration(account):
    long_ago = timezone.now() - timedelta(days=90)
    return make_integration(account, created_at=long_ago, updated_at=long_ago)


def rows(integration, *, ago):
    DailyRows.objects.create(
        account=integration.account,
        integration=integration,
        table_name=f"t{ago}",
        day=timezone.now().date() - timedelta(days=ago),
        rows=5,
    )


def is_paused_by(now, integration):
    pause_inactive_accounts(now)
    integration.refresh_from_db()
    return integration.system_paused_at is not None


def test_after_more_than_forty_days_they_are_paused_and_it_is_told(account, integration):
    rows(integration, ago=41)
    deleted = make_integration(account, deleted_at=timezone.now(), updated_at=integration.updated_at)
    by_hand = make_integration(account, paused_at=timezone.now(), updated_at=integration.updated_at)
    assert is_paused_by(timezone.now(), integration)
    for other in (deleted, by_hand):
        other.refresh_from_db()
        assert other.system_paused_at is None
    notification = account.notifications.open().get()
    assert notification.kind == Kind.ACCOUNT_INACTIVITY.stored
    assert account.audit_events.get().detail == {"reason": "Nothing was loaded for 40 days"}
    pause_inactive_accounts(timezone.now())
    assert account.audit_events.count() == 1


@pytest.mark.parametrize("ago", [0, 1, 40])
def test_rows_of_the_last_forty_days_keep_the_account_active(integration, ago):
    rows(integration, ago=ago)
    assert not is_paused_by(timezone.now(), integration)


def test_one_that_is_new_or_was_just_changed_is_left_alone(integration):
    integration.updated_at = timezone.now() - timedelta(days=39)
    integration.save(update_fields=["updated_at"])
    assert not is_paused_by(timezone.now(), integration)


def test_a_closed_account_is_left_alone(account, integration):
    account.closed_at = timezone.now()
    account.save(update_fields=["closed_at"])
    assert not is_paused_by(timezone.now(), integration)


def test_what_comes_and_cannot_be_loaded_is_activity(integration):
    make_batch(integration)
    assert not is_paused_by(timezone.now(), integration)


def test_another_integration_that_loads_keeps_all_of_them(account, integration):
    rows(make_integration(account, updated_at=integration.updated_at), ago=2)
    assert not is_paused_by(timezone.now(), integration)


def test_resuming_by_hand_ends_the_notification_and_lasts(account, integration):
    now = timezone.now()
    assert is_paused_by(now, integration)
    resume_integration(integration=integration, actor=account.memberships.get().user)
    assert not account.notifications.standing().exists()
    assert not is_paused_by(now + timedelta(days=39), integration)
    assert is_paused_by(now + timedelta(days=41), integration)


def test_deleting_the_last_that_was_paused_ends_the_notification(account, integration):
    other = make_integration(account, updated_at=integration.updated_at)
    person = account.memberships.get().user
    assert is_paused_by(timezone.now(), integration)
    delete_integration(integration=other, actor=person)
    assert account.notifications.open().exists()
    delete_integration(integration=integration, actor=person)
    assert not account.notifications.standing().exists()
