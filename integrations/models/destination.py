"""Where an account's data is loaded."""

from pathlib import Path

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Account

POSTGRES_PORT = 5432


class DestinationType(models.TextChoices):
    """What a destination is; the value is the Connect API's type name."""

    DUCKDB = "duckdb", "DuckDB"
    POSTGRES = "postgres", "PostgreSQL"


class DestinationQuerySet(models.QuerySet):
    def live(self) -> "DestinationQuerySet":
        return self.filter(deleted_at=None)


class Destination(models.Model):
    """A warehouse: the embedded DuckDB file, there from the first minute (decision D10), or a PostgreSQL database.

    The password is kept sealed (`services/credentials.py`) and never leaves the server again.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="destinations")
    type = models.CharField(max_length=20, choices=DestinationType.choices)
    display_name = models.CharField(max_length=100)
    description = models.CharField(max_length=255, blank=True)
    host = models.CharField(max_length=253, blank=True)
    port = models.PositiveIntegerField(null=True, blank=True)
    database = models.CharField(max_length=63, blank=True)
    username = models.CharField(max_length=63, blank=True)
    sealed_password = models.TextField(blank=True, editable=False)
    ssl = models.BooleanField(default=True)
    ssl_root_certificate = models.TextField(blank=True)
    keep_name_on_split = models.BooleanField(default=False)
    keep_leading_digits = models.BooleanField(default=False)
    prunes_sub_rows = models.BooleanField(default=False)
    revision = models.PositiveIntegerField(
        default=1, help_text="Counts changes, so that two people who edit at once are told."
    )
    check_id = models.UUIDField(null=True, blank=True, help_text="Names the last connection test.")
    check_started_at = models.DateTimeField(null=True, blank=True)
    checked_at = models.DateTimeField(
        null=True, blank=True, help_text="When the last test ended; empty while it runs."
    )
    check_steps = models.JSONField(
        default=list, blank=True, help_text="[[name, whether it went well, detail], …] of the last test."
    )
    form_id = models.UUIDField(null=True, unique=True, help_text="Makes a form that is sent twice add once.")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = DestinationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account"],
                condition=models.Q(type="duckdb", deleted_at=None),
                name="destination_one_embedded_per_account",
            ),
            models.CheckConstraint(
                condition=~Q(type="postgres")
                | Q(port__isnull=False) & ~Q(host="") & ~Q(database="") & ~Q(username=""),
                name="destination_postgres_says_where",
            ),
        ]

    def __str__(self) -> str:
        return self.display_name

    @property
    def is_embedded(self) -> bool:
        return self.type == DestinationType.DUCKDB

    @property
    def one_writer(self) -> str:
        """Name what one load at a time may write; empty where tables are loaded side by side (decision D23)."""
        return f"duckdb:{self.account_id}" if self.is_embedded else ""

    @property
    def check_name(self) -> str:
        """The name of the last connection test, as the Connect API has it; empty when there was none."""
        return f"{self.account.client_id}.{self.pk}.check.{self.check_id}" if self.check_id else ""

    @property
    def check_passed(self) -> bool:
        """Whether the last connection test went well in every step."""
        return bool(self.check_steps) and all(ok for _, ok, _ in self.check_steps)

    @property
    def check_failure(self) -> str:
        """What the failing step of the last connection test says; nothing after a good one."""
        return next((str(detail) for _, ok, detail in self.check_steps if not ok), "")

    @property
    def file_path(self) -> Path:
        """The DuckDB file of an embedded destination."""
        return settings.DATA_DIR / "warehouse" / f"{self.account.client_id}.duckdb"
