"""A dry run: the request checked as ever, and what loading it would do instead of storing it."""

from datetime import datetime
from uuid import uuid4

from django.http import HttpRequest, HttpResponse

from integrations.importapi import refusals
from integrations.importapi.responses import json_response
from integrations.loading.reading import read_table_batches
from integrations.loading.rehearsing import Rehearsal, RehearsedTable
from integrations.models import Integration
from integrations.services.rehearsals import (
    MAX_SAMPLE_BYTES,
    IntegrationRehearsal,
    TableRehearsal,
    rehearse_batches,
)

MEANINGS = {"1": True, "true": True, "0": False, "false": False}


def is_dry_run(request: HttpRequest) -> bool:
    """Tell whether nothing is to be stored; refuse what could be meant either way."""
    wanted = request.GET.get("dry_run")
    if wanted is None:
        return False
    if wanted not in MEANINGS:
        raise refusals.dry_run_unclear()
    return MEANINGS[wanted]


def dry_run(*, integration: Integration, kind: str, body: bytes, received_at: datetime) -> HttpResponse:
    """Answer what loading a valid request would do."""
    if len(body) > MAX_SAMPLE_BYTES:
        raise refusals.sample_too_large(len(body), limit=MAX_SAMPLE_BYTES)
    batches = read_table_batches(kind=kind, body=body, batch_id=str(uuid4()), received_at=received_at)
    return json_response(as_json(rehearse_batches(integration=integration, batches=batches)))


def as_json(rehearsal: IntegrationRehearsal) -> dict[str, object]:
    """Return the report as the API tells it."""
    return {
        "status": "OK",
        "message": "Dry run: nothing was stored.",
        "destination": rehearsal.destination,
        "schema_name": rehearsal.schema_name,
        "compared_with": rehearsal.compared_with.value,
        "problem": rehearsal.problem or None,
        "tables": [_table_as_json(table) for table in rehearsal.tables],
    }


def _table_as_json(table: TableRehearsal) -> dict[str, object]:
    told: Rehearsal = table.rehearsal
    return {
        "table_name": told.table_name,
        "error": told.error or None,
        "records": told.records,
        "written": told.written,
        "superseded": told.superseded,
        "rejected": told.rejected,
        "activated_version": told.activated_version,
        "tables": [_columns_as_json(rehearsed) for rehearsed in told.tables],
        "rejections": [
            {"reason": reason.reason, "table_name": reason.table_name, "count": reason.count}
            for reason in told.rejections
        ],
        "rejected_records": [
            {"record": row.record, "reason": row.reason, "table_name": row.table_name}
            for row in told.rejected_rows
        ],
        "json_schema": table.schema,
    }


def _columns_as_json(table: RehearsedTable) -> dict[str, object]:
    return {
        "name": table.name,
        "parent": table.parent,
        "state": "new" if table.created else "existing",
        "key": list(table.key),
        "columns": [
            {
                "name": column.name,
                "type": column.type_name,
                "state": column.state,
                "before": column.before or None,
            }
            for column in table.columns
        ],
        "row_count": table.row_count,
        "rows": table.rows,
    }
