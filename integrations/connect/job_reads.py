"""The documented limit of reads about jobs, which an operator may switch on (connect-api.md 1.7)."""

import math
import time
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest

from integrations.connect.responses import Refusal
from integrations.importapi.rate_limits import buckets

WINDOW = 600  # seconds
NUMBER = 5  # the limits of the Import API have the numbers before it
MESSAGE = "Rate limit exceeded for resource type jobs"


def note_job_read(request: HttpRequest) -> None:
    """Count a read of extractions, logs or loads; refuse it while the account has used its quota up."""
    quota = settings.JOB_READS_PER_TEN_MINUTES
    if not quota:
        return
    each = WINDOW / quota
    key = NUMBER << 56 | request.account.pk
    shared = buckets(Path(settings.DATA_DIR))
    with shared.locked():
        now = time.monotonic()
        full_in = max(shared.read(key) - now, 0.0)
        wait = full_in + each - WINDOW
        if wait <= 0:
            shared.write(key, now + full_in + each)
            return
    body = {"error": {"type": "rate_limited", "message": MESSAGE}}
    raise Refusal(429, body, headers={"Retry-After": str(math.ceil(wait))})
