"""Which table of the warehouse each stream of a source goes to (connect-api.md 3.8, B.3)."""

from __future__ import annotations

from collections.abc import Iterable

from integrations.models import Integration, Stream
from integrations.services.discovered_catalog import FoundStream

WITH_SCHEMA = "include_schemas_in_destination_stream_name"


class TableNames:
    """Gives every stream of a source a table of its own, once and for all.

    That is the table's name in the source. Where a source asks for it, or another stream has the name already, the
    schema stands before it: `sales__orders`. Without that, rows of two tables would meet in one.
    """

    def __init__(self, integration: Integration, known: Iterable[Stream]) -> None:
        self.with_schema = integration.properties.get(WITH_SCHEMA) == "true"
        self.taken = {stream.stream_name.casefold() for stream in known}

    def give(self, stream: FoundStream) -> str:
        """Return the name of a stream that is seen for the first time."""
        schema = stream.metadata.get("schema-name") or stream.metadata.get("database-name")
        long_name = f"{schema}__{stream.stream_name}" if schema else stream.tap_stream_id
        wanted = [long_name] if self.with_schema and schema else [stream.stream_name, long_name]
        for name in (*wanted, stream.tap_stream_id):
            if name.casefold() not in self.taken:
                break
        self.taken.add(name.casefold())
        return name


def tables_by_tap_name(integration_id: int) -> dict[str, str]:
    """Return the table of each stream, by the name that the tap's messages give it."""
    of_source = Stream.objects.filter(integration_id=integration_id).found().order_by("pk")
    rows = list(of_source.values_list("is_selected", "tap_stream", "stream_name"))
    rows.sort(key=lambda row: row[0] is True)  # should two have one name, the one that is read counts
    return {tap or table: table for _, tap, table in rows}
