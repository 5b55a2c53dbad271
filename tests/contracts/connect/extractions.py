"""`/v4/{client_id}/extractions` (I15; connect-api.md 2.9, 3.13, 5.4, 8.1)."""

from tests.contracts.connect.rows import Row, table
from tests.contracts.connect.shapes import UNAUTHORIZED

BAD_PAGE = {"error": {"message": "invalid page"}}
PATH = "/v4/<client>/extractions"


def extraction(source: str, tap: str, **different: object) -> dict[str, object]:
    """Return an extraction that went well, unless told otherwise."""
    plain = {
        "target_exit_status": 0,
        "job_name": "<sync>",
        "start_time": "<time>",
        "stitch_client_id": "<client>",
        "tap_exit_status": 0,
        "source_type": tap,
        "target_description": None,
        "discovery_exit_status": 0,
        "discovery_description": None,
        "tap_description": None,
        "completion_time": "<time>",
        "source_id": source,
        "tap_name": tap,
    } | different
    copies = {
        f"{phase}_error_message": plain[f"{phase}_description"] for phase in ("discovery", "tap", "target")
    }
    return plain | copies


def page(data: list, number: int = 1, total: int | None = None) -> dict[str, object]:
    return {"data": data, "page": number, "total": len(data) if total is None else total, "links": {}}


NOTHING = {"discovery_exit_status": None, "tap_exit_status": None, "target_exit_status": None}
ALL = [
    extraction("<crm>", "tap-postgres"),
    extraction("<paused>", "tap-postgres", tap_exit_status=1, tap_description="relation does not exist"),
    extraction(
        "<broken>",
        "tap-postgres",
        **NOTHING,
        discovery_description="Terminated",
        tap_description="Terminated",
        target_description="Terminated",
    ),
]

TABLE = table(
    "taps",
    [
        Row("the last that ended, by source", "GET", PATH, answer=page(ALL)),
        Row("the first page by its number", "GET", f"{PATH}?page=1", answer=page(ALL)),
        Row("behind the last page", "GET", f"{PATH}?page=7", answer=page([], 7, total=3)),
        Row("page is no number", "GET", f"{PATH}?page=x", status=400, answer=BAD_PAGE),
        Row("page 0", "GET", f"{PATH}?page=0", status=400, answer=BAD_PAGE),
        Row("an empty page", "GET", f"{PATH}?page=", status=400, answer=BAD_PAGE),
        Row("none yet", "GET", PATH, answer=page([]), state="nothing"),
        Row("another account", "GET", "/v4/1/extractions", status=401, answer=UNAUTHORIZED),
    ],
)
