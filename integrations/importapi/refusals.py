"""Why a request is not taken: a status with its documented body (import-api.md 4.2 to 4.5)."""

from collections.abc import Sequence

Payload = dict[str, object] | str

MAX_SEQUENCE = 2**63 - 1
MIN_SEQUENCE = -(2**63)
MAX_RECORDS = 20_000
MAX_DATA_POINTS = 10_000
MAX_STRING_KEY = 1024


class Refusal(Exception):
    """The request is refused; `payload` is the JSON body, or the text of a plain-text answer."""

    def __init__(self, status: int, payload: Payload) -> None:
        super().__init__(status, payload)
        self.status = status
        self.payload = payload


def inactive() -> Refusal:
    """The integration is paused or deleted; the word Forbidden under 401 is documented so."""
    return Refusal(401, {"error": "Forbidden", "errors": {"error": "Connection is not active."}})


def too_large(size: int) -> Refusal:
    """The body is over the limit."""
    message = f"Request rejected: request size ({size} bytes) exceeds the maximum"
    return Refusal(413, {"status": "ERROR", "message": message})


def unknown_encoding(encoding: str) -> Refusal:
    """The body came in a Content-Encoding other than gzip."""
    message = f"Unsupported content-encoding {encoding}. Please send gzip or no content-encoding"
    return Refusal(415, {"status": "ERROR", "message": message})


# --- /batch


def batch_not_authorized() -> Refusal:
    """The token is missing, unknown or revoked."""
    return Refusal(401, {"message": "Not Authorized"})


def batch_content_type() -> Refusal:
    """Only JSON is taken, and only under its own name."""
    return Refusal(415, "Content-Type must be application/json")


def batch_malformed() -> Refusal:
    """The body is not JSON."""
    return Refusal(400, {"error": "Malformed json in the body!"})


def batch_request(lines: Sequence[str]) -> Refusal:
    """The request is not shaped as it has to be."""
    return Refusal(400, {"error": "Request failed validation:" + "\n".join(lines)})


def batch_record(index: int, lines: Sequence[str]) -> Refusal:
    """The record at `index` does not conform to the schema that came with it."""
    listed = "".join(f"{line}\n" for line in lines)
    return Refusal(400, {"error": f"Record {index} did not conform to schema:\n{listed}"})


def batch_key_missing(name: str) -> Refusal:
    """A key is missing or null in a record, or unknown to the schema."""
    return Refusal(400, {"error": f"Record is missing key property {name}"})


def batch_schema(text: str) -> Refusal:
    """The schema itself cannot be used."""
    return Refusal(400, {"error": f"Invalid JSON schema: {text}"})


def batch_data_points(index: int) -> Refusal:
    """The record at `index` holds too many values."""
    return Refusal(400, {"error": f"Record {index} exceeds the maximum of {MAX_DATA_POINTS} data points"})


# --- /push and /validate


def push_not_authenticated() -> Refusal:
    """No usable token, or no client_id."""
    return Refusal(401, {"status": "ERROR", "error": "Not Authenticated.", "errors": None})


def push_content_type(content_type: str) -> Refusal:
    """Neither JSON nor Transit; echoes what came."""
    message = (
        f"Unsupported content-type {content_type}. Please send application/json or application/transit+json"
    )
    return Refusal(415, {"status": "ERROR", "message": message})


def push_malformed(message: str, *, line: int, column: int, kind: str = "json") -> Refusal:
    """The body is not JSON (or Transit); says where it stops being so."""
    error = f"{message}\n at [Source: request body; line: {line}, column: {column}]"
    return Refusal(
        400, {"status": "ERROR", "message": f"Malformed {kind} in the body!", "error": error, "input": None}
    )


def push_not_an_array() -> Refusal:
    """The root is not an array of maps, or it is empty."""
    return Refusal(400, {"status": "ERROR", "message": "An array of records is expected"})


def push_too_many() -> Refusal:
    """More records than one request may hold."""
    return Refusal(
        400, {"status": "ERROR", "message": f"An array of at most {MAX_RECORDS} records is expected"}
    )


def push_forbidden() -> Refusal:
    """The client_id is not that of the token's account."""
    errors = {"error": "Access token is not associated with this client."}
    return Refusal(403, {"status": "ERROR", "error": "Forbidden", "errors": errors})


def push_several_clients(client_id: int) -> Refusal:
    """Not every record carries the same client_id."""
    reason = f"The batch contains data points for multiple clients. Only client_id {client_id} is allowed"
    return push_invalid([reason])


def push_invalid(reasons: Sequence[str | dict[str, list[str]]]) -> Refusal:
    """One or more records are invalid, each with its reason."""
    return Refusal(
        422,
        {
            "status": "ERROR",
            "error": "Request cannot be processed; see errors.",
            "errors": [{"reason": reason} for reason in reasons],
        },
    )
