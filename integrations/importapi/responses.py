"""The exact answers of the Import API (import-api.md 2 and 4): compact JSON, or plain text where it says so."""

import json

from django.http import HttpResponse

from integrations.importapi.faults import Fault
from integrations.importapi.receipts import as_json
from integrations.importapi.refusals import Refusal
from integrations.services.receipts import Receipt

JSON = "application/json;charset=UTF-8"


def json_response(payload: object, *, status: int = 200) -> HttpResponse:
    """Answer compact JSON, non-ASCII unescaped; a lone surrogate keeps its escape."""
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    return HttpResponse(text.encode("utf-8", "backslashreplace"), content_type=JSON, status=status)


def text_response(text: str, *, status: int) -> HttpResponse:
    """Answer one of the few plain-text errors."""
    return HttpResponse(text, content_type="text/plain;charset=UTF-8", status=status)


def refused(refusal: Refusal) -> HttpResponse:
    """Answer a refusal with the body it carries, and its fault in headers."""
    if isinstance(refusal.payload, str):
        response = text_response(refusal.payload, status=refusal.status)
    else:
        response = json_response(refusal.payload, status=refusal.status)
    if refusal.retry_after is not None:
        response["Retry-After"] = str(refusal.retry_after)
    return told(response, refusal.fault)


def told(response: HttpResponse, fault: Fault) -> HttpResponse:
    """Add what programs read about a refusal; the documented body stays as it is."""
    for name, value in fault.headers().items():
        response[name] = value
    return response


def accepted(
    receipt: object, *, repeated: bool = False, rejected: list[dict[str, object]] | None = None
) -> HttpResponse:
    """201: durably stored, loaded later; the receipt rides in a header, and whether it is an earlier one.

    `rejected` are the records set aside, for a sender who asked for them.
    """
    body: dict[str, object] = {"status": "OK", "message": "Batch Accepted!"}
    if rejected is not None:
        body["rejected"] = rejected
    response = json_response(body, status=201)
    response["X-Batch-Id"] = str(receipt)
    if repeated:
        response["Idempotent-Replayed"] = "true"
    return response


def receipt(receipt: Receipt, *, waited: float | None) -> HttpResponse:
    """200: what became of a batch; says so when it was waited for."""
    response = json_response(as_json(receipt))
    if waited is not None:
        response["Preference-Applied"] = f"wait={waited:g}"
    return response


def valid() -> HttpResponse:
    """200 of /validate."""
    return json_response({"status": "OK", "message": "Batch is valid!"})


def status(*, version: str, revision: str, reason: str | None) -> HttpResponse:
    """What /status says; 503 with a reason when data cannot be taken."""
    body = {
        "name": "pipeline.gate",
        "version": version,
        "revision": revision,
        "status": "OK" if reason is None else "ERROR",
        "reason": reason,
    }
    if reason is None:
        return json_response(body)
    return told(json_response(body, status=503), Fault("queue_full"))


def limits(figures: dict[str, int | None]) -> HttpResponse:
    """What /limits says: our own, the published API has no such path."""
    return json_response(figures)


def method_not_allowed(allowed: tuple[str, ...]) -> HttpResponse:
    """405, in plain text."""
    response = text_response("Method not allowed.", status=405)
    response["Allow"] = ", ".join(allowed)
    return told(response, Fault("method_not_allowed"))


def not_found() -> HttpResponse:
    """404 of a path that leads nowhere."""
    return told(json_response({"message": "Not Found"}, status=404), Fault("not_found"))


def unavailable(retry_after: int, fault: Fault) -> HttpResponse:
    """503: nothing was kept, and the same request may succeed later (decision D28)."""
    response = json_response({"message": "Service Unavailable"}, status=503)
    response["Retry-After"] = str(retry_after)
    return told(response, fault)


def server_error() -> HttpResponse:
    """500, without a word about the inside (promise S9)."""
    return told(json_response({"message": "Internal Server Error"}, status=500), Fault("internal_error"))
