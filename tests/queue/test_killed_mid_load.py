"""A loader that is killed at a chosen point of a load, and the one that takes over (promises I1, I5)."""

import http.client
import itertools
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

from tests.queue.processes import GUNICORN
from tests.server import ROOT
from tests.torture.checking import check
from tests.torture.kills import counted
from tests.torture.senders import BATCH, TABLES, Sender
from tests.torture.warehouses import WAREHOUSES

pytestmark = pytest.mark.live
POINTS = {
    "merged, not committed": "loader.note_pending",
    "committed, not recorded": "loader.load_into",
    "recorded, not marked": "recording.record_loads",
    "marked, note not cleared": "claiming.mark_loaded",
    "note cleared, table not given back": "recording.settle",
}
LOADERS = """
import os, signal, sys, time
import django
django.setup()
from integrations.models import BatchTable
from integrations.queue import claiming, loader, recording
from integrations.queue.working import LoaderProcess

def die_after(point):
    module, name = point.split(".")
    module = {"claiming": claiming, "loader": loader, "recording": recording}[module]
    step = getattr(module, name)
    def last_step(*arguments, **options):
        step(*arguments, **options)
        os.kill(os.getpid(), signal.SIGKILL)
    setattr(module, name, last_step)

for line in sys.stdin:  # a point to die at, or none: then all is loaded
    child = os.fork()
    if not child:
        if line.strip():
            die_after(line.strip())
        LoaderProcess(1).drain()
        while not line.strip() and BatchTable.objects.waiting().exists():
            time.sleep(0.1)
            LoaderProcess(1).drain()
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@contextmanager
def loaders(product):
    """Give a function that runs a loader, up to a point or to the end, and returns how it ended."""
    process = subprocess.Popen(
        [sys.executable, "-c", LOADERS],
        cwd=ROOT,
        env=product.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=product.log,
        text=True,
    )

    def run(point=""):
        process.stdin.write(point + "\n")
        process.stdin.flush()
        return int(process.stdout.readline())

    try:
        yield run
    finally:
        process.communicate()


def send_to_each_table(product, numbers):
    """Send a batch to each table; return what the sender remembers."""
    sender = Sender(product.port, product.access["secret"], numbers)
    connection = http.client.HTTPConnection("127.0.0.1", product.port, timeout=30)
    for table in TABLES:
        sender.send(connection, table, sender.new_batch(table))
    connection.close()
    return sender.memory


@pytest.mark.parametrize("kind", list(WAREHOUSES))
def test_I1_a_load_that_was_cut_anywhere_is_neither_lost_nor_doubled(product, kind):
    product.start("web", GUNICORN)
    product.wait_until_ready()
    numbers, memories = itertools.count(1), []
    with WAREHOUSES[kind](product) as warehouse, loaders(product) as run_loader:
        for point in POINTS.values():
            memories.append(send_to_each_table(product, numbers))
            assert run_loader(point) == -signal.SIGKILL, f"nothing was loaded up to {point}"
        assert run_loader() == 0

        verdict = check(product, warehouse, memories)
        assert verdict.faults == {}
        assert verdict.acknowledged == len(POINTS) * len(TABLES) * BATCH
        assert counted(product)[1] == verdict.stored == verdict.acknowledged
        product.manage("check_books")


HANGING = """
import signal, time
import django
django.setup()
from integrations.queue import loader, working

def load_into(*arguments, **options):
    print("began", flush=True)
    while True:
        time.sleep(1)

loader.load_into = load_into
working.ENDING_SECONDS = 0.5
process = working.LoaderProcess(2)
signal.signal(signal.SIGTERM, process.end_soon)
process.run()
"""


def test_O2_a_loader_ends_although_a_load_hangs_and_the_next_takes_over_at_once(product):
    product.start("web", GUNICORN)
    product.wait_until_ready()
    memory = send_to_each_table(product, itertools.count(1))
    hanging = subprocess.Popen(
        [sys.executable, "-c", HANGING],
        cwd=ROOT,
        env=product.environment,
        stdout=subprocess.PIPE,
        stderr=product.log,
        text=True,
    )
    try:
        assert hanging.stdout.readline() == "began\n"
        hanging.terminate()
        assert hanging.wait(30) == 0
    finally:
        hanging.kill()
        hanging.communicate()

    product.manage("load_batches", "--once")

    with WAREHOUSES["duckdb"](product) as warehouse:
        verdict = check(product, warehouse, [memory])
    assert (verdict.faults, verdict.stored) == ({}, len(TABLES) * BATCH)
