"""Notifications as their page shows them: the name, the sentence, and where to go."""

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from accounts.models import Account
from integrations.models import Category, Kind, Level, Notification
from integrations.services.rejected_records import open_counts
from integrations.views.frame import url_of

EXTRACTIONS = tuple(
    kind.stored
    for kind in (
        Kind.SAAS_AUTHENTICATION_ERROR,
        Kind.DATABASE_INTEGRATION_ERROR,
        Kind.EXTRACTION_EXIT_STATUS,
        Kind.API_RATE_LIMIT,
    )
)
MISSING_KEY = Kind.MISSING_REPLICATION_KEY.stored
REJECTED, HOOK = Kind.REJECTED_RECORDS.stored, Kind.UNDELIVERABLE_HOOK.stored


@dataclass(frozen=True, slots=True)
class NotificationRow:
    """One notification. `records` counts rejected ones that still wait; `place` is where something can be done."""

    notification: Notification
    name: str
    level: Level
    records: int
    place: str
    place_url: str
    help_url: str


def notification_rows(
    notifications: list[Notification], *, account: Account, now: datetime
) -> list[NotificationRow]:
    """Return the rows of a page, in as many queries for many as for one."""
    rejected = any(each.kind == REJECTED for each in notifications)
    records = open_counts(account=account, now=now) if rejected else {}
    return [row_of(each, account, records) for each in notifications]


def row_of(notification: Notification, account: Account, records: dict[int, int]) -> NotificationRow:
    """Return the row of one notification."""
    integration, destination = notification.integration, notification.destination
    if integration is not None:
        integration.account = account
    place, place_url = place_of(notification, account)
    named = integration or destination
    return NotificationRow(
        notification=notification,
        name=named.display_name if named is not None else notification.facts.name,
        level=notification.facts.level,
        records=records.get(notification.integration_id, 0) if notification.kind == REJECTED else 0,
        place=place,
        place_url=place_url,
        help_url=help_of(notification),
    )


def place_of(notification: Notification, account: Account) -> tuple[str, str]:
    """Return the page where something can be seen or done about it: its name in a sentence, and its address."""
    integration, category = notification.integration, notification.facts.category
    if notification.kind == HOOK:
        settings_url = reverse("integrations:notification-settings", args=[account.client_id])
        return "your post-load hooks", f"{settings_url}#post-load-hooks"
    if category is Category.ACCOUNT:
        return "your plan and usage", reverse("accounts:billing", args=[account.client_id])
    if integration is not None and integration.deleted_at is None:
        if notification.kind == REJECTED:
            return "the rejected records", url_of(integration, "rejected-list")
        if notification.kind in EXTRACTIONS:
            return "the full extraction logs", url_of(integration, "integration-extractions")
        if notification.kind == MISSING_KEY:
            return "the tables to replicate", url_of(integration, "integration-tables")
        return "your loading reports", url_of(integration, "integration-loads")
    return "your destination", reverse("integrations:destination", args=[account.client_id])


def help_of(notification: Notification) -> str:
    """Return the address of the page that explains it."""
    if notification.kind == HOOK:
        return reverse("integrations:guide", args=["account/post-load-hooks"]) + "#retries"
    if notification.facts.category is Category.ACCOUNT:
        return reverse("integrations:guide", args=["account/notifications"])
    if notification.kind in EXTRACTIONS:
        return reverse("integrations:guide", args=["replication/schedules"]) + "#rules"
    return reverse("integrations:guide", args=["replication/loading"]) + "#messages"
