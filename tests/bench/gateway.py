"""The gateway alone: durable 201s from one web worker, by the size of the calls, and at a steady pace."""

import statistics
import tempfile
import threading
import time
from pathlib import Path

from tests.bench.measuring import cpu_seconds, peak_memory_mib, percentile, report
from tests.bench.sender import Sending, Sent, send
from tests.queue.processes import GUNICORN, Product, prepared_product

SECONDS = 6.0
CONNECTIONS = 4


def main() -> None:
    """Start one web worker, no loader, and send to it."""
    with (
        tempfile.TemporaryDirectory(prefix="stitchapp-bench-") as folder,
        prepared_product(Path(folder) / "data") as prepared,
    ):
        product = Product(prepared.data_dir, prepared.database_url, prepared.access)
        product.environment |= {"WEB_WORKERS": "1", "DEVELOPMENT": "false"}
        product.start("web", GUNICORN)
        try:
            product.wait_until_ready()
            measure(product)
        finally:
            product.end()


def measure(product: Product) -> None:
    """Send batches of 1,000, of 100 and of one record, and 40,000 records a second."""
    [worker] = product.workers()
    for size, connections, least in (
        (1000, CONNECTIONS, 100_000),
        (100, CONNECTIONS, 40_000),
        (1, CONNECTIONS, 1_000),
        (1, 1, None),
    ):
        sent, cpu = sent_to(product, worker, batch_size=size, connections=connections)
        what = f"batches of {size:,}, {connections} connection{'s' if connections > 1 else ''}"
        report(f"{what}", sent.records / SECONDS, "records/s", at_least=least)
        report(f"{what}: requests", sent.batches / SECONDS, "requests/s")
        report(f"{what}: worker's CPU for a record", cpu / sent.records * 1e6, "µs")
        report(f"{what}: worker's CPU for a request", cpu / sent.batches * 1e6, "µs")
        report(f"{what}: worker busy", cpu / SECONDS * 100, "% of a core")
        report(f"{what}: p50", statistics.median(sent.seconds_each) * 1000, "ms")
    sent, cpu = sent_to(product, worker, batch_size=1000, connections=CONNECTIONS, pace=40_000)
    report("40,000 records/s in batches of 1,000: reached", sent.records / SECONDS, "records/s")
    report("40,000 records/s: p50", statistics.median(sent.seconds_each) * 1000, "ms", at_most=10)
    report("40,000 records/s: p99", percentile(sent.seconds_each, 99) * 1000, "ms", at_most=40)
    report("web worker's memory, peak", peak_memory_mib(worker), "MiB", at_most=150)


def sent_to(product: Product, worker: int, **how: int) -> tuple[Sent, float]:
    """Send for a while; return what was accepted, and the CPU seconds the worker took in the time counted."""
    sending = Sending(product.port, product.access["secret"], seconds=SECONDS, **how)
    clock = Clock(worker)
    clock.start()
    try:
        sent = send(sending)
    finally:
        clock.stop()
    return sent, clock.between(sent.began, sent.ended)


class Clock(threading.Thread):
    """Looks ten times a second how much CPU time a process has taken."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid = pid
        self.done = threading.Event()
        self.looks: list[tuple[float, float]] = []

    def run(self) -> None:
        while not self.done.wait(0.1):
            self.looks.append((time.monotonic(), cpu_seconds([self.pid])))

    def stop(self) -> None:
        self.done.set()
        self.join()

    def between(self, began: float, ended: float) -> float:
        """Return the CPU seconds taken between two moments."""
        return self._at(ended) - self._at(began)

    def _at(self, moment: float) -> float:
        return min(self.looks, key=lambda look: abs(look[0] - moment))[1]
