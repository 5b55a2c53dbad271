"""Sources that a tap reads: from its lines to rows in DuckDB, and how soon due jobs start."""

import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from tests.bench.measuring import cpu_seconds, descendants, peak_memory_mib, report
from tests.bench.ours import p95, scaled
from tests.extracting.product_sources import WORKER, make_sources, run
from tests.prepared import ROOT
from tests.queue.processes import LOADER, Product, prepared_product
from tests.server import environment
from tests.sources.declaring import TAP

RECORDS = 1_000_000
SCHEDULED, SECONDS, LOOKS = 10_000, 600, 2_000
IDLE_AFTER, IDLE_SECONDS = 10, 30
START = """
from integrations.models import Integration
from integrations.services.jobs import start_job
from integrations.services.source_properties import store_properties
source = Integration.objects.get(type="platform.synthetic")
store_properties(integration=source, given={{"rows": "{rows}"}})
start_job(integration=source, trigger="api")
"""
STANDING = """
import json
from integrations.models import BatchTable, Integration
source = Integration.objects.get(type="platform.synthetic")
job = source.jobs.extractions().latest("pk")
shares = BatchTable.objects.filter(integration_id=source.pk)
print(json.dumps([job.outcome, shares.waiting().count(), job.started_at.timestamp() if job.started_at else 0,
                  max((at.timestamp() for at in shares.values_list("loaded_at", flat=True) if at), default=0)]))
"""


def main() -> None:
    """Measure the road of one source, then the scheduler of many."""
    rows = scaled(RECORDS)
    alone = tap_alone(rows)
    report("the tap alone, to nowhere", rows / alone, "records/CPU s")
    with (
        tempfile.TemporaryDirectory(prefix="stitchapp-bench-") as folder,
        prepared_product(Path(folder) / "data") as prepared,
    ):
        product = Product(prepared.data_dir, prepared.database_url, prepared.access)
        try:
            road(product, rows, alone)
        finally:
            product.end()
    with tempfile.TemporaryDirectory(prefix="stitchapp-bench-") as folder:
        os.environ.update(environment(Path(folder), DEVELOPMENT="false"))
        schedule(Path(folder))


def tap_alone(rows: int) -> float:
    """Return the CPU seconds that the tap takes by itself."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as config:
        json.dump({"rows": str(rows)}, config)
        config.flush()
        before = os.times()
        subprocess.run(
            [sys.executable, str(TAP), "--config", config.name], check=True, stdout=subprocess.DEVNULL
        )
        after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def road(product: Product, rows: int, alone: float) -> None:
    """Extract and load so many records; each program's share is told."""
    make_sources(product, count=1, rows=1)
    product.start("worker", WORKER)
    product.start("loader", LOADER)
    before = {name: cpu_seconds(descendants(process.pid)) for name, process in product.processes.items()}
    run(product, START.format(rows=rows))
    while True:
        outcome, waiting, started, loaded = json.loads(run(product, STANDING))
        if outcome != "running" and not waiting:
            break
        time.sleep(1.0)
    if outcome != "succeeded":
        raise RuntimeError(f"The extraction {outcome}.")
    spent = {
        name: cpu_seconds(descendants(process.pid)) - before[name]
        for name, process in product.processes.items()
    }
    report("tap to rows in DuckDB, the tap's own cost included", rows / (loaded - started), "records/s")
    ours = sum(spent.values()) - alone
    report("our own cost", rows / ours, "records/CPU s")
    without_tap = (loaded - started) - alone / 2
    report(
        "tap to rows in DuckDB on two cores, the tap apart", rows / without_tap, "records/s", at_least=60_000
    )
    report("CPU of the worker for a record, the tap apart", (spent["worker"] - alone) / rows * 1e6, "µs")
    report("CPU of the loader for a record", spent["loader"] / rows * 1e6, "µs")
    for name, process in product.processes.items():
        report(f"memory of the {name}, peak", peak_memory_mib(process.pid), "MiB", at_most=350)


def schedule(folder: Path) -> None:
    """Start 10,000 sources' jobs by a clock that is made up, second by second; taps do nothing."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connections
    from django.utils import timezone

    from accounts.models import Task
    from integrations.models import Integration, Job, JobTrigger, SetUpStep
    from integrations.services.scheduler import anything_due, start_due_jobs
    from tests.factories import make_account, make_member

    for alias in connections:
        call_command("migrate", database=alias, verbosity=0)
    now, sources = timezone.now(), scaled(SCHEDULED)
    account = make_account()
    member = make_member(account)
    Integration.objects.bulk_create(
        Integration(
            account=account,
            created_by=member,
            type="platform.hp-postgres",
            step=SetUpStep.FULLY_CONFIGURED,
            display_name=f"Source {number}",
            schema_name=f"source_{number}",
            created_at=now - timedelta(days=1),
            properties={"frequency_in_minutes": "60", "anchor_time": now.isoformat()},
            next_run_at=now + timedelta(seconds=number % SECONDS),
        )
        for number in range(sources)
    )
    lags, cpu = [], time.process_time()
    for second in range(SECONDS + 1):
        moment, began = now + timedelta(seconds=second), time.monotonic()
        due = Integration.objects.filter(next_run_at__lte=moment).count()
        start_due_jobs(moment)
        lags += [1.0 + time.monotonic() - began] * due  # due just after the last look, at worst
        Job.objects.open().update(completed_at=moment)
    cpu = time.process_time() - cpu
    started = Job.objects.filter(trigger=JobTrigger.SCHEDULE).count()
    report("scheduled sources whose job started", started, f"of {sources}", at_least=sources)
    report("due until started, p95", p95(lags), "s", at_most=5)
    report("CPU of the scheduler at work", cpu / SECONDS * 100, "% of a core")
    idle = time.process_time()
    for _ in range(LOOKS):
        anything_due(now)
    report("CPU of the scheduler, idle", (time.process_time() - idle) / LOOKS * 100, "% of a core", at_most=2)
    Task.objects.all().delete()  # of the jobs that no worker was there for
    connections.close_all()
    idle_worker(folder)


def idle_worker(folder: Path) -> None:
    """Measure a whole worker beside the sources while nothing is due."""
    process = subprocess.Popen(
        WORKER, cwd=ROOT, env=environment(folder, DEVELOPMENT="false"), stdout=subprocess.DEVNULL
    )
    try:
        time.sleep(IDLE_AFTER)
        before = cpu_seconds(descendants(process.pid))
        time.sleep(IDLE_SECONDS)
        spent = cpu_seconds(descendants(process.pid)) - before
    finally:
        process.terminate()
        process.wait()
    report("CPU of a whole worker, idle", spent / IDLE_SECONDS * 100, "% of a core", at_most=2)


if __name__ == "__main__":
    main()
