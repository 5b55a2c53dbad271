"""Several loads at once in one process, and the tidying beside them.

One thread claims; the loads run in threads, for the engines work outside Python's lock and a server's answer is
waited for there too. No account ever has all the hands: one whose destination hangs leaves some to the others
(promise I11).
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
import uuid
from collections import Counter
from datetime import datetime

from django.conf import settings
from django.core.management import call_command
from django.db import DEFAULT_DB_ALIAS, DatabaseError, close_old_connections, connections
from django.utils import timezone

from integrations.models import QueuedTable
from integrations.queue import cleaning
from integrations.queue.claiming import Claim, claim_next
from integrations.queue.loader import carry_out
from integrations.queue.presence import AtWork, Presence, Turn, forget_dead_loaders, is_hold_wanted
from integrations.queue.repeats import forget_old_keys

logger = logging.getLogger("integrations.queue")
IDLE_SECONDS, HELD_SECONDS = 0.5, 0.1
AFTER_DATABASE_ERROR_SECONDS = 2.0
TIDY_SECONDS, PURGE_SECONDS = 2.0, 3600.0
LASTING_SECONDS, MOST_PLACES = 30.0, 4  # promise I11 allows a broken destination 60 s of others' time
ENDING_SECONDS = 20.0  # promise O2 allows 30 for everything


class Hands:
    """The threads that load: as many loads at once, and one fewer of one account's.

    A load that lasts gives its place to another, within bounds: however many destinations hang, others go on.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.most_of_one_account = max(1, number - 1)
        self.given: queue.SimpleQueue[Claim | None] = queue.SimpleQueue()  # None: go home
        self.changed = threading.Condition()
        self.changes = 0
        self.loads: Counter[int] = Counter()  # in hand, by account
        self.begun: dict[uuid.UUID, float] = {}  # when each of them began, by its lease
        self.database_failed = False
        self.threads: list[threading.Thread] = []

    def are_full(self) -> bool:
        lasting_since = time.monotonic() - LASTING_SECONDS
        with self.changed:
            recent = sum(began >= lasting_since for began in self.begun.values())
            return recent >= self.number or len(self.begun) >= self.number * MOST_PLACES

    def full_accounts(self) -> set[int]:
        """Return the accounts of which no more loads may begin now."""
        with self.changed:
            return {account for account, loads in self.loads.items() if loads >= self.most_of_one_account}

    def give(self, claim: Claim) -> None:
        """Have a claim carried out."""
        with self.changed:
            self.loads[claim.table.account_id] += 1
            self.begun[claim.lease] = time.monotonic()
            if len(self.begun) > len(self.threads):
                self.threads.append(threading.Thread(target=self._work, name="load", daemon=True))
                self.threads[-1].start()
        self.given.put(claim)

    def wait_for_a_change(self, since: int, seconds: float) -> None:
        """Return when a load has ended after the change of that number, or after so long."""
        with self.changed:
            self.changed.wait_for(lambda: self.changes != since, seconds)

    def rest(self, seconds: float) -> bool:
        """Wait for the loads in hand; return whether all of them ended in time."""
        with self.changed:
            return self.changed.wait_for(lambda: not self.loads.total(), seconds)

    def dismiss(self) -> None:
        """End the threads, which have nothing in hand, and with them their connections to the database."""
        for _ in self.threads:
            self.given.put(None)
        for thread in self.threads:
            thread.join()

    def _work(self) -> None:
        while (claim := self.given.get()) is not None:
            failed = False
            try:
                close_old_connections()
                carry_out(claim)
            except (
                DatabaseError
            ) as error:  # not even the failure could be noted: the lease runs out by itself
                logger.warning("loader.database_error", extra={"reason": str(error)})
                connections.close_all()
                failed = True
            finally:
                with self.changed:
                    self.loads[claim.table.account_id] -= 1
                    del self.begun[claim.lease]
                    self.changes += 1
                    self.database_failed |= failed
                    self.changed.notify_all()
        connections.close_all()


class LoaderProcess:
    """Claims what is due and has it loaded, until it is told to end."""

    def __init__(self, loads_at_once: int | None = None) -> None:
        self.hands = Hands(loads_at_once or settings.LOADERS)
        self.ending = False  # no Event: a signal that arrives while one is waited for could wait for itself
        self.presence = Presence()
        self.tidying = Turn("tidying")
        self.at_work = AtWork()
        self.tidied_at = self.purged_at = time.monotonic()

    def run(self) -> None:
        """Load until told to end; a database that is away is waited for."""
        while not self.ending:
            if not self.may_work():
                continue
            changes = self.hands.changes
            try:
                close_old_connections()
                begun = self.begin_next()
                self.tidy()
            except DatabaseError as error:
                logger.warning("loader.database_error", extra={"reason": str(error)})
                connections.close_all()
                self.hands.database_failed = True
            if self.hands.database_failed:
                self.hands.database_failed = False
                time.sleep(AFTER_DATABASE_ERROR_SECONDS)
            elif not begun:
                self.hands.wait_for_a_change(changes, IDLE_SECONDS)
        self.end()

    def drain(self) -> None:
        """Load until nothing is due."""
        idle = False
        while not idle:
            if not self.may_work():
                continue
            changes = self.hands.changes
            idle = self.hands.rest(0)  # asked before: what ends in between may make another due
            if self.begin_next():
                idle = False
            elif not idle:
                self.hands.wait_for_a_change(changes, IDLE_SECONDS)
        cleaning.remove_loaded_segments()
        if self.tidying.is_mine():
            cleaning.checkpoint()
        self.end()

    def end_soon(self, *_: object) -> None:
        """End after the loads in hand: a signal's handler."""
        self.ending = True

    def may_work(self) -> bool:
        """Be at work; while loading is held, end what is in hand, step aside and return False."""
        if is_hold_wanted() and self.hands.rest(IDLE_SECONDS):
            self.at_work.end()
        if self.at_work.begin() and not is_hold_wanted():
            return True
        time.sleep(HELD_SECONDS)
        return False

    def begin_next(self) -> bool:
        """Begin one load; return False when nothing is due, or all hands are full."""
        if self.hands.are_full():
            return False
        claim = claim_next(now=timezone.now(), loader=self.presence.name, avoiding=self.hands.full_accounts())
        if claim is None:
            return False
        self.hands.give(claim)
        return True

    def end(self) -> None:
        """Give the loads in hand some time, then go: what is cut off was not committed, and is loaded again."""
        ended = self.hands.rest(ENDING_SECONDS)
        self.tidying.end()
        self.at_work.end()
        if ended:
            self.hands.dismiss()
            self.presence.end()
            return
        logger.warning("loader.cut_off", extra={"loads": self.hands.loads.total()})
        logging.shutdown()
        os._exit(0)

    def tidy(self) -> None:
        """Now and then, in one process: remove what is loaded, checkpoint (decision D26), purge old history."""
        if not self.tidying.is_mine():
            return
        now = time.monotonic()
        if now - self.tidied_at >= TIDY_SECONDS:
            cleaning.remove_loaded_segments()
            cleaning.gather_sparse_segments()
            cleaning.checkpoint()
            self.tidied_at = now
        if now - self.purged_at >= PURGE_SECONDS:
            self.purged_at = now
            threading.Thread(target=self.purge_apart, name="purge", daemon=True).start()

    def purge_apart(self) -> None:
        """Purge in a thread of its own: it may take long, and loading goes on."""
        try:
            self.purge()
        except DatabaseError as error:
            logger.warning("loader.database_error", extra={"reason": str(error)})
        finally:
            connections.close_all()

    def purge(self) -> None:
        """Delete what nobody needs any more."""
        cleaning.purge_history(now=timezone.now())
        forget_old_keys(now=timezone.now())
        forget_dead_loaders(set(QueuedTable.objects.held().values_list("leased_by", flat=True)))
        call_command("clearsessions")
        forget_expired_cache_entries(now=timezone.now())


def forget_expired_cache_entries(*, now: datetime) -> None:
    """Delete what the database cache would keep until it is full: throttles name an entry for each sender."""
    connection = connections[DEFAULT_DB_ALIAS]
    table = connection.ops.quote_name(str(settings.CACHES["default"]["LOCATION"]))
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {table} WHERE expires < %s",  # noqa: S608 - our own name
            [connection.ops.adapt_datetimefield_value(now)],
        )
