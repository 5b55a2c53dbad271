"""Whether data can be taken now, which version says so, and how much of it (import-api.md 2.2 and 3.1)."""

import tomllib
from pathlib import Path

from django.conf import settings

from integrations.importapi import refusals
from integrations.queue.accepting import queue_is_full
from integrations.queue.repeats import KEPT_FOR


def _version() -> str:
    project = Path(__file__).resolve().parents[2] / "pyproject.toml"
    return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])


VERSION = _version()


def reason_to_refuse_data() -> str | None:
    """Return why requests with data are refused at the moment; None when they are taken."""
    return "The queue is full." if queue_is_full() else None


def limits() -> dict[str, int | None]:
    """Return what this server takes at most; each figure carries its unit in its name. None: no limit."""
    return {
        "max_body_bytes": settings.MAX_BODY_BYTES,
        "max_records": refusals.MAX_RECORDS,
        "max_data_points": refusals.MAX_DATA_POINTS,
        "max_string_key_characters": refusals.MAX_STRING_KEY,
        "min_sequence": refusals.MIN_SEQUENCE,
        "max_sequence": refusals.MAX_SEQUENCE,
        "max_idempotency_key_characters": refusals.MAX_IDEMPOTENCY_KEY,
        "idempotency_key_hours": int(KEPT_FOR.total_seconds() // 3600),
        "queue_max_bytes": settings.QUEUE_MAX_BYTES,
        "token_requests_per_second": settings.TOKEN_REQUESTS_PER_SECOND or None,
        "account_requests_per_second": settings.ACCOUNT_REQUESTS_PER_SECOND or None,
        "token_bytes_per_minute": settings.TOKEN_BYTES_PER_MINUTE or None,
        "account_bytes_per_minute": settings.ACCOUNT_BYTES_PER_MINUTE or None,
        "queue_max_records": settings.QUEUE_MAX_RECORDS,
    }
