"""The audit trail as a CSV file, sent while it is read: members take it from Activity, staff from the admin."""

from django.http import StreamingHttpResponse

from accounts.audit_lines import csv_rows
from accounts.models.audit_event import AuditEventQuerySet
from stitchapp.csv_files import csv_file

CHUNK = 1000


def audit_file(events: AuditEventQuerySet, *, name: str) -> StreamingHttpResponse:
    """Return the events as a file of that name; none of them is kept in memory."""
    return csv_file(csv_rows(events.select_related("actor").iterator(chunk_size=CHUNK)), name=name)
