"""Which integrations and tables the rows of a billing period came from (app.md 10.1, 13.1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import F, QuerySet, Sum
from django.db.models.functions import Lower

from accounts.models import Account
from accounts.models.account import BILLING_PERIOD
from accounts.services.usage import PREVIOUS_CYCLES
from integrations.models import Integration

SORTS = {
    "name": ["name", "integration_id"],
    "table": ["table_name", "name", "integration_id"],
    "rows": ["total", "name", "integration_id"],
    "free": ["free", "name", "integration_id"],
    "counted": ["counted", "name", "integration_id"],
}
COLUMNS = ("integration", "schema_name", "deleted", "table", "rows", "free_rows", "counted_rows")


@dataclass(frozen=True, slots=True)
class Span:
    """One billing period, as people choose it."""

    periods_ago: int
    first_day: date
    after_last: date

    @property
    def last_day(self) -> date:
        return self.after_last - timedelta(days=1)


def spans_of(account: Account, *, now: datetime) -> list[Span]:
    """Return the running billing period and those before it that are kept, as far as the account has any."""
    opened = account.created_at.date()
    spans = []
    for ago in range(PREVIOUS_CYCLES + 1):
        first_day, after_last = account.billing_days(now - ago * BILLING_PERIOD)
        if after_last > opened or ago == 0:
            spans.append(Span(ago, first_day, after_last))
    return spans


def usage_breakdown(
    *,
    account: Account,
    span: Span,
    by_table: bool,
    integration: Integration | None = None,
    sort: str = "-rows",
) -> QuerySet[Any]:
    """Return the rows of a period by integration, or by integration and root table; deleted ones too."""
    rows = account.daily_rows.filter(day__gte=span.first_day, day__lt=span.after_last)
    if integration is not None:
        rows = rows.filter(integration=integration)
    keys = [
        "integration_id",
        "integration__display_name",
        "integration__schema_name",
        "integration__deleted_at",
    ]
    if by_table:
        keys.append("table_name")
    name = sort.removeprefix("-")
    fields = [field for field in SORTS.get(name, SORTS["rows"]) if by_table or field != "table_name"]
    first, *others = fields
    found = (
        rows.order_by()
        .values(*keys)
        .annotate(
            total=Sum("rows"),
            free=Sum("free_rows"),
            counted=Sum("rows") - Sum("free_rows"),
            name=Lower("integration__display_name"),
        )
    )
    order = [F(first).desc() if sort.startswith("-") else F(first).asc(), *others]
    ordered: QuerySet[Any] = found.order_by(*order, *(["table_name"] if by_table else []))
    return ordered


def csv_rows(found: QuerySet[Any], *, span: Span) -> Iterator[list[str]]:
    """Yield the head and one line for each row of the breakdown."""
    yield ["first_day_utc", "last_day_utc", *COLUMNS]
    for row in found.iterator(chunk_size=1000):
        yield [
            str(span.first_day),
            str(span.last_day),
            row["integration__display_name"],
            row["integration__schema_name"],
            "yes" if row["integration__deleted_at"] else "no",
            row.get("table_name", ""),
            str(row["total"]),
            str(row["free"]),
            str(row["counted"]),
        ]
