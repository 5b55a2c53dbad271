"""What jobs of a source tell the account's people, and when that is over (app.md 12.3).

A source has one cause for what keeps it from being read, told as the kind that fits best, and one for each table
whose Replication Key is not there any more.
"""

from __future__ import annotations

import re
from datetime import datetime

from integrations.models import Integration, Job, JobMode, Kind, Stream
from integrations.services.extraction_reports import error_of
from integrations.services.notifications import (
    clear_causes,
    clear_kinds,
    clear_other_causes,
    clear_other_kinds,
    raise_notification,
)
from integrations.services.run_catalog import INCREMENTAL, method_of
from integrations.services.stream_metadata import fields_of, stream_choice
from integrations.sources.registry import find_source_type

DATABASES = "Databases"
FAILED = ("failed", "timed out")
OF_CONNECTIONS = (Kind.DATABASE_INTEGRATION_ERROR, Kind.SAAS_AUTHENTICATION_ERROR)
TIMED_OUT = "It reached the time limit of 23.5 hours. What it extracted until then is loaded."
# By what services and their clients write. Bare numbers are none: a log is full of them.
RATE_LIMITED = re.compile(
    r"rate[ -]?limit|too many requests|quota (was |has been )?(exceeded|exhausted)"
    r"|\b(http|status|code|error)\W{0,3}429\b|\b429 (client )?error",
    re.IGNORECASE,
)
REFUSED = re.compile(
    r"unauthori[sz]ed|forbidden|authenticat|bad credentials|invalid[ _](token|grant|client|api.?key|credentials)"
    r"|(token|credentials?|api.?key) (is |are |has |have )?(been )?(invalid|expired|revoked)"
    r"|access denied|\b(http|status|code|error)\W{0,3}40[13]\b|\b40[13] (client )?error",
    re.IGNORECASE,
)


def tell_of_job(job: Job, *, now: datetime) -> None:
    """Tell of a check or an extraction that failed, and end what a good one disproves; in its completing transaction.

    One that somebody stopped says nothing about the source. `job` is read anew: its runner wrote how it ended.
    """
    job = Job.objects.select_related("account", "integration").get(pk=job.pk)
    if job.integration.deleted_at is not None:
        return
    if job.discovery_exit_status == 0:
        tell_of_replication_keys(job.integration, now=now)
    if job.mode == JobMode.CHECK:
        tell_of_check(job, now=now)
    else:
        tell_of_extraction(job, now=now)


def extraction_cause(job: Job) -> str:
    """Name a source as one that cannot be read."""
    return f"extraction:{job.integration_id}"


def tell_of_extraction(job: Job, *, now: datetime) -> None:
    """Tell of an extraction that failed, and end that with a good one."""
    if job.outcome == "succeeded":
        clear_causes(account=job.account, causes=[extraction_cause(job)], now=now)
    elif job.outcome in FAILED:
        tell_of_failure(job, "Encountered error while attempting to replicate data from", now=now)


def tell_of_check(job: Job, *, now: datetime) -> None:
    """Tell of a source that was read before and cannot be connected to now. A good check shows only that it can.

    While a source is being set up, somebody looks at the check, and nothing stops that went on before.
    """
    if job.outcome == "succeeded":
        clear_kinds(account=job.account, kinds=OF_CONNECTIONS, cause=extraction_cause(job), now=now)
    elif job.outcome in FAILED and job.integration.jobs.extractions().exists():
        tell_of_failure(job, "Encountered error while checking the connection of", now=now)


def tell_of_failure(job: Job, sentence: str, *, now: datetime) -> None:
    kind, cause = kind_of(job), extraction_cause(job)
    clear_other_kinds(account=job.account, kind=kind, cause=cause, now=now)
    raise_notification(
        account=job.account,
        kind=kind,
        cause=cause,
        message=f"{sentence} {job.integration.display_name}.",
        details=error_of(job) or (TIMED_OUT if job.outcome == "timed out" else ""),
        integration=job.integration,
        now=now,
    )


def kind_of(job: Job) -> Kind:
    """Return what a failure is told as: who has to act, and whether anybody has to."""
    if is_database(job.integration):
        not_discovered = job.discovery_exit_status not in (0, None)
        return Kind.DATABASE_INTEGRATION_ERROR if not_discovered else Kind.EXTRACTION_EXIT_STATUS
    error = error_of(job)
    if RATE_LIMITED.search(error):
        return Kind.API_RATE_LIMIT
    return Kind.SAAS_AUTHENTICATION_ERROR if REFUSED.search(error) else Kind.EXTRACTION_EXIT_STATUS


def is_database(integration: Integration) -> bool:
    source_type = find_source_type(integration.type)
    return source_type is not None and source_type.category == DATABASES


def tell_of_replication_keys(integration: Integration, *, now: datetime) -> None:
    """Tell of each tracked table of a database whose Replication Key the last discovery did not find."""
    if not is_database(integration):
        return
    causes = []
    for stream, key in missing_replication_keys(integration):
        causes.append(f"replication key:{stream.pk}")
        raise_notification(
            account=integration.account,
            kind=Kind.MISSING_REPLICATION_KEY,
            cause=causes[-1],
            message=f"The Replication Key {key} of the table {stream.stream_name} is not there any more.",
            details=f"{stream.stream_name}: there is no field {key}.",
            integration=integration,
            table_name=stream.stream_name,
            now=now,
        )
    clear_other_causes(integration=integration, kind=Kind.MISSING_REPLICATION_KEY, causes=causes, now=now)


def missing_replication_keys(integration: Integration) -> list[tuple[Stream, str]]:
    """Return the tracked tables that are read by a key which is no field of theirs, each with the key."""
    missing = []
    tracked = Stream.objects.filter(integration=integration, is_selected=True).found()
    for stream in tracked.iterator(chunk_size=20):
        key = stream_choice(stream).get("replication-key")
        if not key or method_of(stream, integration.properties) != INCREMENTAL:
            continue
        if key not in {field.name for field in fields_of(stream)}:
            missing.append((stream, str(key)))
    return missing
