"""`/v4/sources/{id}/sync` and `/v4/jobs`: start, stop and follow a job (I15, J1; connect-api.md 2.8, 5.1, 5.2)."""

from tests.contracts.connect.rows import Row, table
from tests.contracts.connect.shapes import error

DONE = {"status": 200}
STARTED = {"job_name": "<sync>"}
UNKNOWN = "Unable to locate source({0}) for client (<client>)"
GENERIC = "Could not create job for client-id: <client>; connection-id: {}"
RUNNING = "Did not create job for client-id: <client>; connection-id: <crm> because one already exists"


def grouped(kind: str, message: str) -> dict[str, dict[str, str]]:
    return {"error": {"type": kind, "message": message}}


def start(case: str, source: str, answer: object, status: int = 200, **more: object) -> Row:
    return Row(case, "POST", f"/v4/sources/{source}/sync", status, answer, **more)


def cannot(case: str, source: str, reason: str) -> Row:
    headers = {"X-Error-Code": "not_runnable", "X-Error-Reason": f".*{reason}.*"}
    return start(case, source, grouped("generic", GENERIC.format(source)), 400, headers=headers)


TABLE = table(
    "taps",
    [
        start("paused by the user: it starts", "<paused>", STARTED),
        start("an empty object as body", "<paused>", STARTED, body={}),
        start("any body", "<paused>", STARTED, raw="not looked at"),
        start("with an idempotency key", "<paused>", STARTED, sends={"Idempotency-Key": "2024-03-05 21:00"}),
        start(
            "with a key that is none",
            "<paused>",
            grouped("generic", "Idempotency-Key should be 1 to 255 printable ASCII characters"),
            400,
            sends={"Idempotency-Key": ""},
            headers={"X-Error-Code": "idempotency_key_invalid"},
        ),
        start(
            "one is running",
            "<crm>",
            grouped("already_running", RUNNING),
            headers={
                "X-Error-Code": "already_running",
                "X-Stitch-Job-Name": r"\d+\.\d+\.sync\.[0-9a-f-]{36}",
            },
        ),
        start(
            "unknown",
            "1000000",
            grouped("invalid_source", UNKNOWN.format("1000000")),
            400,
            headers={"X-Error-Code": "invalid_source"},
        ),
        start("another account's", "<foreign>", grouped("invalid_source", UNKNOWN.format("<foreign>")), 400),
        start("deleted", "<broken>", grouped("invalid_source", "Integration is deleted."), 400),
        cannot("programs push to it", "<shop>", "push"),
        cannot("not configured", "<unready>", "not fully configured"),
        cannot("paused by the system", "<held>", "paused by the system"),
        cannot("no destination", "<homeless>", "no destination"),
        Row("a job that runs", "DELETE", "/v4/sources/<crm>/sync", answer=DONE),
        Row("nothing runs", "DELETE", "/v4/sources/<paused>/sync", answer=DONE),
        Row("deleted", "DELETE", "/v4/sources/<broken>/sync", answer=DONE),
        Row(
            "unknown",
            "DELETE",
            "/v4/sources/1000000/sync",
            400,
            grouped("invalid_source", UNKNOWN.format("1000000")),
        ),
        Row(
            "unknown job",
            "GET",
            "/v4/jobs/1.2.sync.none",
            404,
            error("InvalidJob", "job not found (1.2.sync.none)"),
        ),
        Row(
            "another account's job",
            "GET",
            "/v4/jobs/<foreign_job>",
            404,
            error("InvalidJob", "job not found (<foreign_job>)"),
        ),
        *(
            Row(
                f"wait={wait}",
                "GET",
                f"/v4/jobs/<job>?wait={wait}",
                400,
                {"error": {"message": "invalid wait: a whole number of seconds from 0 to 60"}},
                headers={"X-Error-Code": "invalid_wait"},
            )
            for wait in ("61", "-1", "x", "")
        ),
        Row(
            "ended well",
            "GET",
            "/v4/jobs/<job>",
            answer={
                "job_name": "<job>",
                "mode": "sync",
                "stitch_client_id": "<client>",
                "source_id": "<crm>",
                "state": "succeeded",
                "start_time": "<time>",
                "completion_time": "<time>",
                "loaded_at": None,
                "discovery_exit_status": 0,
                "check_exit_status": None,
                "tap_exit_status": 0,
                "target_exit_status": 0,
                "rows": 0,
                "rows_waiting": 0,
                "streams": [],
                "error": None,
            },
        ),
    ],
)
