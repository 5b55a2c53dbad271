"""Records that a load refused, whole, so that they can be looked at, put right and sent again.

On SQLite these rows lie in the queue's database, where a batch's share is marked loaded and its rejected records
open in one transaction. They name accounts, integrations and batches by number and receipt.
"""

import zlib

from django.db import models
from django.db.models import Q

LONGEST_REASON, LONGEST_FIELD = 1_000, 1_024


class RejectedState(models.TextChoices):
    """Where a rejected record stands."""

    PENDING = "pending", "Being recorded"  # its load is not final yet: no page shows it
    OPEN = "open", "Open"
    REPLAYED = "replayed", "Replayed"
    DISMISSED = "dismissed", "Dismissed"


class RejectedFormat(models.Model):
    """What rejected records of one sender share: the exact name of their table, its key, and their schema."""

    integration_id = models.BigIntegerField()
    digest = models.CharField(max_length=64)
    content = models.BinaryField(help_text="Compressed JSON: table_name, key_names, schema.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["integration_id", "digest"], name="rejected_format_once")
        ]


class RejectedRecordQuerySet(models.QuerySet):
    def pending(self) -> "RejectedRecordQuerySet":
        return self.filter(state=RejectedState.PENDING)

    def open(self) -> "RejectedRecordQuerySet":
        return self.filter(state=RejectedState.OPEN)

    def known(self) -> "RejectedRecordQuerySet":
        """Those whose load is final."""
        return self.exclude(state=RejectedState.PENDING)


class RejectedRecord(models.Model):
    """One record that was accepted and then refused. `group` is shared by those refused for the same thing."""

    account_id = models.BigIntegerField()
    integration_id = models.BigIntegerField()
    share_id = models.BigIntegerField(help_text="The table's share of the batch.")
    receipt = models.UUIDField(help_text="Of the batch that brought it.")
    index = models.PositiveIntegerField(help_text="Its place among the batch's messages.")
    format = models.ForeignKey(RejectedFormat, on_delete=models.PROTECT, related_name="records")
    table_name = models.CharField(max_length=1024)
    sequence = models.BigIntegerField()
    reason = models.CharField(max_length=LONGEST_REASON)
    reason_group = models.CharField(
        max_length=LONGEST_REASON, help_text="The reason without this one's value."
    )
    field = models.CharField(
        max_length=LONGEST_FIELD, blank=True, help_text="At fault; steps joined by dots."
    )
    path = models.JSONField(default=list, help_text="The steps to that field.")
    group = models.CharField(max_length=32)
    received_at = models.DateTimeField()
    rejected_at = models.DateTimeField()
    size = models.PositiveBigIntegerField(help_text="Bytes of the message before compression.")
    state = models.CharField(max_length=10, choices=RejectedState.choices, default=RejectedState.PENDING)
    closed_at = models.DateTimeField(null=True)
    closed_by_id = models.BigIntegerField(null=True)
    replay_receipt = models.UUIDField(
        null=True, db_index=True, help_text="Of the batch it was sent again in."
    )
    message = models.BinaryField(help_text="Compressed JSON: the message as the loader read it.")

    objects = RejectedRecordQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["share_id", "index"], name="rejected_record_once")]
        indexes = [
            models.Index(fields=["integration_id", "state", "group"], name="rejected_by_group"),
            models.Index(
                fields=["account_id", "integration_id", "rejected_at"],
                condition=Q(state="open"),
                name="rejected_open_by_account",
            ),
            models.Index(fields=["receipt"], name="rejected_by_receipt"),
            models.Index(fields=["share_id"], condition=Q(state="pending"), name="rejected_pending"),
        ]

    @property
    def message_json(self) -> bytes:
        """The message, as JSON."""
        return zlib.decompress(self.message)

    @property
    def is_open(self) -> bool:
        return self.state == RejectedState.OPEN


class RejectedCut(models.Model):
    """How many rejected records of an integration were let go because there were too many (decision D32)."""

    integration_id = models.BigIntegerField(unique=True)
    records = models.PositiveBigIntegerField(default=0)
    cut_at = models.DateTimeField()
