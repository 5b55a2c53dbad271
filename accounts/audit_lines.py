"""The audit trail as people read it: on the Activity page and in CSV rows."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from accounts.audit import Event
from accounts.models import AuditEvent
from stitchapp.formats import key_time

LABELS = {event.value: event.label for event in Event}
COLUMNS = (
    "time_utc",
    "event",
    "what_happened",
    "person",
    "email",
    "by_support",
    "with_api_key",
    "object_type",
    "object_id",
    "object_name",
    "detail",
    "address",
    "route",
    "request_id",
)


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One event in words."""

    event: AuditEvent

    @property
    def label(self) -> str:
        return LABELS.get(self.event.event, self.event.event)

    @property
    def subject(self) -> str:
        """What it happened to; a key also by its last four characters."""
        last_four = self.event.detail.get("last_four")
        ending = f" (ending in {last_four})" if last_four else ""
        return f"{self.event.object_name}{ending}"

    @property
    def remark(self) -> str:
        """What changed, and why, where the event says so."""
        detail = self.event.detail
        parts = []
        if "before" in detail and "after" in detail:
            parts.append(f"From “{detail['before']}” to “{detail['after']}”.")
        if detail.get("until"):
            parts.append(f"Until {key_time(datetime.fromisoformat(detail['until']))}.")
        if detail.get("reason"):
            parts.append(f"Reason: {detail['reason']}.")
        if self.event.api_key_last_four:
            parts.append(f"Through the API, with the key ending in {self.event.api_key_last_four}.")
        return " ".join(parts)


def audit_lines(events: Iterable[AuditEvent]) -> list[AuditLine]:
    """Return the events as lines."""
    return [AuditLine(event) for event in events]


def csv_rows(events: Iterable[AuditEvent]) -> Iterator[list[str]]:
    """Yield the head and one row for each event."""
    yield list(COLUMNS)
    for event in events:
        actor = event.actor
        cells = (
            event.at.isoformat(timespec="seconds"),
            event.event,
            LABELS.get(event.event, event.event),
            actor.get_full_name() if actor else "",
            actor.email if actor else "",
            "yes" if event.by_staff else "no",
            event.api_key_last_four,
            event.object_type,
            "" if event.object_id is None else str(event.object_id),
            event.object_name,
            json.dumps(event.detail, ensure_ascii=False) if event.detail else "",
            event.address or "",
            event.route,
            event.request_id,
        )
        yield list(cells)
