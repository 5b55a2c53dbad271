"""Is the process up, and may it take traffic? (promise O4)"""

import shutil
import sqlite3

from django.conf import settings
from django.db import DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from accounts.access import public
from integrations.queue.accepting import queue_is_full

SOUND_SQLITE = (3, 51, 3)  # older ones can damage a database that two processes checkpoint (decision D26)


@public
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@public
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """The databases answer, their migrations are applied, and disk and queue have room."""
    problems = [*database_problems(), *disk_problems(), *queue_problems()]
    return JsonResponse(
        {"status": "unready" if problems else "ok", "problems": problems, "warnings": list(warnings())},
        status=503 if problems else 200,
    )


def database_problems():
    """Yield a sentence for each database that does not answer or misses migrations."""
    for alias in connections:
        try:
            executor = MigrationExecutor(connections[alias])
            missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
        except DatabaseError:
            yield f"database {alias} does not answer"
            continue
        if missing:
            yield f"database {alias} misses {len(missing)} migrations"


def disk_problems():
    """Yield a sentence when less than QUEUE_MIN_FREE_BYTES is free under DATA_DIR."""
    free = shutil.disk_usage(settings.DATA_DIR).free
    if free < settings.QUEUE_MIN_FREE_BYTES:
        yield f"only {free} bytes are free, {settings.QUEUE_MIN_FREE_BYTES} are needed"


def queue_problems():
    """Yield a sentence when data would be refused because too much waits."""
    if queue_is_full():
        yield f"the queue is past its cap of {settings.QUEUE_MAX_BYTES} bytes or {settings.QUEUE_MAX_RECORDS} records"


def warnings():
    """Yield what does not stop the server, but should be known."""
    uses_sqlite = any(connections[alias].vendor == "sqlite" for alias in connections)
    if uses_sqlite and sqlite3.sqlite_version_info < SOUND_SQLITE:
        yield f"SQLite {sqlite3.sqlite_version} is older than 3.51.3: use PostgreSQL in production"
