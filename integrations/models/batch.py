"""The index of accepted batches. On SQLite it lives in the queue's own database (decision D26).

Rows name accounts, integrations and tokens by number, not by foreign key: those live in the other database.
"""

import uuid
from datetime import datetime, timedelta

from django.db import models
from django.db.models import Exists, OuterRef, Q


class Batch(models.Model):
    """One accepted request: where its body lies in the segment files, and what it brought."""

    receipt = models.UUIDField(unique=True, default=uuid.uuid4)
    account_id = models.BigIntegerField()
    integration_id = models.BigIntegerField()
    token_id = models.BigIntegerField()
    job_id = models.BigIntegerField(null=True, help_text="The extraction that brought it.")
    kind = models.CharField(max_length=10)  # "batch", "push" or "transit": how the body is read
    request_id = models.CharField(max_length=32, blank=True)
    received_at = models.DateTimeField()
    records = models.PositiveIntegerField()
    size = models.PositiveBigIntegerField(help_text="Bytes of the body.")
    segment = models.CharField(max_length=100)
    offset = models.PositiveBigIntegerField()
    checksum = models.PositiveBigIntegerField(help_text="CRC32 of the stored body.")
    plain = models.BooleanField(
        default=False, db_default=False, help_text="The body is one of integrations.loading.plain."
    )

    class Meta:
        verbose_name_plural = "batches"
        indexes = [
            models.Index(fields=["integration_id", "-received_at"], name="batch_by_integration"),
            models.Index(fields=["segment"], name="batch_by_segment"),
            models.Index(fields=["job_id"], condition=Q(job_id__isnull=False), name="batch_by_job"),
        ]


class IdempotencyKey(models.Model):
    """A key that a sender gave a request, and the batch that came of it (promise I3).

    It names the batch by its receipt, not by a foreign key: it outlives a receipt that was purged.
    """

    integration_id = models.BigIntegerField()
    key_digest = models.CharField(max_length=64)
    request_digest = models.CharField(max_length=64, help_text="SHA-256 of the kind and the body.")
    receipt = models.UUIDField()
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["integration_id", "key_digest"], name="idempotency_key_once")
        ]


LONGEST_PAUSE = timedelta(minutes=5)  # promise I12


def over(now: datetime) -> Q:
    """Select pauses that are over, or that end later than any pause can: the clock went back meanwhile."""
    return Q(not_before__lte=now) | Q(not_before__gt=now + LONGEST_PAUSE)


class QueuedTableQuerySet(models.QuerySet):
    def with_waiting_shares(self) -> "QueuedTableQuerySet":
        return self.filter(Exists(BatchTable.objects.waiting().filter(queued_table=OuterRef("pk"))))

    def held(self) -> "QueuedTableQuerySet":
        return self.filter(lease__isnull=False)

    def due(self, now: datetime) -> "QueuedTableQuerySet":
        """To be loaded now. A pause is only for what failed, and none counts that a clock set back has stretched."""
        ready = BatchTable.objects.ready(now).filter(queued_table=OuterRef("pk"))
        return self.filter(Q(attempts=0) | over(now), Exists(ready), lease=None)

    def failing(self) -> "QueuedTableQuerySet":
        return self.exclude(error="")


class ErrorScope(models.TextChoices):
    """What an error holds up."""

    TABLE = "table", "This table"
    DESTINATION = "destination", "Everything for the destination"


class QueuedTable(models.Model):
    """One root table of one integration in the queue: what loaders lease, and why it waits.

    A sender's table name may be of any length and hold any character, so its digest identifies it.
    """

    account_id = models.BigIntegerField()
    integration_id = models.BigIntegerField()
    table_name = models.CharField(max_length=1024, help_text="As shown; the digest tells names apart.")
    name_digest = models.CharField(max_length=64)
    lease = models.UUIDField(null=True)
    leased_until = models.DateTimeField(null=True)
    leased_by = models.CharField(max_length=32, blank=True, help_text="The loader, as it announced itself.")
    one_writer = models.CharField(
        max_length=50,
        blank=True,
        help_text="What the load in hand has for itself: a file that admits one writer.",
    )
    claimed_at = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0, help_text="Failed tries since the last good one.")
    not_before = models.DateTimeField(help_text="Not loaded earlier: pauses between tries.")
    error = models.TextField(blank=True)
    error_scope = models.CharField(max_length=20, choices=ErrorScope.choices, blank=True)
    failing_since = models.DateTimeField(null=True)

    objects = QueuedTableQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["integration_id", "name_digest"], name="queued_table_once"),
            models.UniqueConstraint(
                fields=["one_writer"],
                condition=Q(lease__isnull=False) & ~Q(one_writer=""),
                name="queued_table_one_writer",
            ),
        ]
        indexes = [models.Index(fields=["account_id"], name="queued_table_by_account")]


class BatchTableState(models.TextChoices):
    """Where one table's share of a batch stands."""

    WAITING = "waiting", "Waiting"
    LOADED = "loaded", "Loaded"


class BatchTableQuerySet(models.QuerySet):
    def waiting(self) -> "BatchTableQuerySet":
        return self.filter(state=BatchTableState.WAITING)

    def ready(self, now: datetime) -> "BatchTableQuerySet":
        """Waiting, and not set aside."""
        return self.waiting().filter(Q(not_before=None) | over(now))


class BatchTable(models.Model):
    """One table's share of a batch: waiting, or loaded with what became of its records."""

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="tables")
    queued_table = models.ForeignKey(QueuedTable, on_delete=models.PROTECT, related_name="shares")
    account_id = models.BigIntegerField()
    integration_id = models.BigIntegerField()
    table_name = models.CharField(max_length=1024)
    records = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=BatchTableState.choices, default=BatchTableState.WAITING)
    not_before = models.DateTimeField(null=True, help_text="Set aside until then: its body was unreadable.")
    error = models.TextField(blank=True)
    inserted = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    superseded = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    loading_at = models.DateTimeField(null=True, help_text="When the load that took it began.")
    loaded_at = models.DateTimeField(null=True)

    objects = BatchTableQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["queued_table", "id"],
                condition=Q(state="waiting"),
                name="batch_table_waiting",
            ),
            models.Index(fields=["integration_id", "state"], name="batch_table_by_integration"),
        ]
