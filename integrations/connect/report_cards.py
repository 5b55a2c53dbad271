"""Report cards: the steps that set a source up, and how far they are done (connect-api.md 3.4, 3.6)."""

from collections.abc import Collection
from typing import Any

from ninja import Schema
from pydantic import BaseModel

from integrations.models import Integration, SetUpStep
from integrations.services.source_properties import provided
from integrations.sources.property_values import is_complete
from integrations.sources.registry import find_source_type
from integrations.sources.source_types import READ_ONLY, Property, SourceType


class CardProperty(BaseModel):
    """A property of a source: what it may be, and whether it has a value."""

    name: str
    is_required: bool
    is_credential: bool
    system_provided: bool
    property_type: str
    json_schema: dict[str, Any] | None
    provided: bool
    tap_mutable: bool


class Step(Schema):
    """One step of a source's set-up."""

    type: str
    properties: list[CardProperty]


class ReportCard(Schema):
    """How far a source is set up; steps count from 1."""

    type: str
    current_step: int
    current_step_type: str
    steps: list[Step]


def type_report_card(source_type: SourceType) -> dict[str, Any]:
    """Return the card of a type, of which nothing is provided yet."""
    step = source_type.steps[0]
    if source_type.is_push or is_complete(source_type, ()):
        step = source_type.steps[1]
    return card(source_type, step, ())


def source_report_card(
    integration: Integration, known: dict[tuple[object, ...], dict[str, Any]] | None = None
) -> dict[str, Any]:
    """Return the card of a source as it stands.

    One whose type is not declared on this server any more keeps its step; nothing is known of its form. Of many
    sources most have the same card: `known` keeps those that were made.
    """
    source_type = find_source_type(integration.type)
    if source_type is None:
        source_type = SourceType(name=integration.type, label=integration.type)
    given = {"image_version"} if source_type.is_push else provided(integration) | {"image_version"}
    if known is None:
        return card(source_type, integration.step, given)
    key = integration.type, integration.step, frozenset(given)
    if key not in known:
        known[key] = card(source_type, integration.step, given)
    return known[key]


def card(source_type: SourceType, step: str, given: Collection[str]) -> dict[str, Any]:
    """Return the card at a step; a type without the step of its source stands at its last."""
    steps = source_type.steps
    current = step if step in steps else SetUpStep.FULLY_CONFIGURED
    return {
        "type": source_type.name,
        "current_step": steps.index(current) + 1,
        "current_step_type": str(current),
        "steps": [
            {
                "type": each,
                "properties": [
                    card_property(item, item.name in given)
                    for item in (source_type.properties if each == SetUpStep.FORM else ())
                ],
            }
            for each in steps
        ],
    }


def card_property(item: Property, is_provided: bool) -> dict[str, Any]:
    """Return a property as the Connect API shows it."""
    return {
        "name": item.name,
        "is_required": item.is_required,
        "is_credential": item.is_credential,
        "system_provided": item.property_type == READ_ONLY,
        "property_type": item.property_type,
        "json_schema": item.json_schema,
        "provided": is_provided,
        "tap_mutable": item.tap_mutable,
    }
