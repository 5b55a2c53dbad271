"""The log of requests with an integration's tokens: gathered after the answer, listed, and summed by day.

Unknown and malformed tokens belong to nobody, so they leave no line here (decision D29).
"""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, InterfaceError, OperationalError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, QuerySet

from integrations.models import Integration, ReceivedRequest, RequestDay
from integrations.models.received_request import LONGEST_POINTER, LONGEST_TABLES
from stitchapp.gathering import Gathering

WRITTEN_AT_ONCE = 500  # no transaction is long: batches are accepted into the same database
LARGEST_SIZE = 10**12  # a day of such requests still fits into a sum
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
    cuts.look_after(requests)
    return []


def write_some(requests: list[AnsweredRequest]) -> None:
    """Write lines and sums, all or none."""
    with transaction.atomic(using=settings.QUEUE_DATABASE):
        insert(requests)
        for (account_id, integration_id, day), sums in sums_by_day(requests).items():
            days = RequestDay.objects.filter(integration_id=integration_id, day=day)
            if not days.update(**{name: F(name) + number for name, number in sums.items()}):
                RequestDay.objects.create(
                    account_id=account_id, integration_id=integration_id, day=day, **sums
                )


def insert(requests: list[AnsweredRequest]) -> None:
    """Insert the lines by one prepared statement: a model instance for each would take several times as long."""
    connection = connections[settings.QUEUE_DATABASE]
    quote, lines = connection.ops.quote_name, [line_of(request, connection) for request in requests]
    table, columns = quote(ReceivedRequest._meta.db_table), ", ".join(map(quote, lines[0]))
    statement = f"INSERT INTO {table} ({columns}) VALUES ({', '.join(['%s'] * len(lines[0]))})"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.executemany(statement, [tuple(line.values()) for line in lines])


def line_of(request: AnsweredRequest, connection: BaseDatabaseWrapper) -> dict[str, Any]:
    """Return a request's row as the database takes it."""
    native_uuid = connection.features.has_native_uuid_field
    return {
        "account_id": request.account_id,
        "integration_id": request.integration_id,
        "token_id": request.token_id,
        "at": connection.ops.adapt_datetimefield_value(request.at),
        "address": connection.ops.adapt_ipaddressfield_value(request.address),
        "client": request.client,
        "endpoint": request.endpoint,
        "tables": "\n".join(request.tables)[:LONGEST_TABLES],
        "records": request.records,
        "size": size_of(request),
        "status": request.status,
        "reason": request.reason,
        "pointer": request.pointer[:LONGEST_POINTER],
        "microseconds": round(request.seconds * 1_000_000),
        "receipt": request.receipt if native_uuid or request.receipt is None else request.receipt.hex,
        "request_id": request.request_id,
    }


def size_of(request: AnsweredRequest) -> int | None:
    """Return the bytes of a body; none where its sender declared what nobody could send."""
    return None if request.size is None or request.size > LARGEST_SIZE else request.size


def sums_by_day(requests: list[AnsweredRequest]) -> dict[tuple[int, int, date], dict[str, int]]:
    """Return what the requests add to each integration's UTC day."""
    days: dict[tuple[int, int, date], dict[str, int]] = defaultdict(lambda: dict.fromkeys(SUMS, 0))
    for request in requests:
        sums = days[request.account_id, request.integration_id, request.at.astimezone(UTC).date()]
        sums["accepted" if request.status < 400 else "refused" if request.status < 500 else "failed"] += 1
        stored = request.receipt is not None and request.reason != REPEATED
        sums["records"] += (request.records or 0) if stored else 0
        sums["size"] += size_of(request) or 0
    return dict(days)


def requests_of(*, integration: Integration, now: datetime) -> QuerySet[ReceivedRequest]:
    """Return the integration's listed requests within the plan's report days, newest first."""
    oldest = integration.account.reports_since(now)
    return ReceivedRequest.objects.filter(integration_id=integration.pk, at__gt=oldest).order_by("-at", "-pk")


def request_days(*, integration: Integration, now: datetime) -> QuerySet[RequestDay]:
    """Return the sums of the days within the plan's report days, newest first."""
    oldest = now.astimezone(UTC).date() - timedelta(days=integration.account.plan.report_days - 1)
    begin = integration.account.reports_begin_at
    oldest = oldest if begin is None else max(oldest, begin.astimezone(UTC).date())
    return RequestDay.objects.filter(integration_id=integration.pk, day__gte=oldest).order_by("-day")


def unlisted(*, integration: Integration, days: list[RequestDay]) -> int:
    """Return how many requests of these days are only in the sums any more."""
    if not days:
        return 0
    first = datetime.combine(days[-1].day, datetime.min.time(), UTC)
    listed = ReceivedRequest.objects.filter(integration_id=integration.pk, at__gte=first).count()
    return max(sum(day.accepted + day.refused + day.failed for day in days) - listed, 0)


class Cuts:
    """Deletes lines beyond those kept while they are written: an hour of fast senders would fill a disk."""

    def __init__(self) -> None:
        self._written: Counter[int] = Counter()  # by integration, since its lines were last cut

    def look_after(self, requests: list[AnsweredRequest]) -> None:
        """Cut each integration's lines once as many were written as a tenth of those kept."""
        self._written.update(request.integration_id for request in requests)
        for integration_id, lines in list(self._written.items()):
            if lines * 10 > settings.REQUESTS_KEPT:
                cut(integration_id)
                del self._written[integration_id]


def cut(integration_id: int) -> None:
    """Keep an integration's newest requests that brought data, as many that only asked, and as many refused ones.

    They are counted apart: a program that goes on with a revoked token, or asks for its receipts again and again,
    cannot push out what was accepted.
    """
    requests = ReceivedRequest.objects.filter(integration_id=integration_id).order_by("-at")
    good = requests.accepted()
    for some in (good.exclude(receipt=None), good.filter(receipt=None), requests.not_accepted()):
        newest = some.values_list("at", flat=True)
        oldest_kept = newest[settings.REQUESTS_KEPT - 1 : settings.REQUESTS_KEPT].first()
        while oldest_kept is not None:
            pks = list(some.filter(at__lt=oldest_kept).values_list("pk", flat=True)[:WRITTEN_AT_ONCE])
            if not pks:
                break
            ReceivedRequest.objects.filter(pk__in=pks).delete()


cuts = Cuts()
gathered = Gathering("request", write)
