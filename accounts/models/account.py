"""The company's tenant: its plan, its region, its people."""

import secrets
from datetime import date, datetime, timedelta

from django.db import models
from django.utils import timezone

from accounts.models.plan import Plan

BILLING_PERIOD = timedelta(days=30)


class Region(models.TextChoices):
    """Where an account's pipeline runs; chosen once (app.md 5.2)."""

    NORTH_AMERICA = "us", "North America"
    EUROPE = "eu", "Europe"

    @property
    def provider_region(self) -> str:
        return {"us": "AWS us-east-1", "eu": "AWS eu-central-1"}[self.value]


# Nothing of such an account is loaded.
ON_HOLD = models.Q(destinations_held_at__isnull=False) | models.Q(staff_held_at__isnull=False)


def new_client_id() -> int:
    """Propose a six-digit client ID; the unique column decides."""
    return 100_000 + secrets.randbelow(900_000)


class AccountQuerySet(models.QuerySet):
    def on_hold(self) -> "AccountQuerySet":
        return self.filter(ON_HOLD)


class Account(models.Model):
    """A tenant. Everything it owns carries its key."""

    client_id = models.PositiveIntegerField(unique=True, default=new_client_id)
    company_name = models.CharField(max_length=255)
    region = models.CharField(max_length=2, choices=Region.choices)
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="accounts")
    trial_started_at = models.DateTimeField(null=True, blank=True, help_text="When the first row was loaded.")
    trial_ended_at = models.DateTimeField(
        null=True, blank=True, help_text="When the end of the trial was carried out."
    )
    period_anchor = models.DateTimeField(default=timezone.now, help_text="A billing period began here.")
    closed_at = models.DateTimeField(
        null=True, blank=True, help_text="Since when nothing runs and nobody works in it."
    )
    deletes_at = models.DateTimeField(
        null=True, blank=True, help_text="When a closed account is deleted; until then it can be reopened."
    )
    deleted_at = models.DateTimeField(
        null=True, blank=True, help_text="When all that it owned was deleted; its trail stays."
    )
    two_factor_required_at = models.DateTimeField(
        null=True, blank=True, help_text="Since when every member needs two-factor authentication."
    )
    created_at = models.DateTimeField(default=timezone.now)
    reports_begin_at = models.DateTimeField(
        null=True, blank=True, help_text="Reports from before were lost in a downgrade."
    )
    destinations_held_at = models.DateTimeField(
        null=True, blank=True, help_text="On hold for having more destinations than the plan has room for."
    )
    staff_held_at = models.DateTimeField(null=True, blank=True, help_text="On hold by staff.")
    staff_hold_reason = models.CharField(max_length=255, blank=True)

    objects = AccountQuerySet.as_manager()

    class Meta:
        permissions = [("hold_account", "Can put an account on hold and lift it")]
        indexes = [models.Index(fields=["id"], condition=ON_HOLD, name="account_on_hold")]

    def __str__(self) -> str:
        return f"{self.company_name} ({self.client_id})"

    @property
    def trial_ends_at(self) -> datetime | None:
        """When the trial is over; None on a plan without one, or before its first loaded row."""
        return self.trial_end_on(self.plan)

    def trial_end_on(self, plan: Plan) -> datetime | None:
        """Return when a trial would be over on the plan."""
        if plan.trial_days is None or self.trial_started_at is None:
            return None
        return self.trial_started_at + timedelta(days=plan.trial_days)

    def trial_is_over(self, now: datetime, *, plan: Plan | None = None) -> bool:
        ends_at = self.trial_end_on(plan or self.plan)
        return ends_at is not None and ends_at <= now

    @property
    def is_on_hold(self) -> bool:
        return self.destinations_held_at is not None or self.staff_held_at is not None

    def reports_since(self, now: datetime) -> datetime:
        """Return from when on reports are shown: the plan's days, less what a downgrade took."""
        since = now - timedelta(days=self.plan.report_days)
        return since if self.reports_begin_at is None else max(since, self.reports_begin_at)

    def billing_period(self, now: datetime) -> tuple[datetime, datetime]:
        """Return (start, end) of the 30-day period that `now` falls into (app.md 13.1)."""
        start = self.period_anchor + BILLING_PERIOD * ((now - self.period_anchor) // BILLING_PERIOD)
        return start, start + BILLING_PERIOD

    def billing_days(self, now: datetime) -> tuple[date, date]:
        """Return (first day, day after the last) of the period: usage is kept by UTC day, a day in one period."""
        start, end = self.billing_period(now)
        return start.date(), end.date()
