"""Rejected records as pages show them: by reason and field, one by one, and set aside for good."""

from __future__ import annotations

import json
import uuid
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Max, QuerySet
from django.utils import timezone

from accounts.audit import Event, record
from accounts.models import Account, User
from integrations.loading.decoding import decode_json
from integrations.loading.rejected import record_json
from integrations.models import Integration, Kind, RejectedCut, RejectedFormat, RejectedRecord, RejectedState
from integrations.models.rejected_record import RejectedRecordQuerySet
from integrations.services.locking import lock_integration
from integrations.services.notifications import clear_notification, raise_notification

CHANGED_AT_ONCE = 500
INDENT = 2


@dataclass(frozen=True, slots=True)
class RejectedGroup:
    """Records that were refused for the same thing."""

    group: str
    table_name: str
    reason: str
    field: str
    records: int
    newest_at: datetime


def rejected_records(*, integration: Integration, now: datetime) -> RejectedRecordQuerySet:
    """Return the integration's rejected records within the plan's report days."""
    oldest = now - timedelta(days=integration.account.plan.report_days)
    records = RejectedRecord.objects.known()
    return records.filter(integration_id=integration.pk, rejected_at__gt=oldest)


def rejected_groups(records: QuerySet[RejectedRecord]) -> list[RejectedGroup]:
    """Return what the records were refused for, the latest first."""
    rows = (
        records.order_by()
        .values("group", "table_name", "reason_group", "field")
        .annotate(number=Count("pk"), newest_at=Max("rejected_at"))
        .order_by("-newest_at", "table_name", "group")
    )
    return [
        RejectedGroup(
            row["group"],
            row["table_name"],
            row["reason_group"],
            row["field"],
            row["number"],
            row["newest_at"],
        )
        for row in rows
    ]


def state_counts(records: QuerySet[RejectedRecord]) -> dict[str, int]:
    """Return how many of the records stand how."""
    return dict(records.order_by().values_list("state").annotate(number=Count("pk")))


def open_count(*, integration: Integration, now: datetime) -> int:
    """Return how many rejected records wait for somebody."""
    number: int = rejected_records(integration=integration, now=now).open().count()
    return number


def open_counts(*, account: Account, now: datetime) -> dict[int, int]:
    """Return how many rejected records wait for somebody, by the integration's key; none where there are none."""
    oldest = now - timedelta(days=account.plan.report_days)
    return dict(
        RejectedRecord.objects.open()
        .filter(account_id=account.pk, rejected_at__gt=oldest)
        .order_by()
        .values_list("integration_id")
        .annotate(number=Count("pk"))
    )


def tell_rejected(*, integration: Integration, now: datetime) -> None:
    """Let the account's notifications say whether rejected records of the integration wait for somebody."""
    account, cause = integration.account, f"rejected:{integration.pk}"
    if integration.deleted_at is None and open_count(integration=integration, now=now):
        raise_notification(
            account=account,
            kind=Kind.REJECTED_RECORDS,
            cause=cause,
            message=f"Some records of {integration.display_name} could not be loaded; the rest was.",
            integration=integration,
            now=now,
        )
    else:
        clear_notification(account=account, kind=Kind.REJECTED_RECORDS, cause=cause, now=now)


def cut_records(*, integration: Integration, now: datetime) -> int:
    """Return how many records were let go because there were more than an integration may keep."""
    oldest = now - timedelta(days=integration.account.plan.report_days)
    cut = RejectedCut.objects.filter(integration_id=integration.pk, cut_at__gt=oldest).first()
    return cut.records if cut is not None else 0


def rejected_by_batch(*, integration: Integration, receipt: uuid.UUID) -> int:
    """Return how many records of a batch are kept as rejected."""
    return RejectedRecord.objects.known().filter(integration_id=integration.pk, receipt=receipt).count()


def replayed_by_batch(*, integration: Integration, receipt: uuid.UUID) -> int:
    """Return how many rejected records a batch sent again; 0 for a sender's batch."""
    return RejectedRecord.objects.filter(integration_id=integration.pk, replay_receipt=receipt).count()


def people(*, ids: set[int]) -> dict[int, User]:
    """Return the members who closed records."""
    return User.objects.in_bulk(ids) if ids else {}


def message_of(rejected: RejectedRecord) -> dict[str, Any]:
    """Return the message that brought a record, as it would be sent again."""
    message: dict[str, Any] = decode_json(zlib.decompress(rejected.message))  # type: ignore[assignment]
    return message


def content_of(shared: RejectedFormat) -> dict[str, Any]:
    """Return the table's name, its key and its schema as their sender wrote them."""
    content: dict[str, Any] = decode_json(zlib.decompress(shared.content))  # type: ignore[assignment]
    return content


def pretty(value: Any) -> str:
    """Return a record as indented JSON; numbers keep their digits."""
    compact = record_json(value)
    try:
        parsed = json.loads(compact, parse_float=_Digits, parse_int=_Digits)
    except (ValueError, RecursionError):
        return compact.decode("utf-8", "replace")
    return "".join(_lines(parsed, 0))


class _Digits(str):
    """A number as it is written."""


def _lines(value: Any, depth: int) -> list[str]:
    inner, outer = "\n" + " " * INDENT * (depth + 1), "\n" + " " * INDENT * depth
    if isinstance(value, dict) and value:
        pieces = ["{"]
        for name, child in value.items():
            pieces += [inner, json.dumps(name, ensure_ascii=False), ": ", *_lines(child, depth + 1), ","]
        return [*pieces[:-1], outer, "}"]
    if isinstance(value, list) and value:
        pieces = ["["]
        for child in value:
            pieces += [inner, *_lines(child, depth + 1), ","]
        return [*pieces[:-1], outer, "]"]
    if isinstance(value, _Digits):
        return [value]
    text = json.dumps(value, ensure_ascii=False)
    return [text.encode("utf-8", "backslashreplace").decode()]


def dismiss_rejected(*, integration: Integration, actor: User, chosen: QuerySet[RejectedRecord]) -> int:
    """Set open records aside for good; return how many. They are kept as long as the others."""
    return _move(
        integration, actor, chosen, RejectedState.OPEN, RejectedState.DISMISSED, Event.REJECTED_DISMISSED
    )


def reopen_rejected(*, integration: Integration, actor: User, chosen: QuerySet[RejectedRecord]) -> int:
    """Open dismissed records again; return how many."""
    return _move(
        integration, actor, chosen, RejectedState.DISMISSED, RejectedState.OPEN, Event.REJECTED_REOPENED
    )


def _move(
    integration: Integration,
    actor: User,
    chosen: QuerySet[RejectedRecord],
    before: RejectedState,
    after: RejectedState,
    event: Event,
) -> int:
    closes = after is RejectedState.DISMISSED
    closed = {"closed_at": timezone.now() if closes else None, "closed_by_id": actor.pk if closes else None}
    moved = 0
    with transaction.atomic(using=settings.QUEUE_DATABASE):
        pks = list(chosen.filter(state=before).values_list("pk", flat=True))
        for start in range(0, len(pks), CHANGED_AT_ONCE):
            some = RejectedRecord.objects.filter(pk__in=pks[start : start + CHANGED_AT_ONCE], state=before)
            moved += some.update(state=after, **closed)
        if moved:
            with transaction.atomic():
                current = lock_integration(integration)
                record(
                    event,
                    account=current.account,
                    actor=actor,
                    target=current,
                    target_name=current.display_name,
                    records=moved,
                )
                tell_rejected(integration=current, now=timezone.now())
    return moved
