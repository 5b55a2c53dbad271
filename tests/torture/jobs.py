"""SIGKILL of workers, keepers, taps and loaders at random moments while jobs run (promises I1, J1, J2)."""

from __future__ import annotations

import itertools
import os
import random
import signal
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

import duckdb

from tests.extracting.product_sources import (
    STARTER_COMMAND,
    WORKER,
    jobs_of,
    make_sources,
    processes_of,
    run,
)
from tests.queue.processes import LOADER, Product
from tests.torture.kills import drain

SOURCES, ROWS = 6, 60_000
WORKERS = ("first worker", "second worker")
KEEPER, TAP = "keeper.py", "synthetic_tap.py"
FINAL_SECONDS = 45  # J2: two leases of 20 s, and a look
UNHURRIED = """
from integrations.models import Integration
from integrations.services.source_properties import store_properties
for source in Integration.objects.filter(type="platform.synthetic"):
    store_properties(integration=source, given={"pace": None})
"""
START = """
from integrations.models import Integration
from integrations.services.jobs import start_job
for source in Integration.objects.filter(type="platform.synthetic"):
    start_job(integration=source, trigger="api")
"""


@dataclass
class Outcome:
    """What was killed, and what was found afterwards; everything but the kills, jobs and rows has to be nothing."""

    kills: Counter[str] = field(default_factory=Counter)
    jobs: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    lost: int = 0
    doubled: int = 0
    invented: int = 0
    at_once: int = 0  # jobs of one source that ran at the same time
    never_final: int = 0
    bookmarks_off: int = 0
    processes_left: int = 0
    folders_left: int = 0
    books: str = ""
    seconds: float = 0.0

    @property
    def faults(self) -> dict[str, int]:
        names = ("lost", "doubled", "invented", "at_once", "never_final", "bookmarks_off")
        names += ("processes_left", "folders_left")
        return {name: getattr(self, name) for name in names if getattr(self, name)}

    def report(self) -> str:
        killed = ", ".join(f"{number} of a {what}" for what, number in sorted(self.kills.items()))
        return (
            f"jobs: {self.kills.total()} kills in {self.seconds:.0f} s ({killed}); jobs {dict(self.jobs)}, {self.rows} "
            f"rows; faults: {self.faults or 'none'}; {self.books}"
        )


def kill_jobs(product: Product, *, kills: int, seconds: float) -> Outcome:
    """Kill so often, or for so long, while every source is started again and again; then let all of it finish."""
    sources = make_sources(product, count=SOURCES, rows=ROWS, state_every=500, pace=0.04, fork=1)
    for worker in WORKERS:
        product.start(worker, WORKER)
    product.start("loader", LOADER)
    product.start("starter", STARTER_COMMAND)
    outcome, began = Outcome(), time.monotonic()
    while outcome.kills.total() < kills and time.monotonic() - began < seconds:
        time.sleep(random.uniform(0.3, 2.0))
        kill_something(product, outcome)
    product.kill("starter")
    outcome.never_final = wait_until_final(product)
    run(product, UNHURRIED)
    for _ in range(2):  # the second finds nothing new
        run(product, START)
        outcome.never_final += wait_until_final(product, seconds=120)
    for worker in WORKERS:
        product.processes[worker].send_signal(signal.SIGTERM)
        product.processes[worker].wait(30)
    product.kill("loader")
    outcome.seconds = time.monotonic() - began
    drain(product)
    outcome.books = product.manage("check_books").strip()
    look(product, sources, outcome)
    return outcome


def kill_something(product: Product, outcome: Outcome) -> None:
    """Kill a worker often, a keeper or a tap mostly, the loader now and then; start again what was killed."""
    what = random.choice(("worker", "worker", "keeper", "tap", "tap", "loader"))
    if what == "worker":
        worker = random.choice(WORKERS)
        os.kill(product.processes[worker].pid, signal.SIGKILL)
        product.processes[worker].wait()
        product.start(worker, WORKER)
    elif what == "loader":
        product.kill("loader")
        product.start("loader", LOADER)
    else:
        found = processes_of(product, KEEPER if what == "keeper" else TAP)
        if not found:
            return
        with suppress(ProcessLookupError):
            os.kill(random.choice(found), signal.SIGKILL)
    outcome.kills[what] += 1


def wait_until_final(product: Product, *, seconds: float = FINAL_SECONDS + 60) -> int:
    """Wait until no job is open; return how many still are after so long."""
    give_up = time.monotonic() + seconds
    while True:
        left = sum(outcome == "running" for _, outcome, *_ in jobs_of(product)["jobs"])
        if not left or time.monotonic() > give_up:
            return left
        time.sleep(0.5)


def look(product: Product, sources: dict[int, str], outcome: Outcome) -> None:
    """Hold the warehouse, the bookmarks and the jobs against what the taps made up."""
    found = jobs_of(product)
    outcome.jobs.update(word for _, word, *_ in found["jobs"])
    for number in sources:
        runs = sorted(
            (started, ended)
            for source, _, started, ended, *_ in found["jobs"]
            if source == number and started
        )
        outcome.at_once += sum(later[0] < earlier[1] for earlier, later in itertools.pairwise(runs))
        bookmark = found["states"].get(str(number), {}).get("bookmarks", {}).get("stream_1", {}).get("id")
        outcome.bookmarks_off += bookmark != ROWS
    path = product.data_dir / "warehouse" / f"{product.access['client_id']}.duckdb"
    with duckdb.connect(str(path), read_only=True) as warehouse:
        for schema in sources.values():
            ids = Counter(id for (id,) in warehouse.execute(f'SELECT id FROM "{schema}".stream_1').fetchall())
            outcome.rows += ids.total()
            outcome.lost += len(set(range(1, ROWS + 1)) - ids.keys())
            outcome.doubled += ids.total() - len(ids)
            outcome.invented += len(ids.keys() - set(range(1, ROWS + 1)))
    outcome.processes_left = len(processes_of(product, TAP)) + len(processes_of(product, KEEPER))
    product.manage("run_jobs", "--once")
    running = product.data_dir / "running"
    outcome.folders_left = len(list(running.iterdir())) if running.exists() else 0
