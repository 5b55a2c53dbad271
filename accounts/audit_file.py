"""The audit trail as a CSV file, sent while it is read: members take it from Activity, staff from the admin."""

import csv

from django.http import StreamingHttpResponse

from accounts.audit_lines import csv_rows
from accounts.models.audit_event import AuditEventQuerySet

CHUNK = 1000


class Echo:
    """A file that returns what is written to it."""

    def write(self, text: str) -> str:
        return text


def audit_file(events: AuditEventQuerySet, *, name: str) -> StreamingHttpResponse:
    """Return the events as a file of that name; none of them is kept in memory."""
    writer = csv.writer(Echo())
    rows = csv_rows(events.select_related("actor").iterator(chunk_size=CHUNK))
    return StreamingHttpResponse(
        (writer.writerow(row) for row in rows),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
