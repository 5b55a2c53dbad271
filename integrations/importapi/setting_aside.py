"""`on_error=reject`: good records of a batch are stored although others are not (promise I2).

A batch is refused whole for one bad record unless its sender asks otherwise. Then the bad ones are told by their
place in the answer, stored with the rest, and end among the rejected records with the same reason.
"""

from django.http import HttpRequest

from integrations.importapi import refusals
from integrations.importapi.faults import header_pointer
from integrations.importapi.parsing import ParsedRequest
from integrations.importapi.refusals import Refusal
from integrations.loading import partial
from integrations.loading.batches import SetAside
from integrations.loading.reading import PARTIAL

REJECT = "reject"
DATA_STEPS = 3  # a path to a value of a record begins with messages, its place, data
LONGEST_TEXT = 1_000


def sets_aside(request: HttpRequest) -> bool:
    """Tell whether bad records are to be set aside; refuse a wish that is not understood."""
    wanted = request.GET.get("on_error")
    if wanted not in (None, REJECT):
        raise refusals.on_error_unknown()
    return wanted == REJECT


def require_whole(request: HttpRequest) -> None:
    """Refuse the wish where records of several tables come together: one may not even say which it is for."""
    if "on_error" in request.GET:
        raise refusals.on_error_unsupported()


def stored_form(parsed: ParsedRequest, body: bytes) -> tuple[str, bytes]:
    """Return the kind and the bytes under which a request is stored."""
    if not parsed.set_aside:
        return parsed.kind, body
    faults = {index: fault_of(refusal) for index, refusal in parsed.set_aside.items()}
    return PARTIAL, partial.joined(faults, body)


def fault_of(refusal: Refusal) -> SetAside:
    """Return a record's refusal as the loader tells it: without its place, which is one of many there."""
    text = text_of(refusal)
    path = tuple(str(step) for step in (refusal.fault.path or ())[DATA_STEPS:])
    prefix = " ".join(text.split(" ", 2)[:2])  # "Record 17"
    if prefix.removeprefix("Record ").isdecimal():
        text = text.replace(prefix, "Record", 1)
    return SetAside(" ".join(text.split()), path)


def told(set_aside: dict[int, Refusal]) -> list[dict[str, object]]:
    """Return the records that were set aside as the answer lists them."""
    return [
        {
            "index": index,
            "code": refusal.fault.code,
            "pointer": header_pointer(refusal.fault.path or ()),
            "error": text_of(refusal)[:LONGEST_TEXT],
        }
        for index, refusal in set_aside.items()
    ]


def text_of(refusal: Refusal) -> str:
    """Return what the documented body says of a refused record."""
    return str(refusal.payload["error"] if isinstance(refusal.payload, dict) else refusal.payload)
