"""Kill -9 under load, with a checker outside that remembers what was acknowledged (promises I1, I2, I5)."""

import os

import pytest

from tests.torture.kills import counted, kill_under_load
from tests.torture.senders import ITEMS
from tests.torture.warehouses import WAREHOUSES

pytestmark = pytest.mark.live
KILLS = int(os.environ.get("KILLS", "12"))


@pytest.mark.parametrize("kind", list(WAREHOUSES))
def test_I1_kill_9_under_load_loses_nothing_acknowledged_and_stores_nothing_by_half(product, kind):
    with WAREHOUSES[kind](product) as warehouse:
        outcome = kill_under_load(product, warehouse, kills=KILLS)

        assert outcome.verdict.faults == {}
        assert outcome.verdict.cut > 0, "no kill landed in a request"
        assert set(outcome.verdict.refused) <= {503}
        assert outcome.verdict.acknowledged > 100
        nested = len(warehouse.rows(product, "id", "nested"))
        rows, inserted = counted(product)
        assert inserted == outcome.verdict.stored
        assert rows >= inserted + nested * ITEMS  # updates are rows too
