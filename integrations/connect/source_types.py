"""`/v4/source-types`: which types of sources there are (connect-api.md 2.1, 3.5, appendix A)."""

from typing import Any

from django.http import HttpRequest
from ninja import Router

from integrations.connect.report_cards import STEPS, report_card
from integrations.connect.responses import refusal
from integrations.connect.schemas import PlainError, SourceError, SourceType
from integrations.services.integrations import IntegrationTypeLimitReached, require_room_for_type

router = Router(tags=["Source types"])


@router.get(
    "source-types",
    response={200: list[SourceType], 401: PlainError},
    summary="List source types",
    url_name="source-types",
)
def source_type_list(request: HttpRequest):
    """Every type; `details.access` says whether this account can create a source of it."""
    return [type_card(request, name) for name in STEPS]


@router.get(
    "source-types/{source_type}",
    response={200: SourceType, 401: PlainError, 404: SourceError | PlainError},
    summary="Read a source type",
    url_name="source-type",
)
def source_type_read(request: HttpRequest, source_type: str):
    """One type, with the properties that a source of it needs."""
    if source_type not in STEPS:
        raise refusal("InvalidType", f"invalid source type ({source_type})", status=404)
    return type_card(request, source_type)


def type_card(request: HttpRequest, name: str) -> dict[str, Any]:
    """Return the card of a type of which nothing is provided yet."""
    details = {
        "pricing_tier": "standard",
        "pipeline_state": "released",
        "default_start_date": "-1 year",
        "default_scheduling_interval": 60,
        "protocol": name,
        "access": has_room(request, name),
        "image_version": "0.latest",
    }
    return report_card(name) | {"details": details, "upgrade_available": None}


def has_room(request: HttpRequest, name: str) -> bool:
    """Tell whether the account's plan has room for a source of the type."""
    try:
        require_room_for_type(request.account, name)
    except IntegrationTypeLimitReached:
        return False
    return True


def tap_of(source_type: str) -> str:
    """Return the name of the tap that reads sources of a type: `tap-github`."""
    return f"tap-{source_type.removeprefix('platform.').removeprefix('hp-')}"
