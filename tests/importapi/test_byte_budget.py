"""D39: large bodies take turns; whoever waits too long is told to come back."""

import threading

import pytest

from integrations.importapi import byte_budget
from integrations.importapi.byte_budget import BudgetExhausted, ByteBudget
from tests.factories import make_access_token, make_account, make_integration, make_member


def test_D39_small_bodies_share_and_a_large_one_waits_its_turn():
    budget = ByteBudget(100)
    done = threading.Event()

    def take_most():
        with budget.hold(80, patience=10):
            done.set()

    with budget.hold(40, patience=0), budget.hold(60, patience=0):
        waiting = threading.Thread(target=take_most)
        waiting.start()
        assert not done.is_set()
    waiting.join(10)
    assert done.is_set()


def test_D39_who_waits_too_long_is_told_to_come_back():
    budget = ByteBudget(100)
    with budget.hold(100, patience=0), pytest.raises(BudgetExhausted), budget.hold(1, patience=0.01):
        pass
    with budget.hold(100, patience=0):  # all was given back
        pass


def test_one_alone_may_exceed_the_budget():
    with ByteBudget(100).hold(1000, patience=0):
        pass


@pytest.mark.django_db
def test_D39_a_request_beyond_the_budget_gets_503(client, monkeypatch):
    account = make_account()
    make_member(account)
    secret = make_access_token(make_integration(account))[1]
    monkeypatch.setattr("integrations.importapi.views.PATIENCE_SECONDS", 0.01)
    with byte_budget.budget.hold(10**9, patience=0):
        response = client.post(
            "/v2/import/batch",
            "{}",
            content_type="application/json",
            headers={"authorization": f"Bearer {secret}"},
        )
    assert (response.status_code, response["Retry-After"]) == (503, "5")
