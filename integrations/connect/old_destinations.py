"""`/v3/destinations`: the third version, for programs that never moved on (connect-api.md 1.2, 2.6).

It knows one destination of an account at most, and of the types served here PostgreSQL alone: the embedded warehouse
is not in its list. Parameters stand under `connection`, each in its own JSON type.
"""

from typing import Any

from django.http import HttpRequest
from ninja import Router

from integrations.connect.destination_schemas import (
    BadProperties,
    OldDestination,
    OldDestinationBody,
    Sentence,
)
from integrations.connect.destinations import (
    FIXED_TYPE,
    TRIES,
    UNKNOWN,
    change,
    connection_of,
    find_destination,
    live,
    rules_in_words,
)
from integrations.connect.responses import Refusal, timestamp
from integrations.connect.schemas import PlainError
from integrations.models import Destination, DestinationType
from integrations.services.destination_changes import DestinationChanged, add_postgres_destination
from integrations.services.destination_names import free_name
from integrations.services.destination_properties import properties_of
from integrations.services.destinations import main_destination

router = Router(tags=["Destinations, third version"])
ERRORS = {400: Sentence | BadProperties, 401: PlainError}
BODY = "body must be a map with type = redshift, postgres, or snowflake. required-keys = type, connection"
ONE = "an account can have at most one destination"
UNSUPPORTED = "this server has no destinations of type ({}); it loads into postgres"
BODY_REFUSALS = {
    ("v3/destinations", "POST"): Refusal(400, BODY, code="invalid_body"),
    ("v3/destinations/<int:destination_id>", "PUT"): Refusal(400, BODY, code="invalid_body"),
}


def shown(destination: Destination) -> dict[str, Any]:
    """Return a destination as the third version shows it."""
    check = None
    if destination.check_id is not None:
        check = {
            "error": bool(destination.check_failure),
            "started_at": timestamp(destination.check_started_at),
            "completed_at": timestamp(destination.checked_at),
        }
    return {
        "id": destination.pk,
        "type": destination.type,
        "created_at": timestamp(destination.created_at),
        "updated_at": timestamp(destination.updated_at),
        "connection": properties_of(destination),
        "last_check": check,
    }


@router.get(
    "destinations",
    response={200: list[OldDestination], 401: PlainError},
    summary="List the destination",
    url_name="old-destinations",
)
def old_destination_list(request: HttpRequest):
    """The account's PostgreSQL destination, its first where it has several; an empty list when it has none."""
    return [shown(destination) for destination in present(request)]


def present(request: HttpRequest) -> list[Destination]:
    """Return what the third version knows of the account's destinations: one, or none."""
    return list(live(request.account).filter(type=DestinationType.POSTGRES).order_by("pk")[:1])


@router.post(
    "destinations",
    response={200: OldDestination} | ERRORS,
    summary="Create the destination",
    url_name="old-destinations",
)
def old_destination_create(request: HttpRequest, body: OldDestinationBody):
    """It takes the sources without a destination, and is tested in the background."""
    if body.type != DestinationType.POSTGRES:
        raise Refusal(400, UNSUPPORTED.format(body.type), code="invalid_type")
    if present(request):
        raise Refusal(400, ONE, code="destination_limit")
    main_destination(account=request.account)
    with rules_in_words(body.type, set()):
        connection, _ = connection_of(body.type, body.connection) or (None, False)
        added = add_postgres_destination(
            account=request.account,
            actor=request.api_key.owner,
            names={"display_name": free_name(request.account, body.type), "description": ""},
            connection=connection,
            steps=[],
            api_key=request.api_key,
        )
    return shown(added)


@router.put(
    "destinations/{int:destination_id}",
    response={200: OldDestination, 404: PlainError} | ERRORS,
    summary="Update the destination",
    url_name="old-destination",
)
def old_destination_update(request: HttpRequest, destination_id: int, body: OldDestinationBody):
    """Parameters are merged into the stored ones and tested in the background."""
    for _ in range(TRIES):
        unknown = Refusal(400, UNKNOWN, code="unknown_destination")
        destination = find_destination(request, destination_id, unknown)
        if destination.type != DestinationType.POSTGRES:
            raise unknown
        if body.type != destination.type:
            raise Refusal(400, FIXED_TYPE, code="fixed_type")
        names = {"display_name": destination.display_name, "description": destination.description}
        try:
            return shown(change(request, destination, names, body.connection))
        except DestinationChanged:  # by somebody else, since it was read
            continue
    raise Refusal(400, DestinationChanged.message, code=DestinationChanged.code)
