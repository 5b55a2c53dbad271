"""The background worker: mails, hooks and timed work, until it is told to end."""

import signal
import sys

from django.conf import settings
from django.core.management.base import BaseCommand

from accounts.services.workers import WorkerProcess


class Command(BaseCommand):
    help = "Carry out background work: mails, hooks, timed work. Ends on SIGTERM, after what is in hand."
    requires_system_checks = ()  # they load every page, which this program never shows

    def add_arguments(self, parser):
        parser.add_argument("--once", action="store_true", help="do what is due, then end")

    def handle(self, *args, once: bool, **options):
        process = WorkerProcess()
        if once:
            process.drain()
        else:
            if "stitchapp.urls" not in sys.modules:  # `manage.py run` has loaded them all, for all programs
                settings.ROOT_URLCONF = (
                    "stitchapp.page_urls"  # links are made here, and no request is answered
                )
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, process.end_soon)
            process.run()
