"""SIGKILL of web workers, the whole web server and loaders at random moments under load (promise I1)."""

from __future__ import annotations

import itertools
import os
import random
import signal
import sqlite3
import time
from collections import Counter
from contextlib import closing, suppress
from dataclasses import dataclass, field

import psycopg

from tests.queue.processes import GUNICORN, LOADER, Product
from tests.torture.checking import Verdict, check
from tests.torture.senders import Sender
from tests.torture.warehouses import Warehouse

SENDERS = 3
AT_LEAST = 50  # records between two kills: 1,000 kills meet 50,000
LOADERS = ("first loader", "second loader")
IN_HAND = "SELECT count(*) FROM integrations_queuedtable WHERE lease IS NOT NULL"
BOOKS = (
    "from integrations.models import *; from django.db.models import Sum; "
    "print(DailyRows.objects.aggregate(n=Sum('rows'))['n'], Load.objects.aggregate(n=Sum('inserted'))['n'])"
)


@dataclass
class Outcome:
    """What was killed, and what the checker found afterwards."""

    warehouse: str
    verdict: Verdict
    kills: Counter[str] = field(default_factory=Counter)
    mid_load: int = 0  # kills of a loader that had a load in hand
    seconds: float = 0.0

    def report(self) -> str:
        verdict = self.verdict
        killed = ", ".join(f"{number} of a {what}" for what, number in sorted(self.kills.items()))
        return (
            f"{self.warehouse}: {self.kills.total()} kills in {self.seconds:.0f} s ({killed}; {self.mid_load} with a "
            f"load in hand, {verdict.cut} requests cut off)\n  {verdict.acknowledged} records acknowledged, "
            f"{verdict.stored} rows in the root tables; lost {verdict.lost}, doubled {verdict.doubled}, nobody sent "
            f"{verdict.unsent}, half batches {verdict.half_batches}, outdated {verdict.outdated}, wrong sub rows "
            f"{verdict.wrong_sub_rows}; refused {dict(verdict.refused)}"
        )


def kill_under_load(
    product: Product, warehouse: Warehouse, *, kills: int, seconds: float = float("inf")
) -> Outcome:
    """Kill so often, or for so long, while senders send; load the rest and let the checker look."""
    product.start("web", GUNICORN)
    for loader in LOADERS:
        product.start(loader, LOADER)
    product.wait_until_ready()
    numbers = itertools.count(1)
    senders = [Sender(product.port, product.access["secret"], numbers) for _ in range(SENDERS)]
    for sender in senders:
        sender.start()
    outcome = Outcome(warehouse.name, Verdict())
    began = time.monotonic()
    for number in range(kills):
        if time.monotonic() - began > seconds:
            break
        wait_for_records(senders, AT_LEAST)
        time.sleep(random.uniform(0.0, 0.5))
        kill_something(product, number, outcome)
    time.sleep(0.5)
    for sender in senders:
        sender.ending.set()
    for sender in senders:
        sender.join(90)
    for name in ("web", *LOADERS):
        product.kill(name)
    outcome.seconds = time.monotonic() - began
    drain(product)
    outcome.verdict = check(product, warehouse, (sender.memory for sender in senders))
    return outcome


def wait_for_records(senders: list[Sender], number: int, seconds: float = 10.0) -> None:
    """Wait until so many more records are acknowledged: a kill shall land under load."""
    give_up = time.monotonic() + seconds
    before = sum(sender.memory.records_acknowledged for sender in senders)
    while time.monotonic() < give_up:
        if sum(sender.memory.records_acknowledged for sender in senders) >= before + number:
            return
        time.sleep(0.02)


def kill_something(product: Product, number: int, outcome: Outcome) -> None:
    """Kill a worker mostly, a loader often, the whole web server now and then; start again what was killed."""
    if number % 3 == 1:
        loader = random.choice(LOADERS)
        product.kill(loader)
        outcome.kills["loader"] += 1
        outcome.mid_load += bool(loads_in_hand(product))
        product.start(loader, LOADER)
    elif number % 10 == 9:
        product.kill("web")
        outcome.kills["web server"] += 1
        product.start("web", GUNICORN)
        product.wait_until_ready()
    else:
        workers = product.workers()
        if workers:
            with suppress(ProcessLookupError):
                os.kill(random.choice(workers), signal.SIGKILL)
                outcome.kills["web worker"] += 1


def loads_in_hand(product: Product) -> int:
    """Count the tables that somebody holds, as the database tells it without the product."""
    if "DATABASE_URL" in product.environment:
        with psycopg.connect(product.environment["DATABASE_URL"]) as connection:
            return connection.execute(IN_HAND).fetchone()[0]
    with closing(sqlite3.connect(product.data_dir / "queue.sqlite3", timeout=20)) as connection:
        return connection.execute(IN_HAND).fetchone()[0]


def drain(product: Product, *, seconds: float = 180) -> None:
    """Load what is left; pauses of tables that outlived several loaders have to pass first."""
    give_up = time.monotonic() + seconds
    while product.waiting():
        if time.monotonic() > give_up:
            raise TimeoutError("the queue did not drain")
        product.manage("load_batches", "--once", timeout=seconds)
        time.sleep(0.5)


def counted(product: Product) -> tuple[int, int]:
    """Return the rows and the insertions that the product's pages add up."""
    rows, inserted = product.ask(BOOKS).split()
    return int(rows), int(inserted)
