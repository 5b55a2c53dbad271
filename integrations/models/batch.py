"""The index of accepted batches. On SQLite it lives in the queue's own database (decision D26).

Rows name accounts, integrations and tokens by number, not by foreign key: those live in the other database.
"""

import uuid

from django.db import models


class Batch(models.Model):
    """One accepted request: where its body lies in the segment files, and what it brought."""

    receipt = models.UUIDField(unique=True, default=uuid.uuid4)
    account_id = models.BigIntegerField()
    integration_id = models.BigIntegerField()
    token_id = models.BigIntegerField()
    kind = models.CharField(max_length=10)  # "batch" or "push": how the body is read
    request_id = models.CharField(max_length=32, blank=True)
    received_at = models.DateTimeField()
    records = models.PositiveIntegerField()
    size = models.PositiveBigIntegerField(help_text="Bytes of the body.")
    segment = models.CharField(max_length=100)
    offset = models.PositiveBigIntegerField()
    checksum = models.PositiveBigIntegerField(help_text="CRC32 of the stored body.")

    class Meta:
        indexes = [models.Index(fields=["integration_id", "-received_at"], name="batch_by_integration")]


class BatchTableState(models.TextChoices):
    """Where one table's share of a batch stands."""

    WAITING = "waiting", "Waiting"
    LOADING = "loading", "Loading"
    LOADED = "loaded", "Loaded"


class BatchTable(models.Model):
    """One table's share of a batch: the unit of work that loaders lease."""

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="tables")
    account_id = models.BigIntegerField()
    integration_id = models.BigIntegerField()
    table_name = models.CharField(max_length=1024)
    records = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=BatchTableState.choices, default=BatchTableState.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    not_before = models.DateTimeField(help_text="Not loaded earlier: pauses between tries.")
    leased_until = models.DateTimeField(null=True)
    lease = models.UUIDField(null=True)
    error = models.TextField(blank=True)
    inserted = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    superseded = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    loaded_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["state", "not_before"], name="batch_table_due"),
            models.Index(fields=["integration_id", "state"], name="batch_table_by_integration"),
        ]
