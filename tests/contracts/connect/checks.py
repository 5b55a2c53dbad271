"""`/v4/sources/{id}/last-connection-check` (I15; connect-api.md 3.7)."""

from tests.contracts.connect.rows import Row, table
from tests.contracts.connect.shapes import LATER, NOT_FOUND, STAMP, unknown_source


def check(**different: object) -> dict[str, object]:
    """Return a check that went well, unless told otherwise."""
    return {
        "target_exit_status": None,
        "tap_error_message": None,
        "check_exit_status": 0,
        "name": "<check>",
        "start_time": STAMP,
        "mode": "check",
        "tap_exit_status": None,
        "target_error_message": None,
        "discovery_exit_status": 0,
        "status": "succeeded",
        "completion_time": LATER,
        "error": False,
        "discovery_error_message": None,
    } | different


RUNNING = check(check_exit_status=None, discovery_exit_status=None, status="running", completion_time=None)
FAILED = check(
    check_exit_status=None,
    discovery_exit_status=1,
    status="failed",
    error=True,
    discovery_error_message="connection refused",
)
PATH = "/v4/sources/<{}>/last-connection-check"

TABLE = table(
    "taps",
    [
        Row("good", "GET", PATH.format("crm"), answer=check()),
        Row("running", "GET", PATH.format("paused"), answer=RUNNING),
        Row("failed", "GET", PATH.format("broken"), answer=FAILED),
        Row("never checked", "GET", PATH.format("shop"), status=404, answer=NOT_FOUND),
        Row(
            "unknown source",
            "GET",
            "/v4/sources/1000000/last-connection-check",
            status=404,
            answer=unknown_source("1000000"),
        ),
        Row(
            "another account's source",
            "GET",
            PATH.format("foreign"),
            status=404,
            answer=unknown_source("<foreign>"),
        ),
    ],
)
