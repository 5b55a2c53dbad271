"""The loader: moves accepted batches into their destinations until it is told to end."""

import signal

from django.core.management.base import BaseCommand

from integrations.queue.working import LoaderProcess


class Command(BaseCommand):
    help = "Load accepted batches into their destinations. Ends on SIGTERM, after the loads in hand."
    requires_system_checks = ()  # they load every page, which this program never shows

    def add_arguments(self, parser):
        parser.add_argument("--once", action="store_true", help="load what is due, then end")

    def handle(self, *args, once: bool, **options):
        process = LoaderProcess()
        if once:
            process.drain()
        else:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, process.end_soon)
            process.run()
