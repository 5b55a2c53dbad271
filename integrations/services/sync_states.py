"""How an integration's replication stands, in the words of the Dashboard and the Summary (app.md 9.1, 10.1)."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Max

from accounts.models import Account
from integrations.models import Integration, Job, JobMode

PENDING, IN_PROGRESS, NOT_SYNCING = "Pending", "In Progress", "Not Syncing"


def newest_jobs(*, account: Account) -> dict[int, Job]:
    """Return the newest extraction of each of the account's integrations, running or over, in one query."""
    newest = (
        account.jobs.filter(mode=JobMode.SYNC).order_by().values("integration").annotate(newest=Max("pk"))
    )
    jobs = account.jobs.filter(pk__in=newest.values("newest"))
    return {job.integration_id: job for job in jobs.defer("rows", "tap_description", "target_description")}


def standing_word(integration: Integration, newest: Job | None, now: datetime) -> str:
    """Return Pending while an extraction is being scheduled, In Progress while one runs, nothing otherwise."""
    if newest is not None and newest.is_open:
        return PENDING if newest.started_at is None else IN_PROGRESS
    due = integration.next_run_at is not None and (newest is None or integration.next_run_at <= now)
    return PENDING if due else ""


def sync_status(integration: Integration, newest: Job | None, now: datetime) -> str:
    """Return the Sync status of a source that a tap reads; between two extractions the next one is pending."""
    standing = standing_word(integration, newest, now)
    if standing:
        return standing
    return PENDING if integration.is_configured and not integration.is_paused else NOT_SYNCING
