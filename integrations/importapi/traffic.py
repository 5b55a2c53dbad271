"""What the log of requests tells of one, collected while it is served (decision D32).

A request whose token is unknown belongs to nobody, and nothing of it is collected (D29).
"""

import time
import uuid
from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from integrations.importapi.bodies import declared_size
from integrations.models import AccessToken
from integrations.queue.indexing import shown_name
from integrations.services.request_log import REPEATED, AnsweredRequest, note_request
from stitchapp import request_facts

MOST_TABLES = 100


class Facts:
    """What is known of a request so far."""

    __slots__ = ("reason", "records", "size", "tables", "token")

    def __init__(self, token: AccessToken, reason: str) -> None:
        self.token = token
        self.reason = reason
        self.records: int | None = None
        self.size: int | None = None
        self.tables: tuple[str, ...] = ()


def note_token(request: HttpRequest, token: AccessToken | None, *, reason: str = "") -> None:
    """Say whose request it is; with why the token does not admit it when that is so."""
    if token is not None:
        request.traffic = Facts(token, reason)  # type: ignore[attr-defined]


def note_size(request: HttpRequest, size: int) -> None:
    """Say how long the body is, decompressed."""
    _facts(request).size = size


def note_parsed(request: HttpRequest, tables: Sequence[tuple[str, int]]) -> None:
    """Say what the body holds: its tables, each with the number of its records."""
    facts = _facts(request)
    facts.tables = tuple(name for name, _ in tables[:MOST_TABLES])
    facts.records = sum(records for _, records in tables)


def note_tables(request: HttpRequest, names: Sequence[str]) -> None:
    """Say which tables a refused body is for, as far as that is known."""
    if names:
        _facts(request).tables = tuple(names[:MOST_TABLES])


def note_answer(request: HttpRequest, response: HttpResponse, *, endpoint: str, begun: float) -> None:
    """Log a request that is answered, if its token is known; `begun` by the clock of `time.perf_counter`."""
    facts: Facts | None = getattr(request, "traffic", None)
    if facts is None:
        return
    seconds = time.perf_counter() - begun
    about, receipt = request_facts.current(), response.get("X-Batch-Id")
    repeated = REPEATED if "Idempotent-Replayed" in response else ""
    note_request(
        AnsweredRequest(
            account_id=facts.token.account_id,
            integration_id=facts.token.integration_id,
            token_id=facts.token.pk,
            at=timezone.now(),
            address=about.address,
            client=about.client,
            endpoint=endpoint,
            tables=tuple(shown_name(name) for name in facts.tables),
            records=facts.records,
            size=declared_size(request) if facts.size is None else facts.size,
            status=response.status_code,
            reason=facts.reason or response.get("X-Error-Code") or repeated,
            pointer=response.get("X-Error-Pointer", ""),
            seconds=seconds,
            receipt=uuid.UUID(receipt) if receipt else None,
            request_id=about.request_id,
        )
    )


def _facts(request: HttpRequest) -> Facts:
    facts: Facts = request.traffic  # type: ignore[attr-defined]
    return facts
