"""The newest attempt to load each table of an account (connect-api.md 2.10, 3.15)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Max, QuerySet

from accounts.models import Account
from integrations.models import (
    BatchTable,
    ErrorScope,
    Job,
    JobMode,
    Load,
    LoadStatus,
    QueuedTable,
)

SHOWN = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class LatestLoad:
    """How the newest attempt to load a table ended."""

    source_name: str
    table_name: str
    loaded_at: datetime | None  # None when it failed
    error: str
    is_destination_error: bool
    error_class: str = ""  # the engine's, where one spoke
    sql_state: str = ""
    is_internal: bool = False


def newest_loads(*, account: Account, now: datetime) -> QuerySet[Load, dict[str, Any]]:
    """Return one row for each table with an attempt of the last 60 days, by table and source name.

    A schema name that a deleted source has left to another one counts once: programs tell tables by names.
    """
    return (
        account.loads.filter(finished_at__gte=now - SHOWN)
        .order_by()
        .values("table_name", source_name=F("integration__schema_name"))
        .annotate(newest=Max("pk"))
        .order_by("table_name", "source_name")
    )


def describe_loads(*, rows: list[dict[str, Any]]) -> list[LatestLoad]:
    """Return what the rows of `newest_loads` stand for, in their order."""
    loads = Load.objects.select_related("integration").in_bulk([row["newest"] for row in rows])
    integrations = {load.integration_id for load in loads.values()}
    broken = destinations_at_fault(integrations)
    runs = finished_runs(integrations)
    waiting = tables_that_wait(runs)
    described = []
    for row in rows:
        load = loads.get(row["newest"])
        if load is None:  # let go between the two queries
            continue
        table = load.integration_id, load.table_name
        failed = load.status == LoadStatus.ERROR
        described.append(
            LatestLoad(
                source_name=load.integration.schema_name,
                table_name=load.table_name,
                loaded_at=None if failed else loaded_at(load, runs.get(load.integration_id), waiting),
                error=load.error if failed else "",
                is_destination_error=failed and table in broken,
                error_class=load.error_class,
                sql_state=load.sql_state,
                is_internal=load.is_internal,
            )
        )
    return described


def destinations_at_fault(integrations: Iterable[int]) -> set[tuple[int, str]]:
    """Return the tables that wait because nothing can be loaded into their destination."""
    failing = QueuedTable.objects.failing().filter(integration_id__in=integrations)
    return set(failing.filter(error_scope=ErrorScope.DESTINATION).values_list("integration_id", "table_name"))


def finished_runs(integrations: Iterable[int]) -> dict[int, Job]:
    """Return the last extraction that ended of each of these integrations that has one."""
    ended = Job.objects.extractions().filter(integration__in=integrations, completed_at__isnull=False)
    newest = ended.order_by().values("integration").annotate(newest=Max("pk")).values("newest")
    return {job.integration_id: job for job in Job.objects.filter(pk__in=newest, mode=JobMode.SYNC)}


def tables_that_wait(runs: dict[int, Job]) -> set[tuple[int, str]]:
    """Return the tables for which something that these extractions brought is not loaded yet."""
    if not runs:
        return set()
    waiting = BatchTable.objects.waiting().filter(batch__job_id__in=[run.pk for run in runs.values()])
    return set(waiting.order_by().values_list("integration_id", "table_name").distinct())


def loaded_at(load: Load, run: Job | None, waiting: set[tuple[int, str]]) -> datetime:
    """Return since when the table holds what came for it.

    A table is loaded while its extraction still runs. Programs wait until this time has reached the extraction's
    end, so it does once all that the extraction brought is loaded.
    """
    if run is None or run.completed_at is None or (load.integration_id, load.table_name) in waiting:
        return load.finished_at
    return max(load.finished_at, run.completed_at) if load.table_name in run.rows else load.finished_at
