"""Hold the warehouse against what the senders remember (promises I1, I2)."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.queue.processes import Product
from tests.torture.senders import ITEMS, TABLES, Memory
from tests.torture.warehouses import Warehouse


@dataclass
class Verdict:
    """What a run came to. Everything but `acknowledged`, `stored` and `cut` has to be nothing."""

    acknowledged: int = 0
    stored: int = 0
    cut: int = 0
    lost: int = 0
    doubled: int = 0
    unsent: int = 0
    half_batches: int = 0
    outdated: int = 0  # an acknowledged update that the warehouse does not show
    wrong_sub_rows: int = 0
    refused: Counter[int] = field(default_factory=Counter)

    @property
    def faults(self) -> dict[str, int]:
        names = ("lost", "doubled", "unsent", "half_batches", "outdated", "wrong_sub_rows")
        return {name: getattr(self, name) for name in names if getattr(self, name)}


def check(product: Product, warehouse: Warehouse, memories: Iterable[Memory]) -> Verdict:
    """Compare every table with what was sent to it and what was acknowledged."""
    memories = list(memories)
    verdict = Verdict(
        acknowledged=sum(memory.records_acknowledged for memory in memories),
        cut=sum(memory.requests_cut for memory in memories),
        refused=sum((memory.refused for memory in memories), Counter()),
    )
    for table in TABLES:
        stored = Counter(number for (number,) in warehouse.rows(product, "id", table))
        acknowledged = set().union(*(memory.acknowledged[table] for memory in memories))
        batches = [ids for memory in memories for ids in memory.sent[table]]
        verdict.stored += stored.total()
        verdict.lost += len(acknowledged - stored.keys())
        verdict.doubled += stored.total() - len(stored)
        verdict.unsent += len(stored.keys() - set(itertools.chain(*batches)))
        verdict.half_batches += sum(0 < sum(number in stored for number in ids) < len(ids) for ids in batches)
    verdict.outdated = outdated(warehouse.rows(product, "id, revision", "keyed"), memories)
    verdict.wrong_sub_rows = wrong_sub_rows(
        {number for (number,) in warehouse.rows(product, "id", "nested")},
        warehouse.rows(product, "_sdc_source_key_id, n", "nested__items"),
    )
    return verdict


def outdated(rows: list[tuple[int, int]], memories: list[Memory]) -> int:
    """Count the rows that show another revision than the acknowledged one or one that may have arrived later."""
    wrong = 0
    for number, revision in rows:
        sent = set().union(*(memory.revisions_sent.get(number, set()) for memory in memories))
        least = max(memory.revision_acknowledged.get(number, 0) for memory in memories)
        wrong += revision not in sent or revision < least
    return wrong


def wrong_sub_rows(roots: set[int], rows: list[tuple[int, int]]) -> int:
    """Count the sub rows that are missing, doubled, or of no root."""
    expected = Counter((number, item) for number in roots for item in range(ITEMS))
    found = Counter(rows)
    return (expected - found).total() + (found - expected).total()
