"""The loader: moves accepted batches into their destinations until it is told to end."""

import logging
import signal
import threading
import time

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import DatabaseError, close_old_connections, connections
from django.utils import timezone

from integrations.queue import cleaning
from integrations.queue.loader import load_next
from integrations.queue.repeats import forget_old_keys

logger = logging.getLogger("integrations.queue")
IDLE_SECONDS = 0.5
AFTER_DATABASE_ERROR_SECONDS = 2.0
TIDY_SECONDS, PURGE_SECONDS = 2.0, 3600.0


class Command(BaseCommand):
    help = "Load accepted batches into their destinations. Ends on SIGTERM, after the load in hand."

    def add_arguments(self, parser):
        parser.add_argument("--once", action="store_true", help="load what is due, then end")

    def handle(self, *args, once: bool, **options):
        loader = Loader()
        if once:
            loader.drain()
        else:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: loader.ending.set())
            loader.run()


class Loader:
    """The loop around `load_next`, and the tidying between loads."""

    def __init__(self) -> None:
        self.ending = threading.Event()
        self.tidied_at = self.purged_at = time.monotonic()

    def run(self) -> None:
        """Load until told to end; a database that is away is waited for."""
        while not self.ending.is_set():
            try:
                close_old_connections()
                worked = load_next()
                self.tidy()
            except DatabaseError as error:
                logger.warning("loader.database_error", extra={"reason": str(error)})
                connections.close_all()
                self.ending.wait(AFTER_DATABASE_ERROR_SECONDS)
            else:
                if not worked:
                    self.ending.wait(IDLE_SECONDS)

    def drain(self) -> None:
        """Load until nothing is due."""
        while load_next():
            pass
        cleaning.remove_loaded_segments()
        cleaning.checkpoint()

    def tidy(self) -> None:
        """Now and then: remove what is loaded, checkpoint, and purge old history."""
        now = time.monotonic()
        if now - self.tidied_at >= TIDY_SECONDS:
            cleaning.remove_loaded_segments()
            cleaning.gather_sparse_segments()
            cleaning.checkpoint()
            self.tidied_at = now
        if now - self.purged_at >= PURGE_SECONDS:
            cleaning.purge_history(now=timezone.now())
            forget_old_keys(now=timezone.now())
            call_command("clearsessions")
            self.purged_at = now
