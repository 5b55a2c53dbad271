"""The log of requests with an integration's tokens: gathered after the answer, listed, and summed by day.

Unknown and malformed tokens belong to nobody, so they leave no line here (decision D29).
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.db.models import F, QuerySet

from integrations.models import Integration, ReceivedRequest, RequestDay
from integrations.models.received_request import LONGEST_POINTER, LONGEST_TABLES
from stitchapp.gathering import Gathering

WRITTEN_AT_ONCE = 500  # no transaction is long: batches are accepted into the same database
SUMS = ("accepted", "refused", "failed", "records", "size")
REPEATED = "repeated"  # the reason of a request whose batch was stored before, under the same Idempotency-Key
KEPT_FOR = timedelta(days=60)  # the most that a plan shows (app.md 13.2)


@dataclass(frozen=True, slots=True)
class AnsweredRequest:
    """A request that was answered, as the log tells it. `tables` holds names as they can be stored."""

    account_id: int
    integration_id: int
    token_id: int
    at: datetime
    address: str | None
    client: str
    endpoint: str
    tables: tuple[str, ...]
    records: int | None
    size: int | None
    status: int
    reason: str
    pointer: str
    seconds: float
    receipt: uuid.UUID | None
    request_id: str


def note_request(request: AnsweredRequest) -> None:
    """Keep a line for the log; it is written within a second, together with others."""
    gathered.add(request)


def write(requests: list[AnsweredRequest]) -> list[AnsweredRequest]:
    """Write lines and add to the sums of their days; return what the database did not take now."""
    for start in range(0, len(requests), WRITTEN_AT_ONCE):
        try:
            write_some(requests[start : start + WRITTEN_AT_ONCE])
        except (
            OperationalError,
            InterfaceError,
            IntegrityError,
        ):  # or another process made a day's row first
            return requests[start:]
    return []


def write_some(requests: list[AnsweredRequest]) -> None:
    """Write lines and sums, all or none."""
    with transaction.atomic(using=settings.QUEUE_DATABASE):
        ReceivedRequest.objects.bulk_create(line_of(request) for request in requests)
        for (account_id, integration_id, day), sums in sums_by_day(requests).items():
            days = RequestDay.objects.filter(integration_id=integration_id, day=day)
            if not days.update(**{name: F(name) + number for name, number in sums.items()}):
                RequestDay.objects.create(
                    account_id=account_id, integration_id=integration_id, day=day, **sums
                )


def line_of(request: AnsweredRequest) -> ReceivedRequest:
    """Return the row of a request."""
    return ReceivedRequest(
        account_id=request.account_id,
        integration_id=request.integration_id,
        token_id=request.token_id,
        at=request.at,
        address=request.address,
        client=request.client,
        endpoint=request.endpoint,
        tables="\n".join(request.tables)[:LONGEST_TABLES],
        records=request.records,
        size=request.size,
        status=request.status,
        reason=request.reason,
        pointer=request.pointer[:LONGEST_POINTER],
        microseconds=round(request.seconds * 1_000_000),
        receipt=request.receipt,
        request_id=request.request_id,
    )


def sums_by_day(requests: list[AnsweredRequest]) -> dict[tuple[int, int, date], dict[str, int]]:
    """Return what the requests add to each integration's UTC day."""
    days: dict[tuple[int, int, date], dict[str, int]] = defaultdict(lambda: dict.fromkeys(SUMS, 0))
    for request in requests:
        sums = days[request.account_id, request.integration_id, request.at.astimezone(UTC).date()]
        sums["accepted" if request.status < 400 else "refused" if request.status < 500 else "failed"] += 1
        stored = request.receipt is not None and request.reason != REPEATED
        sums["records"] += (request.records or 0) if stored else 0
        sums["size"] += request.size or 0
    return dict(days)


def requests_of(*, integration: Integration, now: datetime) -> QuerySet[ReceivedRequest]:
    """Return the integration's listed requests within the plan's report days, newest first."""
    oldest = now - timedelta(days=integration.account.plan.report_days)
    return ReceivedRequest.objects.filter(integration_id=integration.pk, at__gt=oldest).order_by("-at", "-pk")


def request_days(*, integration: Integration, now: datetime) -> QuerySet[RequestDay]:
    """Return the sums of the days within the plan's report days, newest first."""
    oldest = now.astimezone(UTC).date() - timedelta(days=integration.account.plan.report_days - 1)
    return RequestDay.objects.filter(integration_id=integration.pk, day__gte=oldest).order_by("-day")


def unlisted(*, integration: Integration, days: list[RequestDay]) -> int:
    """Return how many requests of these days are only in the sums any more."""
    if not days:
        return 0
    first = datetime.combine(days[-1].day, datetime.min.time(), UTC)
    listed = ReceivedRequest.objects.filter(integration_id=integration.pk, at__gte=first).count()
    return max(sum(day.accepted + day.refused + day.failed for day in days) - listed, 0)


gathered = Gathering("request", write)
