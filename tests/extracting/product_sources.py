"""Sources of the synthetic tap in a running product: made, started and looked at by small programs beside it."""

import json
import os
import sys
from pathlib import Path

from tests.queue.processes import Product

WORKER = [sys.executable, "manage.py", "run_jobs"]
MAKE = """
import json
from django.conf import settings
from accounts.models import Account
from integrations.services.jobs import start_check
from integrations.services.source_properties import store_properties
from tests.factories import make_source
from tests.sources.declaring import declare_synthetic
declare_synthetic(settings.SOURCES_DIR)
account, made = Account.objects.get(), {{}}
for number in range({count}):
    names = {{"display_name": f"Tapped {{number}}", "schema_name": f"tapped_{{number}}"}}
    source = make_source(account, type="platform.synthetic", step="discover_schema", **names)
    store_properties(integration=source, given={options!r})
    start_check(integration=source, actor=None, trigger="setup")
    made[source.pk] = source.schema_name
print(json.dumps(made))
"""
SELECT = """
from integrations.models import Integration
from tests.extracting.conftest import select_all
for source in Integration.objects.filter(type="platform.synthetic"):
    assert source.jobs.checks().get().outcome == "succeeded", source.jobs.get().discovery_description
    select_all(source)
"""
STARTER = """
import django, time
django.setup()
from django.db import DatabaseError
from integrations.models import Integration
from integrations.services.jobs import JobRunning, NotRunnable, start_job
while True:
    for source in Integration.objects.filter(type="platform.synthetic"):
        try:
            start_job(integration=source, trigger="api")
        except (JobRunning, NotRunnable, DatabaseError):
            pass
    time.sleep(0.2)
"""
JOBS = """
import json
from integrations.models import Job, SourceState
def seconds(at): return at.timestamp() if at else None
jobs = [
    [job.integration_id, job.outcome, seconds(job.started_at), seconds(job.completed_at), job.records,
     job.discovery_description or job.tap_description or job.target_description]
    for job in Job.objects.filter(mode="sync").order_by("pk")
]
states = {row.integration_id: row.state for row in SourceState.objects.all()}
print(json.dumps({"jobs": jobs, "states": states}))
"""
STARTER_COMMAND = [sys.executable, "-c", STARTER]


def run(product: Product, program: str) -> str:
    return product.ask(program)


def make_sources(product: Product, *, count: int, **options: object) -> dict[int, str]:
    """Make sources, check and choose all of each; return their schemas by number."""
    given = {"password": "made up"} | {name: str(value) for name, value in options.items()}
    made = json.loads(run(product, MAKE.format(count=count, options=given)))
    product.manage("run_jobs", "--once")
    run(product, SELECT)
    return {int(number): schema for number, schema in made.items()}


def jobs_of(product: Product) -> dict:
    """Return every extraction and every stored state."""
    return json.loads(run(product, JOBS))


def processes_of(product: Product, word: str) -> list[int]:
    """Return the processes below this product's data folder whose command has the word in it."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal() or int(folder.name) == os.getpid():
            continue
        try:
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if word.encode() in command and str(product.data_dir).encode() in command:
            found.append(int(folder.name))
    return found
