"""A source of the synthetic tap, and jobs of it carried out as a worker does."""

import json

import pytest
from django.utils import timezone

from accounts.models import Task
from accounts.services import task_leases, worker_end
from accounts.services.task_work import carry_out
from integrations.extracting import folders
from integrations.loading.partial import split
from integrations.loading.reading import PARTIAL
from integrations.models import Batch, Integration, Job, JobMode, JobTrigger, SourceState
from integrations.queue.accepting import location_of
from integrations.queue.room import queue_folder
from integrations.queue.segments import read_body
from integrations.services.jobs import read_log, start_check, start_job
from integrations.services.selection import apply_metadata, store_catalog
from integrations.services.set_up import refresh_step
from integrations.services.source_properties import store_properties
from tests.factories import make_account, make_job, make_member, make_source
from tests.sources.declaring import declare_synthetic
from tests.sources.synthetic_tap import make_catalog

PASSWORD = "correct horse/battery&staple"


@pytest.fixture
def synthetic(settings, tmp_path, monkeypatch):
    settings.SOURCES_DIR = tmp_path / "sources"
    monkeypatch.setattr(
        folders, "running_folder", lambda: tmp_path / "running"
    )  # no other test's taps are there
    worker_end.forget()
    settings.TAP_SILENCE_MINUTES = 0.25  # a tap that hangs by mistake holds up no test run
    return declare_synthetic(settings.SOURCES_DIR)


@pytest.fixture
def source(db, synthetic):
    account = make_account()
    make_member(account)
    source = make_source(account, type=synthetic.name, step="discover_schema")
    configure(source, password=PASSWORD)
    return source


def configure(source: Integration, **options: object) -> None:
    """Set options of the source's tap; None takes one back."""
    given = {name: None if value is None else str(value) for name, value in options.items()}
    store_properties(integration=source, given=given)


def work(kind: str) -> None:
    """Carry out the due task of the kind, as a worker does."""
    task = task_leases.claim_next(
        now=timezone.now(), full=[name for name in ("check", "extraction") if name != kind]
    )
    assert task is not None
    assert task.kind == kind
    carry_out(task)


def check(source: Integration) -> Job:
    """Run a connection check."""
    job = start_check(integration=source, actor=None, trigger=JobTrigger.SET_UP)
    work("check")
    job.refresh_from_db()
    return job


def select_all(source: Integration) -> None:
    """Choose every table and field that the check found."""
    streams = [
        {
            "tap_stream_id": stream.tap_stream_id,
            "metadata": [{"breadcrumb": [], "metadata": {"selected": True}}]
            + [
                {"breadcrumb": json.loads(key), "metadata": {"selected": True}}
                for key, found in stream.field_metadata.items()
                if found.get("inclusion") == "available"
            ],
        }
        for stream in source.streams.found()
    ]
    apply_metadata(integration=source, streams=streams, actor=source.created_by)
    source.refresh_from_db()


def ready(source: Integration, **options: object) -> Integration:
    """Bring the source to where it can run, with these options of its tap; as a good check does, without its time."""
    configure(source, **options)
    given = {name: str(value) for name, value in options.items()}
    store_catalog(integration=source, catalog=make_catalog(given), now=timezone.now())
    make_job(source, mode=JobMode.CHECK)
    refresh_step(integration=source)
    select_all(source)
    assert source.is_configured
    return source


def extract(source: Integration) -> Job:
    """Run an extraction."""
    job = start_job(integration=source, trigger=JobTrigger.API)
    work("extraction")
    job.refresh_from_db()
    return job


def log_of(job: Job) -> list[str]:
    return read_log(job).decode().splitlines()


def handed_over(source: Integration) -> list[dict]:
    """Return the bodies in the queue, in their order."""
    batches = Batch.objects.filter(integration_id=source.pk).order_by("pk")
    return [json.loads(body_of(batch)) for batch in batches]


def body_of(batch: Batch) -> bytes:
    """Return what was handed over, without what is noted of refused records."""
    stored = read_body(queue_folder(), location_of(batch))
    return split(stored)[1] if batch.kind == PARTIAL else stored


def ids_of(source: Integration) -> list[int]:
    return [
        message["data"]["id"]
        for body in handed_over(source)
        for message in body["messages"]
        if "data" in message
    ]


def state_of(source: Integration) -> dict:
    row = SourceState.objects.filter(integration=source).first()
    return row.state if row else {}


def open_tasks() -> int:
    return Task.objects.filter(kind__in=("check", "extraction")).count()
