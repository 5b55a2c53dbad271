"""Copy the data into a folder that can be started from, while the product runs (promise O3)."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from integrations.queue.backup import BackupFailed, back_up
from integrations.queue.presence import StillLoading

WAIT_SECONDS = 120.0


class Command(BaseCommand):
    help = "Copy databases, waiting data and embedded warehouses into a new folder. Intake goes on meanwhile."

    def add_arguments(self, parser):
        parser.add_argument("folder", type=Path, help="a folder that does not exist yet")
        parser.add_argument(
            "--wait", type=float, default=WAIT_SECONDS, help="seconds to wait for loads in hand"
        )
        parser.add_argument(
            "--pg-dump", default="pg_dump", help="PostgreSQL's pg_dump, when it is not on the path"
        )

    def handle(self, *args, folder: Path, wait: float, pg_dump: str, **options):
        try:
            copied = back_up(folder, wait_seconds=wait, pg_dump=pg_dump)
        except BackupFailed as error:
            raise CommandError(str(error)) from error
        except StillLoading as error:
            raise CommandError(
                f"A load in hand did not end within {wait:g} s; nothing was copied."
            ) from error
        self.stdout.write(f"Copied to {folder}: {', '.join(copied)}.")
