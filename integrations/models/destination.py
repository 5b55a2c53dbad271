"""Where an account's data is loaded."""

from pathlib import Path

from django.conf import settings
from django.db import models
from django.utils import timezone

from accounts.models import Account


class DestinationType(models.TextChoices):
    """What a destination is."""

    DUCKDB = "duckdb", "DuckDB"


class Destination(models.Model):
    """A warehouse. The embedded DuckDB file is there from the first minute (decision D10)."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="destinations")
    type = models.CharField(max_length=20, choices=DestinationType.choices)
    display_name = models.CharField(max_length=100)
    description = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account"],
                condition=models.Q(type="duckdb", deleted_at=None),
                name="destination_one_embedded_per_account",
            )
        ]

    def __str__(self) -> str:
        return self.display_name

    @property
    def file_path(self) -> Path:
        """The DuckDB file of an embedded destination."""
        return settings.DATA_DIR / "warehouse" / f"{self.account.client_id}.duckdb"
