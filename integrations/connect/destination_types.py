"""`/v4/destination-types`: what this server loads into, as report cards (connect-api.md 2.5, 3.4, B.7).

The embedded warehouse is a type of its own, `duckdb`: an account has at most one, and after it was removed a call
brings it back, as the page does. The published types that nothing here loads into are not listed: a card would
promise a form to fill in. Creating one is refused by name (destinations.py).
"""

from typing import Any

from django.http import HttpRequest
from ninja import Router

from accounts.models import Account
from integrations.connect import responses
from integrations.connect.destination_schemas import DestinationTypeCard
from integrations.connect.schemas import PlainError, SourceError
from integrations.models import Destination, DestinationType
from integrations.services.destination_properties import POSTGRES, DestinationProperty, provided_of
from integrations.services.destinations import embedded_is_offered

router = Router(tags=["Destination types"])
FORMS: dict[str, tuple[DestinationProperty, ...]] = {
    DestinationType.POSTGRES: POSTGRES,
    DestinationType.DUCKDB: (),
}


def report_card(type_: str, provided: set[str]) -> dict[str, Any]:
    """Return how far a destination is set up whose properties of these names have a value."""
    form = FORMS[type_]
    complete = all(each.name in provided for each in form if each.is_required)
    return {
        "type": type_,
        "current_step": 2 if complete else 1,
        "current_step_type": "fully_configured" if complete else "form",
        "steps": [
            {"type": "form", "properties": [property_card(each, each.name in provided) for each in form]},
            {"type": "fully_configured", "properties": []},
        ],
    }


def card_of(destination: Destination) -> dict[str, Any]:
    """Return a destination's report card."""
    return report_card(destination.type, provided_of(destination))


def property_card(each: DestinationProperty, provided: bool) -> dict[str, Any]:
    """Describe one property."""
    return {
        "name": each.name,
        "is_required": each.is_required,
        "is_credential": each.is_credential,
        "system_provided": False,
        "property_type": "user_provided",
        "json_schema": each.json_schema,
        "provided": provided,
    }


def type_card(type_: str, account: Account) -> dict[str, Any]:
    """Return a type's card; `access` tells whether the account may create one now."""
    may_create = type_ != DestinationType.DUCKDB or embedded_is_offered(account=account)
    details = {
        "pricing_tier": "standard",
        "pipeline_state": "released",
        "protocol": type_,
        "access": may_create,
    }
    return report_card(type_, set()) | {"details": details}


@router.get(
    "destination-types",
    response={200: list[DestinationTypeCard], 401: PlainError},
    summary="List destination types",
    url_name="destination-types",
)
def destination_type_list(request: HttpRequest):
    """What this server loads into, and which properties each has."""
    return [type_card(type_, request.account) for type_ in FORMS]


@router.get(
    "destination-types/{destination_type}",
    response={200: DestinationTypeCard, 401: PlainError, 404: SourceError | PlainError},
    summary="Read a destination type",
    url_name="destination-type",
)
def destination_type_read(request: HttpRequest, destination_type: str):
    """One type's report card."""
    if destination_type not in FORMS:
        raise responses.refusal("InvalidType", f"invalid destination type ({destination_type})", status=404)
    return type_card(destination_type, request.account)
