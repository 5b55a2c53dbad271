"""Report cards: which set-up steps a source has behind it (connect-api.md 3.4, B.2)."""

from typing import Any

from ninja import Schema

STEPS = {"import_api": ("form", "fully_configured")}


class Step(Schema):
    """One step of a source's set-up."""

    type: str
    properties: list[dict[str, Any]]


class ReportCard(Schema):
    """How far a source is set up; steps count from 1."""

    type: str
    current_step: int
    current_step_type: str
    steps: list[Step]


def report_card(source_type: str) -> dict[str, Any]:
    """Return the card of a source; an Import API source is fully configured from its creation."""
    steps = STEPS[source_type]
    return {
        "type": source_type,
        "current_step": len(steps),
        "current_step_type": steps[-1],
        "steps": [{"type": step, "properties": []} for step in steps],
    }
