"""When the next extraction of a source starts (connect-api.md 3.11, app.md 10.5). Everything is in UTC.

A source's properties say it: `cron_expression` wins; else every `frequency_in_minutes`, on a grid that stays fixed.
`Integration.next_run_at` is what the scheduler looks at (`integrations/services/scheduler.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from django.db import transaction

from integrations.models import Integration
from integrations.services.locking import lock_integration
from integrations.services.quartz import Cron, InvalidCron, check_cron, read_cron
from integrations.sources.registry import find_source_type

__all__ = ["InvalidCron", "Schedule", "check_cron", "next_runs", "plan_of", "replan", "schedule_of"]

FREQUENCIES = (1, 30, 60, 360, 720, 1440)  # minutes
ANCHORED_FROM = 60  # minutes: an anchor has no effect on shorter ones
MOMENT = timedelta(microseconds=1)


class Plan(Protocol):
    """Anything that knows the start after a moment."""

    def after(self, moment: datetime) -> datetime | None: ...


@dataclass(frozen=True, slots=True)
class Grid:
    """Starts at the anchor and every so many minutes before and after it."""

    minutes: int
    anchor: datetime

    def after(self, moment: datetime) -> datetime:
        step = timedelta(minutes=self.minutes)
        return self.anchor + ((moment - self.anchor) // step + 1) * step


@dataclass(frozen=True, slots=True)
class Schedule:
    """A source's schedule as the API tells it; `minutes` or `cron_expression` is None."""

    minutes: int | None
    cron_expression: str | None
    next_run_at: datetime | None  # None when a cron expression names no moment any more


def as_property(moment: datetime) -> str:
    """Write a time as the API's properties have it: with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def anchor_of(properties: Mapping[str, object]) -> datetime | None:
    """Return the anchor; None without one that can be read."""
    try:
        anchor = datetime.fromisoformat(str(properties.get("anchor_time") or ""))
    except ValueError:
        return None
    return anchor.replace(tzinfo=UTC) if anchor.tzinfo is None else anchor.astimezone(UTC)


def is_chosen(anchor: datetime) -> bool:
    """Tell an anchor that somebody chose, a full minute, from one that was filled in."""
    return anchor.second == 0 and anchor.microsecond == 0


def default_frequency(type_name: str) -> int:
    """Return the minutes between two starts of a source of this type, where nobody chose."""
    found = find_source_type(type_name)
    return found.default_frequency if found else 60


def frequency_of(properties: Mapping[str, object], type_name: str) -> int:
    """Return the minutes between two starts."""
    text = str(properties.get("frequency_in_minutes") or "")
    known = text.isdecimal() and int(text) in FREQUENCIES
    return int(text) if known else default_frequency(type_name)


def plan_of(properties: Mapping[str, object], *, type_name: str, created_at: datetime) -> Plan:
    """Return when extractions start, for properties that were checked.

    Short intervals have no anchor of their own: they count from when the source was created, so that their grid
    stays fixed too and sources do not all start in the same minute.
    """
    if expression := properties.get("cron_expression"):
        return read_cron(str(expression))
    minutes = frequency_of(properties, type_name)
    anchor = anchor_of(properties) if minutes >= ANCHORED_FROM else None
    return Grid(minutes, anchor or created_at)


def plan_for(integration: Integration) -> Plan:
    """Return when extractions of a source start."""
    return plan_of(integration.properties, type_name=integration.type, created_at=integration.created_at)


def runs_of(plan: Plan, now: datetime, count: int) -> list[datetime]:
    """Return the next starts of a plan."""
    runs: list[datetime] = []
    found = plan.after(now)
    while found is not None and len(runs) < count:
        runs.append(found)
        found = plan.after(found)
    return runs


def is_scheduled(integration: Integration) -> bool:
    """Whether a schedule starts extractions: not of what is pushed, deleted, paused or not set up yet."""
    return (
        not integration.is_push
        and integration.deleted_at is None
        and not integration.is_paused
        and integration.is_configured
    )


def schedule_of(integration: Integration, now: datetime) -> Schedule | None:
    """Return the schedule, without a query; None when nothing starts by itself."""
    if not is_scheduled(integration):
        return None
    plan = plan_for(integration)
    next_run_at = integration.next_run_at or plan.after(now)
    if isinstance(plan, Cron):
        return Schedule(None, plan.expression, next_run_at)
    return Schedule(frequency_of(integration.properties, integration.type), None, next_run_at)


def next_runs(integration: Integration, now: datetime, count: int) -> list[datetime]:
    """Return when the next extractions start; nothing while the source is not scheduled."""
    if not is_scheduled(integration):
        return []
    runs = runs_of(plan_for(integration), now, count)
    planned = integration.next_run_at
    if planned is None or planned in runs:
        return runs
    return [planned, *(run for run in runs if run > planned)][:count]


@transaction.atomic
def replan(*, integration: Integration, now: datetime) -> None:
    """Set when the next extraction starts; call it after whatever changes that, in the same transaction.

    The first one of a source starts at once, unless cron says when. A source that becomes schedulable gets the
    anchor it lacks, so that the starts of later days fall on the same times.
    """
    if integration.is_push:
        return
    current = lock_integration(integration, even_deleted=True)
    if is_scheduled(current):
        if not current.properties.get("frequency_in_minutes"):
            current.properties["frequency_in_minutes"] = str(default_frequency(current.type))
        if anchor_of(current.properties) is None:
            current.properties["anchor_time"] = as_property(now)
        current.next_run_at = next_run_at(current, now)
    else:
        current.next_run_at = None
    current.save(update_fields=["properties", "next_run_at"])
    integration.properties, integration.next_run_at = current.properties, current.next_run_at


def next_run_at(integration: Integration, now: datetime) -> datetime | None:
    """Return the next start of a scheduled source; one that is due and still to come stays."""
    plan, planned = plan_for(integration), integration.next_run_at
    if isinstance(plan, Grid) and not integration.jobs.extractions().exists():
        return planned if planned is not None and planned <= now else now
    if planned is not None and planned <= now and plan.after(planned - MOMENT) == planned:
        return planned
    return plan.after(now)
