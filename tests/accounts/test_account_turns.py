"""Timed work over accounts: one that fails keeps no other from its turn."""

import pytest

from accounts.services.account_turns import for_each_account
from accounts.services.tasks import TaskFailed
from tests.factories import make_account

pytestmark = pytest.mark.django_db


def test_every_account_has_its_turn_and_the_failed_one_is_named(caplog):
    accounts = [make_account() for _ in range(3)]
    served = []

    def work(account):
        served.append(account)
        if account == accounts[0]:
            raise ValueError("a surprise")

    with pytest.raises(TaskFailed, match=f"Counting: failed for 1 accounts.*{accounts[0].client_id}"):
        for_each_account(accounts, work, what="Counting")

    assert served == accounts
    assert "a surprise" in caplog.text


def test_nothing_is_raised_where_nothing_failed():
    served = []
    for_each_account([make_account()], served.append, what="Counting")
    assert len(served) == 1
