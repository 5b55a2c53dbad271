"""`/v4/source-types`: which types of sources there are (connect-api.md 2.1, 3.5, appendix A)."""

from typing import Any

from django.http import HttpRequest
from ninja import Router

from integrations.connect.report_cards import type_report_card
from integrations.connect.responses import refusal, send
from integrations.connect.schemas import PlainError, SourceError, SourceType
from integrations.services.integrations import IntegrationTypeLimitReached, require_room_for_type
from integrations.sources.registry import find_source_type, source_types
from integrations.sources.source_types import SourceType as Declared

router = Router(tags=["Source types"])
STATES = {"certified": "released", "community": "beta"}


@router.get(
    "source-types",
    response={200: list[SourceType], 401: PlainError},
    summary="List source types",
    url_name="source-types",
)
def source_type_list(request: HttpRequest):
    """Every type of this server; `details.access` says whether this account can create a source of it now."""
    return send([type_card(request, source_type) for source_type in source_types()])


@router.get(
    "source-types/{source_type}",
    response={200: SourceType, 401: PlainError, 404: SourceError | PlainError},
    summary="Read a source type",
    url_name="source-type",
)
def source_type_read(request: HttpRequest, source_type: str):
    """One type, with the properties that a source of it needs."""
    found = find_source_type(source_type)
    if found is None:
        raise refusal("InvalidType", f"invalid source type ({source_type})", status=404)
    return send(type_card(request, found))


def type_card(request: HttpRequest, source_type: Declared) -> dict[str, Any]:
    """Return the card of a type of which nothing is provided yet."""
    details = {
        "pricing_tier": "standard",
        "pipeline_state": STATES.get(source_type.support, "beta"),
        "default_start_date": source_type.default_start_date,
        "default_scheduling_interval": source_type.default_frequency,
        "protocol": source_type.protocol or source_type.name,
        "access": not source_type.unavailable_reason and has_room(request, source_type.name),
        "image_version": source_type.image_version,
    }
    return type_report_card(source_type) | {"details": details, "upgrade_available": None}


def has_room(request: HttpRequest, name: str) -> bool:
    """Tell whether the account's plan has room for a source of the type."""
    try:
        require_room_for_type(request.account, name)
    except IntegrationTypeLimitReached:
        return False
    return True


def tap_of(source_type: str) -> str:
    """Return the name of the tap that reads sources of a type: `tap-github`."""
    found = find_source_type(source_type)
    if found is not None and found.tap:
        return found.tap if found.tap.startswith("tap-") else f"tap-{found.tap}"
    return f"tap-{source_type.removeprefix('platform.').removeprefix('hp-')}"
