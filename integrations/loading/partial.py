"""A `/batch` request of which some records were refused when the rest was accepted (promise I2, `on_error=reject`).

It is stored as one line of JSON, the fault of each refused record by its place, and after that the body exactly
as it was sent: what its sender wrote is the record, and nothing in it moves.
"""

from __future__ import annotations

import json

from integrations.loading.batches import SetAside

LONGEST_REASON = 1_000


def joined(set_aside: dict[int, SetAside], body: bytes) -> bytes:
    """Return what is stored for a body and its refused records."""
    faults = {
        str(index): [fault.reason[:LONGEST_REASON], list(fault.path)] for index, fault in set_aside.items()
    }
    return json.dumps(faults, separators=(",", ":")).encode() + b"\n" + body


def split(stored: bytes) -> tuple[dict[int, SetAside], bytes]:
    """Return the refused records by their place, and the body."""
    line, _, body = stored.partition(b"\n")
    faults = json.loads(line)
    return {int(index): SetAside(reason, tuple(path)) for index, (reason, path) in faults.items()}, body
