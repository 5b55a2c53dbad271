"""Is the process up, and may it take traffic? (promise O4)"""

import shutil

from django.conf import settings
from django.db import DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from accounts.access import public


@public
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@public
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """The databases answer, their migrations are applied and the disk has room."""
    problems = list(database_problems()) + list(disk_problems())
    return JsonResponse(
        {"status": "unready" if problems else "ok", "problems": problems}, status=503 if problems else 200
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
