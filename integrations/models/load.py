"""What loading did: each attempt, what each table holds now, and rows by day."""

from django.db import models

from accounts.models import Account
from integrations.models.integration import Integration


class LoadStatus(models.TextChoices):
    """How an attempt ended (loading.md 8.2)."""

    SUCCESS = "success", "Success"
    ERROR = "error", "Error"


class Load(models.Model):
    """One attempt to load waiting batches of one root table."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="loads")
    integration = models.ForeignKey(Integration, on_delete=models.CASCADE, related_name="loads")
    table_name = models.CharField(max_length=1024)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    status = models.CharField(max_length=10, choices=LoadStatus.choices)
    error = models.TextField(blank=True)
    error_class = models.CharField(
        max_length=100, blank=True, db_default="", help_text="The engine's error, as it calls it."
    )
    sql_state = models.CharField(
        max_length=5, blank=True, db_default="", help_text="The engine's, where it has one."
    )
    is_internal = models.BooleanField(
        default=False, db_default=False, help_text="The fault is this product's, not the destination's."
    )
    batches = models.PositiveIntegerField(default=0)
    received = models.PositiveIntegerField(default=0, help_text="Records in the batches.")
    inserted = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    superseded = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    rows = models.PositiveIntegerField(default=0, help_text="Rows written, subtables included.")
    new_columns = models.JSONField(default=list)
    bookmarks = models.JSONField(
        default=list, help_text="[[name, greatest value], …] of the sender's bookmarks."
    )
    last_received_at = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=1, help_text="Tries that failed alike share one row.")
    pending_shares = models.JSONField(
        null=True, help_text="Shares counted here that the queue may not have marked loaded yet."
    )

    class Meta:
        indexes = [
            models.Index(fields=["integration", "-finished_at"], name="load_by_integration"),
            models.Index(fields=["integration", "table_name", "-finished_at"], name="load_by_table"),
            models.Index(
                fields=["integration"],
                condition=models.Q(pending_shares__isnull=False),
                name="load_with_pending_shares",
            ),
        ]


class LoadedTable(models.Model):
    """A table or subtable in the destination, as the last load left it."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="loaded_tables")
    integration = models.ForeignKey(Integration, on_delete=models.CASCADE, related_name="loaded_tables")
    name = models.CharField(max_length=1024)
    root = models.CharField(
        max_length=1024,
        help_text="The root table, as its sender names it: loads and rows by day go by that name.",
    )
    columns = models.JSONField(default=list, help_text="[[name, type], …] in the table's order.")
    row_count = models.PositiveBigIntegerField(default=0)
    first_loaded_at = models.DateTimeField()
    last_loaded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["integration", "name"], name="loaded_table_once"),
        ]


class DailyRows(models.Model):
    """Rows loaded into a root table and its subtables on one UTC day: charts and usage read these."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="daily_rows")
    integration = models.ForeignKey(Integration, on_delete=models.CASCADE, related_name="daily_rows")
    table_name = models.CharField(max_length=1024)
    day = models.DateField()
    rows = models.PositiveBigIntegerField(default=0)
    free_rows = models.PositiveBigIntegerField(
        default=0, help_text="Those of the first seven days of the schema name: they do not count."
    )

    class Meta:
        verbose_name_plural = "daily rows"
        constraints = [
            models.UniqueConstraint(fields=["integration", "table_name", "day"], name="daily_rows_once"),
        ]
        indexes = [models.Index(fields=["account", "day"], name="daily_rows_by_account")]
