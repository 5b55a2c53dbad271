"""What extractions tell the account's people: that one failed, and that a later one was good (app.md 12.3)."""

from __future__ import annotations

from datetime import datetime

from integrations.models import Job, Kind
from integrations.services.extraction_reports import error_of
from integrations.services.notifications import clear_causes, clear_other_kinds, raise_notification
from integrations.sources.registry import find_source_type

DATABASES = "Databases"


def extraction_cause(job: Job) -> str:
    """Name a source as one whose extractions fail."""
    return f"extraction:{job.integration_id}"


def tell_of_extraction(job: Job, *, now: datetime) -> None:
    """Tell of an extraction that failed, and end that with a good one; in the transaction that completes it.

    One that somebody stopped says nothing about the source. `job` is read anew: its runner wrote how it ended.
    """
    job = Job.objects.select_related("account", "integration").get(pk=job.pk)
    integration, cause = job.integration, extraction_cause(job)
    if job.outcome == "succeeded":
        clear_causes(account=job.account, causes=[cause], now=now)
        return
    if job.outcome not in ("failed", "timed out") or integration.deleted_at is not None:
        return
    kind = kind_of(job)
    timed_out = "It reached the time limit of 23.5 hours. What it extracted until then is loaded."
    clear_other_kinds(account=job.account, kind=kind, cause=cause, now=now)
    raise_notification(
        account=job.account,
        kind=kind,
        cause=cause,
        message=f"Encountered error while attempting to replicate data from {integration.display_name}.",
        details=error_of(job) or (timed_out if job.outcome == "timed out" else ""),
        integration=integration,
        now=now,
    )


def kind_of(job: Job) -> Kind:
    """Return what a failure is told as: a database that cannot even be looked at is one of its own."""
    source_type = find_source_type(job.integration.type)
    is_database = source_type is not None and source_type.category == DATABASES
    not_discovered = job.discovery_exit_status not in (0, None)
    return Kind.DATABASE_INTEGRATION_ERROR if is_database and not_discovered else Kind.EXTRACTION_EXIT_STATUS
