"""Why a request is not taken: a status with its documented body (import-api.md 4.2 to 4.5)."""

from collections.abc import Sequence
from decimal import Decimal

from integrations.importapi.faults import Fault, Path
from integrations.loading.limits import MAX_DATA_POINTS as MAX_DATA_POINTS
from integrations.loading.limits import MAX_RECORDS as MAX_RECORDS
from integrations.loading.limits import MAX_SEQUENCE as MAX_SEQUENCE
from integrations.loading.limits import MIN_SEQUENCE as MIN_SEQUENCE

Payload = dict[str, object] | str

MAX_STRING_KEY = 1024
MAX_IDEMPOTENCY_KEY = 255


class Refusal(Exception):
    """The request is refused; `payload` is the JSON body, or the text of a plain-text answer.

    `fault` is the same told to programs, in headers: the documented bodies have no room for it. `tables` are
    those that the request is known to be for.
    """

    tables: tuple[str, ...] = ()
    retry_after: int | None = None

    def __init__(self, status: int, payload: Payload, fault: Fault) -> None:
        super().__init__(status, payload)
        self.status = status
        self.payload = payload
        self.fault = fault


def too_many_records(path: Path, records: int) -> Fault:
    """More records than one request may hold."""
    return Fault("too_many_records", path, limit=MAX_RECORDS, actual=records)


def too_many_points(path: Path, points: int) -> Fault:
    """More values than one record may hold."""
    return Fault("too_many_data_points", path, limit=MAX_DATA_POINTS, actual=points)


def out_of_range(path: Path, number: int | Decimal) -> Fault:
    """A sequence or table version that 64 bits cannot hold."""
    limit = MAX_SEQUENCE if number > 0 else MIN_SEQUENCE
    return Fault("number_out_of_range", path, limit=limit, actual=number)


def inactive() -> Refusal:
    """The integration is paused or deleted; the word Forbidden under 401 is documented so."""
    return Refusal(
        401,
        {"error": "Forbidden", "errors": {"error": "Connection is not active."}},
        Fault("integration_inactive"),
    )


def too_large(size: int, *, limit: int) -> Refusal:
    """The body is over the limit."""
    message = f"Request rejected: request size ({size} bytes) exceeds the maximum"
    fault = Fault("body_too_large", limit=limit, actual=size)
    return Refusal(413, {"status": "ERROR", "message": message}, fault)


def unknown_encoding(encoding: str) -> Refusal:
    """The body came in a Content-Encoding other than gzip."""
    message = f"Unsupported content-encoding {encoding}. Please send gzip or no content-encoding"
    return Refusal(415, {"status": "ERROR", "message": message}, Fault("content_encoding_unsupported"))


def on_error_unknown() -> Refusal:
    """The on_error parameter is not understood: nobody may take for stored what is not, or the reverse."""
    message = "on_error should be reject, or left out"
    return Refusal(400, {"status": "ERROR", "message": message}, Fault("on_error_invalid"))


def on_error_unsupported() -> Refusal:
    """The on_error parameter came with another endpoint than /batch."""
    message = "on_error is for /v2/import/batch only"
    return Refusal(400, {"status": "ERROR", "message": message}, Fault("on_error_invalid"))


def key_invalid(length: int) -> Refusal:
    """The Idempotency-Key is blank, too long, or not plain text."""
    message = f"Idempotency-Key should be 1 to {MAX_IDEMPOTENCY_KEY} printable ASCII characters"
    too_long = length > MAX_IDEMPOTENCY_KEY
    fault = Fault(
        "idempotency_key_invalid",
        limit=MAX_IDEMPOTENCY_KEY if too_long else None,
        actual=length if too_long else None,
    )
    return Refusal(400, {"status": "ERROR", "message": message}, fault)


def key_reused(code: str, message: str) -> Refusal:
    """The Idempotency-Key came with another request before."""
    return Refusal(409, {"status": "ERROR", "message": message}, Fault(code))


def dry_run_unclear() -> Refusal:
    """The dry_run parameter is neither 1 nor 0: data must not be stored, or not be stored, by mistake."""
    message = "dry_run should be 1, or left out"
    return Refusal(400, {"status": "ERROR", "message": message}, Fault("dry_run_invalid"))


def sample_too_large(size: int, *, limit: int) -> Refusal:
    """A dry run is for samples: it takes less than a request that is stored."""
    message = (
        f"Request rejected: request size ({size} bytes) exceeds the maximum of a dry run ({limit} bytes)"
    )
    fault = Fault("sample_too_large", limit=limit, actual=size)
    return Refusal(413, {"status": "ERROR", "message": message}, fault)


def rate_limited(name: str, *, limit: int, actual: int, retry_after: int) -> Refusal:
    """The token, or its account, sent more than it may in a time; the published API has no such limit (D28)."""
    message = f"Too many requests: the limit {name} is reached. Try again in {retry_after} s"
    fault = Fault("rate_limited", limit=limit, actual=actual)
    refusal = Refusal(429, {"status": "ERROR", "message": message}, fault)
    refusal.retry_after = retry_after
    return refusal


# --- /batch


def batch_not_authorized() -> Refusal:
    """The token is missing, unknown or revoked."""
    return Refusal(401, {"message": "Not Authorized"}, Fault("token_refused"))


def batch_content_type() -> Refusal:
    """Only JSON is taken, and only under its own name."""
    return Refusal(415, "Content-Type must be application/json", Fault("content_type_unsupported"))


def batch_malformed() -> Refusal:
    """The body is not JSON."""
    return Refusal(400, {"error": "Malformed json in the body!"}, Fault("body_malformed"))


def batch_request(lines: Sequence[str], fault: Fault) -> Refusal:
    """The request is not shaped as it has to be."""
    return Refusal(400, {"error": "Request failed validation:" + "\n".join(lines)}, fault)


def batch_record(index: int, lines: Sequence[str], path: Path) -> Refusal:
    """The record at `index` does not conform, at `path`, to the schema that came with it."""
    fault = Fault("record_invalid", ("messages", index, "data", *path))
    listed = "".join(f"{line}\n" for line in lines)
    return Refusal(400, {"error": f"Record {index} did not conform to schema:\n{listed}"}, fault)


def batch_key_missing(name: str, path: Path) -> Refusal:
    """A key is missing or null in a record, or unknown to the schema."""
    return Refusal(400, {"error": f"Record is missing key property {name}"}, Fault("key_missing", path))


def batch_schema(text: str) -> Refusal:
    """The schema itself cannot be used."""
    return Refusal(400, {"error": f"Invalid JSON schema: {text}"}, Fault("schema_invalid", ("schema",)))


def batch_data_points(index: int, points: int) -> Refusal:
    """The record at `index` holds too many values."""
    text = f"Record {index} exceeds the maximum of {MAX_DATA_POINTS} data points"
    return Refusal(400, {"error": text}, too_many_points(("messages", index, "data"), points))


# --- /push and /validate


def push_not_authenticated() -> Refusal:
    """No usable token."""
    return _not_authenticated(Fault("token_refused"))


def push_no_client() -> Refusal:
    """The first record names no client."""
    return _not_authenticated(Fault("client_id_missing", (0,)))


def _not_authenticated(fault: Fault) -> Refusal:
    return Refusal(401, {"status": "ERROR", "error": "Not Authenticated.", "errors": None}, fault)


def push_content_type(content_type: str) -> Refusal:
    """Neither JSON nor Transit; echoes what came."""
    message = (
        f"Unsupported content-type {content_type}. Please send application/json or application/transit+json"
    )
    return Refusal(415, {"status": "ERROR", "message": message}, Fault("content_type_unsupported"))


def push_malformed(message: str, *, line: int, column: int, kind: str = "json") -> Refusal:
    """The body is not JSON (or Transit); says where it stops being so."""
    error = f"{message}\n at [Source: request body; line: {line}, column: {column}]"
    return Refusal(
        400,
        {"status": "ERROR", "message": f"Malformed {kind} in the body!", "error": error, "input": None},
        Fault("body_malformed"),
    )


def push_not_an_array() -> Refusal:
    """The root is not an array of maps, or it is empty."""
    return Refusal(
        400, {"status": "ERROR", "message": "An array of records is expected"}, Fault("not_an_array", ())
    )


def push_too_many(records: int) -> Refusal:
    """More records than one request may hold."""
    message = f"An array of at most {MAX_RECORDS} records is expected"
    return Refusal(400, {"status": "ERROR", "message": message}, too_many_records((), records))


def push_forbidden() -> Refusal:
    """The client_id is not that of the token's account."""
    errors = {"error": "Access token is not associated with this client."}
    fault = Fault("client_id_forbidden", (0, "client_id"))
    return Refusal(403, {"status": "ERROR", "error": "Forbidden", "errors": errors}, fault)


def push_several_clients(client_id: int, index: int) -> Refusal:
    """Not every record carries the same client_id; the one at `index` is the first that does not."""
    reason = f"The batch contains data points for multiple clients. Only client_id {client_id} is allowed"
    return push_invalid([reason], Fault("several_client_ids", (index, "client_id")))


def push_invalid(reasons: Sequence[str | dict[str, list[str]]], fault: Fault) -> Refusal:
    """One or more records are invalid, each with its reason; `fault` is the first."""
    return Refusal(
        422,
        {
            "status": "ERROR",
            "error": "Request cannot be processed; see errors.",
            "errors": [{"reason": reason} for reason in reasons],
        },
        fault,
    )
