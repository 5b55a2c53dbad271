"""Everything at once, on this machine: `make run`."""

import json
import os
import socket
import sys
from hashlib import sha256
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from django.db.migrations.executor import MigrationExecutor


class Command(BaseCommand):
    help = "Prepare the databases and the static files, then run web server, loader and worker until Ctrl-C."

    def handle(self, *args, **options):
        host, _, port = settings.BIND.rpartition(":")
        address = (host.strip("[]") or "127.0.0.1", int(port))
        require_free(address)
        migrate_what_is_missing()
        collect_what_changed()
        connections.close_all()
        plan = {
            "programs": {
                "web server": ["gunicorn", "-c", "python:stitchapp.gunicorn", "stitchapp.wsgi"],
                "loader": ["manage.py", "load_batches"],
                "worker": ["manage.py", "run_jobs"],
            },
            "address": address,
            "greeting": f"{settings.PRODUCT_NAME} runs at http://{host}:{port} (Ctrl-C ends it)",
        }
        os.chdir(settings.BASE_DIR)
        environment = os.environ | {
            "SUPERVISOR_PLAN": json.dumps(plan),
            # Every thread of glibc's own arena would keep what one large request once needed.
            "MALLOC_ARENA_MAX": os.environ.get("MALLOC_ARENA_MAX", "2"),
            "PYTHONUNBUFFERED": "1",
        }
        self.stdout.flush()
        # The same process goes on as another program, which gives back the memory that preparing took.
        os.execve(sys.executable, [sys.executable, "-m", "stitchapp.splitting"], environment)  # noqa: S606


def migrate_what_is_missing() -> None:
    """Bring each database up to date; looking takes a tenth of the time that migrating nothing takes."""
    for alias in connections:
        executor = MigrationExecutor(connections[alias])
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            call_command("migrate", database=alias, interactive=False, verbosity=0)


def collect_what_changed() -> None:
    """Collect the static files, unless they are the ones that were collected last."""
    stamp = settings.DATA_DIR / "static.stamp"
    now = fingerprint_of_static_files()
    if not stamp.exists() or stamp.read_text() != now:
        call_command("collectstatic", interactive=False, verbosity=0)
        stamp.write_text(now)


def fingerprint_of_static_files() -> str:
    """Identify the state of all static files by their names, sizes and times."""
    state = sha256()
    for finder in get_finders():
        for name, storage in sorted(finder.list([]), key=lambda found: found[0]):
            file = Path(storage.path(name)).stat()
            state.update(f"{name} {file.st_size} {file.st_mtime_ns}\n".encode())
    return state.hexdigest()


def require_free(address: tuple[str, int]) -> None:
    """Refuse to start where somebody else listens."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            raise CommandError(
                f"Cannot listen on {address[0]}:{address[1]}: {error.strerror}. "
                "Choose another port, for example: PORT=8001 make run"
            ) from error
