"""A worker process: claims tasks that are due and has them carried out by threads, until it is told to end.

No kind of work and no account has all the hands: mails go out while hooks hang, and one account's hooks hold up
no other's.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
import uuid
from collections import Counter

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connections
from django.utils import timezone

from accounts.models import Task
from accounts.services import worker_end
from accounts.services.task_leases import claim_next, presence_folder, renew
from accounts.services.task_work import carry_out, drain
from accounts.services.tasks import AT_START, HANDLERS, add_timed_work
from stitchapp.presence import Presence

logger = logging.getLogger("accounts.tasks")
LOOK_SECONDS = 1.0  # how soon a new task is seen, at most; looking writes nothing
RENEWAL_SECONDS = 5.0
LASTING_SECONDS = 5.0  # work that takes longer gives its place to another task
MOST_PLACES = 4  # within bounds: so many times the places of a kind
AFTER_DATABASE_ERROR_SECONDS = 2.0
ENDING_SECONDS = 20.0  # promise O2 allows 30 for everything


class Hands:
    """The threads that work: so many tasks of each kind at once, and half as many of one account's."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.most_of_one_account = max(1, number // 2)
        self.given: queue.SimpleQueue[Task] = queue.SimpleQueue()
        self.changed = threading.Condition()
        self.changes = 0
        self.begun: dict[uuid.UUID, tuple[Task, float]] = {}  # what is in hand, and since when
        self.threads = 0

    def full_kinds(self) -> set[str]:
        """Return the kinds of which no more may begin now."""
        lasting_since = time.monotonic() - LASTING_SECONDS
        with self.changed:
            recent = Counter(task.kind for task, began in self.begun.values() if began >= lasting_since)
            total = Counter(task.kind for task, _ in self.begun.values())
        return {kind for kind in total if self.is_full(kind, recent[kind], total[kind])}

    def is_full(self, kind: str, recent: int, total: int) -> bool:
        """Tell whether no more of the kind may begin."""
        places = places_of(kind)
        if places is not None:
            return total >= places
        return recent >= self.number or total >= self.number * MOST_PLACES

    def busy_accounts(self) -> set[tuple[str, int]]:
        """Return the accounts of which no more of a kind may begin now."""
        with self.changed:
            pairs = Counter(
                (task.kind, task.account_id) for task, _ in self.begun.values() if task.account_id is not None
            )
        return {pair for pair, count in pairs.items() if count >= self.most_of_account(pair[0])}

    def most_of_account(self, kind: str) -> int:
        """Return how many of the kind one account may have in hand."""
        places = places_of(kind)
        return self.most_of_one_account if places is None else max(1, places - 1)

    def leases(self) -> list[uuid.UUID]:
        """Return the leases of what is in hand."""
        with self.changed:
            return list(self.begun)

    def give(self, task: Task) -> None:
        """Have a claimed task carried out."""
        assert task.lease is not None  # noqa: S101 - it was claimed
        with self.changed:
            self.begun[task.lease] = (task, time.monotonic())
            if len(self.begun) > self.threads:
                self.threads += 1
                threading.Thread(target=self._work, name="task", daemon=True).start()
        self.given.put(task)

    def wait_for_a_change(self, since: int, seconds: float) -> None:
        """Return when a task has ended after the change of that number, or after so long."""
        with self.changed:
            self.changed.wait_for(lambda: self.changes != since, seconds)

    def rest(self, seconds: float) -> bool:
        """Wait for what is in hand; return whether all of it ended in time."""
        with self.changed:
            return self.changed.wait_for(lambda: not self.begun, seconds)

    def _work(self) -> None:
        while True:
            task = self.given.get()
            lease = task.lease  # the row's may change below
            try:
                close_old_connections()
                carry_out(task)
            except (
                DatabaseError
            ) as error:  # not even the failure could be noted: the lease runs out by itself
                logger.warning("worker.database_error", extra={"reason": str(error)})
                connections.close_all()
            except Exception:  # a thread that ended would take its place with it
                logger.exception("worker.failed_unexpectedly")
            finally:
                with self.changed:
                    self.begun.pop(lease, None)  # type: ignore[arg-type]
                    self.changes += 1
                    self.changed.notify_all()


def places_of(kind: str) -> int | None:
    """Return how many of a kind that lasts may be in hand; None of every other."""
    handler = HANDLERS.get(kind)
    return handler.places() if handler is not None and handler.places is not None else None


class WorkerProcess:
    """Claims what is due and has it carried out, until it is told to end."""

    def __init__(self) -> None:
        self.hands = Hands(settings.JOBS)
        worker_end.forget()
        self.ending = False  # no Event: a signal that arrives while one is waited for could wait for itself
        self.presence = Presence(presence_folder())
        self.renewed_at = time.monotonic()
        self.knows_timed_work = False

    def run(self) -> None:
        """Work until told to end; a database that is away is waited for."""
        self.prepare()
        while not self.ending:
            changes = self.hands.changes
            try:
                close_old_connections()
                if not self.knows_timed_work:
                    add_timed_work()
                    self.knows_timed_work = True
                self.keep_leases()
                begun = self.begin_next()
            except DatabaseError as error:
                logger.warning("worker.database_error", extra={"reason": str(error)})
                connections.close_all()
                self.hands.wait_for_a_change(changes, AFTER_DATABASE_ERROR_SECONDS)
                continue
            if not begun:
                self.hands.wait_for_a_change(changes, LOOK_SECONDS)
        self.end()

    def prepare(self) -> None:
        """Do what a worker does when it starts; it starts in any case."""
        for work in AT_START:
            try:
                work()
            except Exception:
                logger.exception("worker.start_work_failed")

    def begin_next(self) -> bool:
        """Begin one task that is due; return whether there was one."""
        task = claim_next(
            now=timezone.now(),
            worker=self.presence.name,
            full=self.hands.full_kinds(),
            busy=self.hands.busy_accounts(),
        )
        if task is None:
            return False
        self.hands.give(task)
        return True

    def keep_leases(self) -> None:
        """Renew now and then what is in hand; an idle worker writes nothing."""
        if time.monotonic() - self.renewed_at < RENEWAL_SECONDS:
            return
        self.renewed_at = time.monotonic()
        if leases := self.hands.leases():
            renew(leases)

    def drain(self) -> int:
        """Carry out what is due, one after another, then end."""
        self.prepare()
        done = threading.Event()
        renewing = threading.Thread(target=self._renew_own, args=(done,), name="lease", daemon=True)
        renewing.start()
        try:
            add_timed_work()
            return drain(worker=self.presence.name)
        finally:
            done.set()
            renewing.join()
            self.presence.end()

    def _renew_own(self, done: threading.Event) -> None:
        """Renew now and then what this process has in hand, on a connection of this thread's own."""
        try:
            while not done.wait(RENEWAL_SECONDS):
                own = Task.objects.held().filter(leased_by=self.presence.name)
                renew(list(own.values_list("lease", flat=True)))
        except DatabaseError as error:  # the lease runs out by itself
            logger.warning("worker.database_error", extra={"reason": str(error)})
        finally:
            connections.close_all()

    def end_soon(self, *_: object) -> None:
        """Begin nothing new, and have what lasts end early (a signal asked for it)."""
        self.ending = True
        worker_end.ask()

    def end(self) -> None:
        """Wait for what is in hand. What does not end in time is another worker's as soon as this process is gone."""
        give_up = time.monotonic() + ENDING_SECONDS
        while time.monotonic() < give_up:
            if self.hands.rest(min(RENEWAL_SECONDS, give_up - time.monotonic())):
                self.presence.end()
                return
            self.keep_leases()
        logger.warning("worker.left_behind", extra={"tasks": len(self.hands.leases())})
