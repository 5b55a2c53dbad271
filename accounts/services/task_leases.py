"""Who does a task now, and when one that failed is tried again.

A worker leases a task by one conditional update. Whatever is written about it afterwards names the lease, so a
worker that was away for longer than its lease can no longer complete it.
"""

from __future__ import annotations

import logging
import random
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Task
from accounts.services.tasks import HANDLERS, TIMED_KEY, Handler, add_task
from stitchapp import presence

logger = logging.getLogger("accounts.tasks")
LEASE = timedelta(seconds=20)
MAX_CANDIDATES = 20
MOST_INTERRUPTIONS = 5  # a task that outlives no worker is given up after so many
MOST_ERROR = 500


class LeaseLost(Exception):
    """The lease ran out and another worker has the task; what this one did is settled by that one."""


def presence_folder() -> Path:
    """Where the workers of this data folder announce themselves."""
    return Path(settings.DATA_DIR) / "workers"


def claim_next(
    *, now: datetime, worker: str = "", full: Collection[str] = (), busy: Collection[tuple[str, int]] = ()
) -> Task | None:
    """Lease a due task; None when there is nothing to do.

    Kinds in `full` are left alone, and of `busy` pairs the kind's tasks of the account.
    """
    reclaim_left_behind(now=now)
    due = Task.objects.due(now).filter(kind__in=[kind for kind in HANDLERS if kind not in full])
    for kind, account_id in busy:
        due = due.exclude(kind=kind, account_id=account_id)
    task: Task
    for task in due.order_by("due_at", "pk")[:MAX_CANDIDATES]:
        is_needed = HANDLERS[task.kind].is_needed
        if is_needed is not None and not is_needed(now):
            continue
        lease = uuid.uuid4()
        free = Task.objects.due(now).filter(pk=task.pk, due_at=task.due_at)
        if free.update(
            lease=lease, leased_until=now + LEASE, leased_by=worker, attempts=F("attempts") + 1
        ):  # another worker can have won between the two statements
            task = Task.objects.select_related("account").get(pk=task.pk)
            return task
    return None


def reclaim_left_behind(*, now: datetime) -> None:
    """Free tasks whose worker is gone, or silent for a lease: that was no try.

    One that keeps ending its workers waits longer each time, and fails at last.
    """
    for task in Task.objects.held():
        as_found = Task.objects.filter(pk=task.pk, lease=task.lease, leased_until=task.leased_until)
        if task.leased_until > now and not presence.is_gone(presence_folder(), task.leased_by):
            if (
                task.leased_until > now + LEASE
            ):  # the clock went back: a living worker renews it by the new one
                as_found.update(leased_until=now + LEASE)
        elif task.interruptions >= MOST_INTERRUPTIONS and task.key != TIMED_KEY:
            give_up(task, "Every worker that began it ended before it was done.", now=now)
        else:
            lasting = min(task.interruptions, MOST_INTERRUPTIONS)
            as_found.update(
                lease=None,
                leased_until=None,
                due_at=now + timedelta(seconds=2**lasting - 1),
                attempts=F("attempts") - 1,
                interruptions=F("interruptions") + 1,
            )


def renew(leases: Collection[uuid.UUID]) -> None:
    """Keep what is in hand for another lease."""
    Task.objects.filter(lease__in=leases).update(leased_until=timezone.now() + LEASE)


@contextmanager
def holding(task: Task) -> Iterator[None]:
    """Run the block in a transaction that only the holder of the task's lease can commit. Raises LeaseLost.

    What a handler stores about its work belongs into such a block.
    """
    with transaction.atomic():
        held = Task.objects.filter(pk=task.pk, lease=task.lease)
        if not held.update(leased_until=timezone.now() + LEASE):
            raise LeaseLost
        yield


def finish(task: Task, handler: Handler, *, now: datetime) -> None:
    """Settle a task that was done: it is removed, unless it comes again. Raises LeaseLost.

    What failed before under its key is removed too: it was done after all.
    """
    with holding(task):
        free = {"lease": None, "leased_until": None, "attempts": 0, "interruptions": 0, "error": ""}
        held = Task.objects.filter(pk=task.pk, lease=task.lease)
        if handler.every is not None:
            held.update(**free, again_at=None, due_at=now + handler.every)
        elif not held.filter(~Q(again_at=None)).update(**free, due_at=F("again_at"), again_at=None):
            held.delete()
        if task.key:
            Task.objects.failed().filter(kind=task.kind, key=task.key).delete()


def postpone(task: Task, handler: Handler, message: str, *, now: datetime, for_good: bool = False) -> None:
    """Settle a try that failed: later and later again, and at last never. Raises LeaseLost."""
    if handler.every is None and (for_good or task.attempts >= handler.tries):
        give_up(task, message, now=now)
        return
    pause = handler.pauses[min(task.attempts, len(handler.pauses)) - 1]
    spread = pause * random.uniform(1.0, 1.1)  # noqa: S311 - no secret; never earlier than was promised
    with holding(task):
        Task.objects.filter(pk=task.pk).update(
            lease=None, leased_until=None, due_at=now + spread, again_at=None, error=message[:MOST_ERROR]
        )


def give_up(task: Task, message: str, *, now: datetime) -> None:
    """Keep the task as failed and tell its kind's `exhausted`, once. Raises LeaseLost."""
    handler = HANDLERS.get(task.kind)
    task.error, task.failed_at = message[:MOST_ERROR], now
    try:
        with holding(task):
            mark_failed(task)
            if handler is not None and handler.exhausted is not None:
                handler.exhausted(task)
    except LeaseLost:
        raise
    except Exception:  # that it failed must be seen, whatever else does
        logger.exception("task.exhausted_failed", extra={"task": task.pk, "kind": task.kind})
        with holding(task):
            mark_failed(task)


def mark_failed(task: Task) -> None:
    """Write that a task was given up. If it was asked for again meanwhile, that is a task of its own now."""
    again_at, facts = Task.objects.values_list("again_at", "facts").get(pk=task.pk)
    Task.objects.filter(pk=task.pk).update(
        lease=None, leased_until=None, again_at=None, error=task.error, failed_at=task.failed_at
    )
    if again_at is not None:
        add_task(task.kind, account=task.account, key=task.key, due_at=again_at, **facts)
