"""Work for later: what it is, who does it, and asking for it (promises J1-J3).

`add_task` writes the work in the caller's transaction: it exists if and only if the change does that needs it. A
worker (`manage.py run_jobs`) carries it out at least once, so what it does must bear being done twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import Account, Task
from stitchapp import request_facts

Carry = Callable[[Task], None]
PAUSES = tuple(timedelta(seconds=seconds) for seconds in (10, 60, 5 * 60, 30 * 60, 2 * 3600, 6 * 3600))
TIMED_KEY = "timed"
TIMED_PAUSES = (timedelta(minutes=1),)  # timed work is never given up: it comes again anyway


class TaskFailed(Exception):
    """The work could not be done. It is tried again after the next pause, unless `for_good`.

    The message is shown to staff: it says what happened and holds no secret.
    """

    def __init__(self, message: str, *, for_good: bool = False) -> None:
        self.message = message
        self.for_good = for_good
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Handler:
    """How tasks of one kind are carried out."""

    kind: str
    carry_out: Carry
    pauses: Sequence[timedelta]
    exhausted: Carry | None = None
    every: timedelta | None = None  # timed work
    is_needed: Callable[[datetime], bool] | None = None  # asked without writing, before a worker begins it
    shown: tuple[str, ...] = ()  # the facts that staff see
    places: Callable[[], int] | None = None  # how many at once in a worker, of work that lasts for hours

    @property
    def tries(self) -> int:
        return len(self.pauses) + 1


HANDLERS: dict[str, Handler] = {}
AT_START: list[Callable[[], object]] = []


def at_start(work: Callable[[], object]) -> Callable[[], object]:
    """Register what every worker does when it starts, such as tidying what a killed one left behind."""
    AT_START.append(work)
    return work


def handles(
    kind: str,
    *,
    pauses: Sequence[timedelta] = PAUSES,
    exhausted: Carry | None = None,
    shown: tuple[str, ...] = (),
    places: Callable[[], int] | None = None,
) -> Callable[[Carry], Carry]:
    """Register a function that carries out tasks of a kind; import its module from the app's `ready`.

    It is called outside any transaction. When it raises, the task is tried again after the next pause; after the
    last one `exhausted` is called once, in the transaction that marks the task failed. Of a kind with `places` so
    many are carried out at once in each worker, however long they last; one account leaves one of them to others.
    """

    def register(carry_out: Carry) -> Carry:
        HANDLERS[kind] = Handler(kind, carry_out, tuple(pauses), exhausted, shown=shown, places=places)
        return carry_out

    return register


def timed(
    name: str,
    *,
    every: timedelta,
    is_needed: Callable[[datetime], bool] | None = None,
    pauses: Sequence[timedelta] = TIMED_PAUSES,
) -> Callable[[Callable[[datetime], None]], Callable[[datetime], None]]:
    """Register a function that runs about so often, in one worker at a time.

    What has to run within seconds says by one cheap query whether it `is_needed` now: while it is not, no worker
    begins it, and nothing is written.
    """

    def register(work: Callable[[datetime], None]) -> Callable[[datetime], None]:
        HANDLERS[name] = Handler(
            name, lambda task: work(timezone.now()), tuple(pauses), every=every, is_needed=is_needed
        )
        return work

    return register


@transaction.atomic
def add_task(
    kind: str,
    *,
    account: Account | None = None,
    key: str = "",
    due_at: datetime | None = None,
    **facts: Any,
) -> Task:
    """Ask for work, in the transaction of the change that needs it.

    With a key there is at most one open task of the kind and key. Asking again gives that one the newer facts, and
    it is done by the earlier of the two times; if somebody is doing it just now, it is done once more. One that
    failed before keeps its pauses.
    """
    due_at = due_at or timezone.now()
    asked = {"account": account, "due_at": due_at, "facts": facts, "origin": request_facts.as_origin()}
    task: Task
    if not key:
        task = Task.objects.create(kind=kind, **asked)
        return task
    while True:
        task, made = Task.objects.get_or_create(kind=kind, key=key, failed_at=None, defaults=asked)
        if made:
            break
        found = Task.objects.select_for_update().filter(pk=task.pk, failed_at=None).first()
        if found is not None:  # else it was done, or given up, since it was found
            renew(found, due_at=due_at, facts=facts)
            break
    return task


def renew(task: Task, *, due_at: datetime, facts: dict[str, Any]) -> None:
    """Give an open task that is locked newer facts; let it be done by the time, once more when it is in hand."""
    task.facts = facts
    if task.lease is not None:
        task.again_at = min(task.again_at or due_at, due_at)
    elif task.attempts == 0:
        task.due_at = min(task.due_at, due_at)
    task.save(update_fields=["facts", "again_at", "due_at"])


def shown_facts(task: Task) -> dict[str, str]:
    """Return what staff may see of a task's facts."""
    handler = HANDLERS.get(task.kind)
    return {name: str(task.facts[name]) for name in (handler.shown if handler else ()) if name in task.facts}


def add_timed_work() -> None:
    """Make sure that every registered timed work has its task; done when a worker starts."""
    timed_kinds = {kind for kind, handler in HANDLERS.items() if handler.every is not None}
    known = Task.objects.open().filter(kind__in=timed_kinds, key=TIMED_KEY)
    for kind in sorted(timed_kinds - set(known.values_list("kind", flat=True))):
        add_task(kind, key=TIMED_KEY)
