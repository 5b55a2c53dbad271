"""`/v4/{client_id}/loads`: how loading of each table stands (connect-api.md 2.10, 3.15)."""

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router

from integrations.connect.clients import require_own_client
from integrations.connect.job_reads import note_job_read
from integrations.connect.pages import Page, cut, envelope, page_number
from integrations.connect.responses import send, timestamp
from integrations.connect.schemas import GroupedError, LoadPage, PlainError
from integrations.services.latest_loads import LatestLoad, describe_loads, newest_loads

router = Router(tags=["Loads"])


@router.get(
    "{int:client_id}/loads",
    response={200: LoadPage, 400: GroupedError, 401: PlainError, 404: PlainError, 429: GroupedError},
    summary="List the last loads",
    url_name="loads",
)
def load_list(request: HttpRequest, client_id: int, page: Page):
    """The newest attempt to load each table, of the last 60 days, 100 on a page."""
    require_own_client(request, client_id)
    note_job_read(request)
    number = page_number(page)
    rows, total = cut(newest_loads(account=request.account, now=timezone.now()), number)
    data = [load(client_id, latest) for latest in describe_loads(rows=rows)]
    return send(envelope(data, page=number, total=total, path=f"/v4/{client_id}/loads"))


def load(client_id: int, latest: LatestLoad) -> dict[str, Any]:
    """Return a load as the Connect API shows it."""
    return {
        "stitch_client_id": client_id,
        "source_name": latest.source_name,
        "stream_name": latest.table_name,
        "last_batch_loaded_at": timestamp(latest.loaded_at),
        "error_state": error_state(latest) if latest.error else None,
    }


def error_state(latest: LatestLoad) -> dict[str, Any]:
    """Return what a failed load says: what was tried, and the warehouse's own words where it spoke."""
    action = "get-connection" if latest.is_destination_error else "load-table"
    tried = "establish a connection to your data warehouse"
    if not latest.is_destination_error:
        tried = f"load data into the table {latest.table_name}"
    spoken = [("LoadError", latest.error)]
    if latest.error_class:
        spoken.append((latest.error_class, latest.error))
    return {
        "notification_data": {
            "message": tried,
            "exception_message": latest.error,
            "warehouse_error_code": None,
            "error": "LOADER_INTERNAL_ERROR" if latest.is_internal else "LOADER_WAREHOUSE_ERROR",
            "new_column": None,
            "status": "ERROR",
            "warehouse_sql_state": latest.sql_state or None,
            "action": action,
            "warehouse_message": latest.error,
            "column": None,
        },
        "exception_chain": [
            {"class": name, "message": message, "chain_sequence_num": number, "action": action}
            for number, (name, message) in enumerate(spoken)
        ],
    }
