"""What an account may do and how much: plans are data (decision D7, app.md 13.2)."""

from django.db import models


class Plan(models.Model):
    """One plan. Empty limits mean unlimited."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=50)
    position = models.PositiveSmallIntegerField(unique=True)
    sold = models.CharField(max_length=100, blank=True)
    price_usd = models.PositiveIntegerField(null=True, blank=True, help_text="A month, from.")
    trial_days = models.PositiveSmallIntegerField(null=True, blank=True)
    rows_per_month = models.PositiveBigIntegerField(null=True, blank=True)
    max_members = models.PositiveIntegerField(null=True, blank=True)
    max_destinations = models.PositiveIntegerField(null=True, blank=True)
    max_integration_types = models.PositiveIntegerField(null=True, blank=True)
    api_access = models.BooleanField(default=False)
    upper_integrations = models.BooleanField(default=False)
    post_load_hooks = models.BooleanField(default=False)
    advanced_scheduling = models.BooleanField(default=False)
    extraction_log_days = models.PositiveSmallIntegerField()
    report_days = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["position"]

    def __str__(self) -> str:
        return self.name
