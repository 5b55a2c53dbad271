"""Start the extractions that are due (app.md 10.5): a worker looks every second, by one index, and writes only then.

A start that was missed, however often, is made up for once. One that falls into a running extraction is skipped.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta

from django.db import DatabaseError, transaction
from django.db.models import QuerySet

from accounts.services.tasks import timed
from integrations.models import Integration, JobTrigger
from integrations.services.jobs import JobRunning, NotRunnable, start_job
from integrations.services.schedules import is_scheduled, plan_for

logger = logging.getLogger("integrations.scheduler")
EVERY = timedelta(seconds=1)
SLICE = 100  # sources that are read at once
LONGEST_SECONDS = 10.0  # then another worker may go on
AFTER_ERROR = timedelta(minutes=5)


def due_sources(now: datetime) -> QuerySet[Integration]:
    """Return the sources whose next extraction is due, the longest due first."""
    due: QuerySet[Integration] = Integration.objects.filter(next_run_at__lte=now)
    return due.order_by("next_run_at", "pk")


def anything_due(now: datetime) -> bool:
    """Tell whether the scheduler has to start something."""
    return due_sources(now).exists()


@timed("start_due_jobs", every=EVERY, is_needed=anything_due, pauses=[timedelta(seconds=5)])
def start_due_jobs(now: datetime) -> None:
    """Start what is due, slice by slice."""
    give_up = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < give_up:
        due = list(due_sources(now).select_related("account")[:SLICE])
        for integration in due:
            start_in_turn(integration, now=now)
        if len(due) < SLICE:
            return


def start_in_turn(integration: Integration, *, now: datetime) -> None:
    """Start one source's extraction; another source's has its turn whatever happens here."""
    try:
        start_due_job(integration=integration, now=now)
    except DatabaseError:  # it stays due; the whole work is tried again
        raise
    except Exception:  # one source's surprise keeps no other from its turn
        logger.exception("scheduler.start_failed", extra={"integration": integration.pk})
        as_found = Integration.objects.filter(pk=integration.pk, next_run_at=integration.next_run_at)
        as_found.update(next_run_at=now + AFTER_ERROR)


def start_due_job(*, integration: Integration, now: datetime) -> bool:
    """Move the source on to its next start and begin this one, both or neither; return whether it began.

    However many workers found it due, the one whose update finds it as it was read begins it.
    """
    next_run_at = plan_for(integration).after(now) if is_scheduled(integration) else None
    with transaction.atomic():
        as_found = Integration.objects.filter(pk=integration.pk, next_run_at=integration.next_run_at)
        if not as_found.update(next_run_at=next_run_at) or not is_scheduled(integration):
            return False
        try:
            with transaction.atomic():
                start_job(integration=integration, trigger=JobTrigger.SCHEDULE)
        except JobRunning as skipped:
            logger.debug("scheduler.skipped", extra={"integration": integration.pk, "job": skipped.job.name})
            return False
        except NotRunnable as refused:
            logger.info("scheduler.refused", extra={"integration": integration.pk, "reason": refused.message})
            return False
    return True
