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


def new_client_id() -> int:
    """Propose a six-digit client ID; the unique column decides."""
    return 100_000 + secrets.randbelow(900_000)


class Account(models.Model):
    """A tenant. Everything it owns carries its key."""

    client_id = models.PositiveIntegerField(unique=True, default=new_client_id)
    company_name = models.CharField(max_length=255)
    region = models.CharField(max_length=2, choices=Region.choices)
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="accounts")
    trial_started_at = models.DateTimeField(null=True, blank=True, help_text="When the first row was loaded.")
    period_anchor = models.DateTimeField(default=timezone.now, help_text="A billing period began here.")
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.company_name} ({self.client_id})"

    @property
    def trial_ends_at(self) -> datetime | None:
        """When the trial is over; None on a plan without one, or before its first loaded row."""
        if self.plan.trial_days is None or self.trial_started_at is None:
            return None
        return self.trial_started_at + timedelta(days=self.plan.trial_days)

    def trial_is_over(self, now: datetime) -> bool:
        return self.trial_ends_at is not None and self.trial_ends_at <= now

    def billing_period(self, now: datetime) -> tuple[datetime, datetime]:
        """Return (start, end) of the 30-day period that `now` falls into (app.md 13.1)."""
        start = self.period_anchor + BILLING_PERIOD * ((now - self.period_anchor) // BILLING_PERIOD)
        return start, start + BILLING_PERIOD

    def billing_days(self, now: datetime) -> tuple[date, date]:
        """Return (first day, day after the last) of the period: usage is kept by UTC day, a day in one period."""
        start, end = self.billing_period(now)
        return start.date(), end.date()
