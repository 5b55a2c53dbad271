"""The newest extraction of each source, and the newest check of each (connect-api.md 2.4, 2.9)."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Max, Q, QuerySet

from accounts.models import Account
from integrations.models import Integration, Job, JobMode

SHOWN = timedelta(days=60)


def newest_extractions(*, account: Account, now: datetime, running: bool = False) -> QuerySet[Job]:
    """Return one extraction for each source, by the source's number: its last that ended, if within 60 days.

    With `running` one that still runs takes the place of the one before it.
    """
    shown = Q(completed_at__gte=now - SHOWN)
    if running:
        shown |= Q(completed_at=None)
    jobs = account.jobs.filter(shown, mode=JobMode.SYNC)
    newest = jobs.order_by().values("integration").annotate(newest=Max("pk")).values("newest")
    found: QuerySet[Job] = (
        account.jobs.filter(pk__in=newest).select_related("integration").order_by("integration_id")
    )
    return found


def last_check(*, integration: Integration) -> Job | None:
    """Return the source's newest connection check, running or over; None when there never was one."""
    found: Job | None = integration.jobs.filter(mode=JobMode.CHECK).order_by("-pk").first()
    return found


def last_checks(*, account: Account, integrations: Iterable[Integration]) -> dict[int, str]:
    """Return the names of the newest connection checks, by integration."""
    checks = account.jobs.filter(mode=JobMode.CHECK, integration__in=integrations).order_by()
    newest = checks.values("integration").annotate(newest=Max("pk")).values("newest")
    return dict(account.jobs.filter(pk__in=newest).values_list("integration_id", "name"))
