"""While an account is on hold nothing of it is loaded, and nothing that was accepted is lost (app.md 11)."""

import pytest
from django.utils import timezone

from accounts.services.holds import Hold, lift_hold, place_hold
from integrations.models import BatchTable, Load
from integrations.queue.claiming import claim_next
from integrations.queue.loader import load_next
from tests.factories import make_access_token, make_account, make_batch, make_integration, make_member
from tests.queue.sending import send

pytestmark = pytest.mark.django_db


@pytest.fixture
def account():
    account = make_account()
    make_member(account)
    return account


def test_nothing_of_a_held_account_is_claimed_and_others_go_on(account):
    other = make_account()
    make_member(other)
    held, going = make_integration(account), make_integration(other)
    make_batch(held)
    place_hold(account=account, hold=Hold.STAFF, actor=None, by_staff=True)
    assert claim_next(now=timezone.now()) is None
    make_batch(going)
    claim = claim_next(now=timezone.now())
    assert claim is not None
    assert claim.table.integration_id == going.pk
    lift_hold(account=account, hold=Hold.STAFF, actor=None, by_staff=True)
    claim = claim_next(now=timezone.now())
    assert claim is not None
    assert claim.table.integration_id == held.pk


def test_what_was_accepted_meanwhile_is_loaded_afterwards(account, queue):
    token, _ = make_access_token(make_integration(account))
    place_hold(account=account, hold=Hold.STAFF, actor=None, by_staff=True)
    send(token, records=3)
    assert not load_next()
    assert BatchTable.objects.waiting().count() == 1
    lift_hold(account=account, hold=Hold.STAFF, actor=None, by_staff=True)
    assert load_next()
    assert Load.objects.get().rows == 3
