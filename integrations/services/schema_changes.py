"""Tell in which tables and fields a discovery differs from the one before; the newest differences are kept."""

from collections.abc import Iterator
from datetime import datetime

from integrations.models import Integration, SchemaChange, SchemaChangeKind, Stream
from integrations.services.stream_metadata import fields_of

MAX_KEPT = 2_000  # differences of one source


def field_types(stream: Stream) -> dict[str, str]:
    """Return the type of each field in words."""
    return {field.name: field.type_words for field in fields_of(stream)}


def table_change(stream: Stream, kind: SchemaChangeKind, now: datetime) -> SchemaChange:
    return SchemaChange(
        integration_id=stream.integration_id,
        stream=stream,
        found_at=now,
        kind=kind,
        table_name=stream.stream_name,
    )


def field_changes(
    stream: Stream, before: dict[str, str], after: dict[str, str], now: datetime
) -> Iterator[SchemaChange]:
    """Give each difference between a table's fields before and after."""
    for name in dict.fromkeys([*before, *after]):
        former, present = before.get(name, ""), after.get(name, "")
        if former == present:
            continue
        kind = SchemaChangeKind.TYPE_CHANGED
        if name not in before:
            kind = SchemaChangeKind.FIELD_ADDED
        elif name not in after:
            kind = SchemaChangeKind.FIELD_GONE
        change = table_change(stream, kind, now)
        change.field_name, change.before, change.after = name, former, present
        yield change


def keep_changes(*, integration: Integration, changes: list[SchemaChange]) -> None:
    """Store the differences and forget the oldest beyond the bound."""
    SchemaChange.objects.bulk_create(changes[:MAX_KEPT], batch_size=500)
    of_source = SchemaChange.objects.filter(integration=integration)
    last_kept = of_source.order_by("-pk").values_list("pk", flat=True)[MAX_KEPT - 1 : MAX_KEPT].first()
    if last_kept is not None:
        of_source.filter(pk__lt=last_kept).delete()
