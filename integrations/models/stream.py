"""What a tap found in its source: tables, their fields, and what of them is chosen (connect-api.md 3.8-3.10, 4.4)."""

from django.db import models

from integrations.models.integration import Integration


class StreamQuerySet(models.QuerySet):
    def found(self) -> "StreamQuerySet":
        """Those of the latest discovery."""
        return self.filter(vanished_at=None)


class Stream(models.Model):
    """One table of a source. Its number stays the same however often it is discovered.

    What the tap says and what is chosen stand apart: a discovery replaces the first and keeps the second.
    """

    integration = models.ForeignKey(Integration, on_delete=models.CASCADE, related_name="streams")
    tap_stream_id = models.TextField(help_text="The tap’s own name of it, unique in the source.")
    id_digest = models.CharField(max_length=64, help_text="SHA-256 of the tap’s name, which has any length.")
    tap_stream = models.TextField(default="", help_text="The name that the tap’s messages give it.")
    stream_name = models.TextField(help_text="Its table in the warehouse; it never changes.")
    metadata = models.JSONField(default=dict, help_text="The tap’s metadata of the stream.")
    chosen = models.JSONField(
        default=dict, help_text="What members and programs chose: {breadcrumb as JSON text: {key: value}}."
    )
    # What is large stands last: SQLite reads a row up to the column that is asked for.
    schema = models.TextField(default="{}", help_text="JSON Schema of its records, as the tap wrote it.")
    field_metadata = models.JSONField(
        default=dict, help_text="The tap’s metadata of each field, by its breadcrumb as JSON text."
    )
    is_selected = models.BooleanField(null=True, help_text="The stream’s own “selected” in `chosen`.")
    field_count = models.PositiveIntegerField(default=0)
    found_at = models.DateTimeField(help_text="When it was first discovered.")
    vanished_at = models.DateTimeField(
        null=True, blank=True, help_text="Since when discoveries do not find it."
    )

    objects = StreamQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["integration", "id_digest"], name="stream_once")]

    def __str__(self) -> str:
        return self.stream_name


class SchemaChangeKind(models.TextChoices):
    """How a discovery differs from the one before."""

    TABLE_ADDED = "table added", "Table added"
    TABLE_GONE = "table gone", "Table gone"
    FIELD_ADDED = "field added", "Field added"
    FIELD_GONE = "field gone", "Field gone"
    TYPE_CHANGED = "type changed", "Type changed"


class SchemaChange(models.Model):
    """One difference between two discoveries of a source."""

    integration = models.ForeignKey(Integration, on_delete=models.CASCADE, related_name="schema_changes")
    stream = models.ForeignKey(Stream, null=True, on_delete=models.SET_NULL, related_name="changes")
    found_at = models.DateTimeField()
    kind = models.CharField(max_length=20, choices=SchemaChangeKind.choices)
    table_name = models.TextField()
    field_name = models.TextField(blank=True)
    before = models.TextField(blank=True, help_text="The field’s type before.")
    after = models.TextField(blank=True)

    class Meta:
        ordering = ["-found_at", "-pk"]
        indexes = [models.Index(fields=["integration", "-found_at"], name="schema_change_by_source")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.table_name} {self.field_name}".strip()


class SourceState(models.Model):
    """How far a source is read: the tap’s bookmarks, stored only after the rows before them are durable."""

    integration = models.OneToOneField(Integration, on_delete=models.CASCADE, related_name="state_row")
    state = models.JSONField(default=dict, help_text="The tap’s state message, unchanged.")
    sequence = models.BigIntegerField(default=0, help_text="The last sequence that a record was given.")
    updated_at = models.DateTimeField()
    job = models.CharField(max_length=120, blank=True, help_text="The job that stored it.")

    def __str__(self) -> str:
        return f"State of {self.integration_id}"
