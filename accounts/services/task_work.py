"""Carry a task out, and settle it whatever happens."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import DatabaseError
from django.utils import timezone

from accounts.models import Task
from accounts.services import task_leases
from accounts.services.tasks import HANDLERS, Handler, TaskFailed, timed
from stitchapp import presence, request_facts

logger = logging.getLogger("accounts.tasks")
FAILED_KEPT = timedelta(days=30)


def carry_out(task: Task) -> None:
    """Do what a leased task says. One task's surprise stops no other."""
    handler = HANDLERS[task.kind]
    facts = {"task": task.pk, "kind": task.kind, "attempts": task.attempts}
    with request_facts.of_origin(task.origin):
        try:
            failure = failure_of(task, handler)
            if failure is None:
                task_leases.finish(task, handler, now=timezone.now())
                logger.log(logging.DEBUG if handler.every else logging.INFO, "task.done", extra=facts)
            else:
                logger.warning("task.failed", extra=facts | {"reason": failure.message})
                task_leases.postpone(
                    task, handler, failure.message, now=timezone.now(), for_good=failure.for_good
                )
        except task_leases.LeaseLost:
            logger.warning("task.lease_lost", extra=facts)


def failure_of(task: Task, handler: Handler) -> TaskFailed | None:
    """Try it; return what went wrong, in words that staff may read."""
    try:
        handler.carry_out(task)
    except task_leases.LeaseLost:
        raise
    except TaskFailed as error:
        return error
    except DatabaseError as error:
        logger.warning("task.database_error", extra={"task": task.pk, "reason": str(error)})
        return TaskFailed("The application's database did not answer.")
    except Exception as error:  # whatever it is, it is tried again, and shown at last
        logger.exception("task.failed_unexpectedly", extra={"task": task.pk, "kind": task.kind})
        return TaskFailed(f"Internal error: {type(error).__name__}")
    return None


def drain(*, worker: str = "") -> int:
    """Carry out what is due, one after another; return how many tries that were."""
    tries = 0
    while (task := task_leases.claim_next(now=timezone.now(), worker=worker)) is not None:
        carry_out(task)
        tries += 1
    return tries


@timed("tasks.forget", every=timedelta(hours=1))
def forget_old(now: datetime) -> None:
    """Remove work that failed long ago, and the announcements of workers that are gone."""
    Task.objects.failed().filter(failed_at__lt=now - FAILED_KEPT).delete()
    held = set(Task.objects.held().values_list("leased_by", flat=True))
    presence.forget_the_dead(task_leases.presence_folder(), held=held)
