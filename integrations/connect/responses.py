"""What the Connect API answers: its documented error bodies and its way of writing JSON and times."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import msgspec
from django.http import HttpResponse

# The published sentences, a typing mistake included (connect-api.md 2.2).
CREATE_BODY = (
    "POST body may only include a non-empty type, a non-empty display_name and map of string properties"
)
UPDATE_BODY = "PUT body many only include the keys: display_name, properties, and paused_at"

CODES = {401: "unauthorized", 404: "not_found", 429: "rate_limited"}
UNAUTHORIZED = {"error": "Unauthorized", "message": "Not Authorized"}
NOT_FOUND = {"error": "NotFound", "message": "Not Found"}


class Refusal(Exception):
    """An answer other than 200, raised where it is found out and sent by one handler."""

    def __init__(
        self, status: int, body: Any, *, code: str = "", headers: dict[str, str] | None = None
    ) -> None:
        self.status, self.body, self.code, self.headers = status, body, code, headers or {}
        super().__init__(status)

    def response(self) -> HttpResponse:
        """Return the answer to send."""
        response = send(self.body, self.status, code=self.code)
        for name, value in self.headers.items():
            response[name] = value
        return response


def send(body: Any, status: int = 200, *, code: str = "") -> HttpResponse:
    """Answer with compact JSON, the form in which the published bodies are printed.

    What went wrong stands in a header too, in a word that never changes: the bodies have no common form.
    """
    response = HttpResponse(written(body), status=status, content_type="application/json; charset=utf-8")
    if code or status >= 400:
        response["X-Error-Code"] = code or error_code(status, body)
    return response


def written(body: Any) -> bytes:
    """Write compact JSON. Half a surrogate pair, which JSON can carry and UTF-8 cannot, is written as an escape."""
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:
        return json.dumps(body, separators=(",", ":")).encode()


def error_code(status: int, body: Any) -> str:
    """Return the word for an error: the one in its body, as `invalid_name`, or what its status says."""
    named = body.get("error") if isinstance(body, dict) else None
    if isinstance(named, dict):
        named = named.get("type")
    if isinstance(named, str) and named:
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", named).lower()
    return CODES.get(status, "invalid_request")


def unauthorized() -> HttpResponse:
    """Answer for every request that no valid key of the account comes with (promise P9: always the same)."""
    response = send(UNAUTHORIZED, 401)
    response["WWW-Authenticate"] = "Bearer"
    return response


def not_found() -> HttpResponse:
    """Answer for unknown paths and, as documented, for methods that a path does not have."""
    return send(NOT_FOUND, 404)


def refusal(error: str, message: str, *, status: int = 400, code: str = "", **more: Any) -> Refusal:
    """Build the error of the sources' endpoints (envelope A of connect-api.md 1.9)."""
    return Refusal(status, {"error": error, "data": {"message": message} | more}, code=code)


def unknown_source(source_id: int, *, status: int = 400) -> Refusal:
    """Build the refusal for a source that the account does not have."""
    return refusal("InvalidId", f"source not found ({source_id})", status=status)


def timestamp(moment: datetime | None) -> str | None:
    """Write a time as `2024-03-05T21:00:00Z`; clients parse exactly this form and compare it as text."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="seconds").removesuffix("+00:00") + "Z"
