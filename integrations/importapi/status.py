"""Whether data can be taken now, and which version says so (import-api.md 2.2)."""

import tomllib
from pathlib import Path

from integrations.queue.accepting import queue_is_full


def _version() -> str:
    project = Path(__file__).resolve().parents[2] / "pyproject.toml"
    return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])


VERSION = _version()


def reason_to_refuse_data() -> str | None:
    """Return why requests with data are refused at the moment; None when they are taken."""
    return "The queue is full." if queue_is_full() else None
