"""`/v4/destinations`: list, create, read, update, delete, and the last check (connect-api.md 2.6, 3.3).

`name` is what the pages call the display name; `display_name` is null as in every published answer. The internal
`"status": "1"` of some published answers is left out: nothing here produces it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.http import HttpRequest
from ninja import Router

from accounts.errors import DomainError
from accounts.models import Account
from integrations.connect import responses
from integrations.connect.destination_schemas import (
    BadProperties,
    ConnectionCheck,
    DestinationCreate,
    DestinationUpdate,
    Nothing,
    Sentence,
)
from integrations.connect.destination_schemas import Destination as DestinationShape
from integrations.connect.destination_types import FORMS, card_of, report_card
from integrations.connect.responses import Refusal, timestamp
from integrations.connect.schemas import PlainError
from integrations.models import Destination, DestinationType
from integrations.services.destination_changes import (
    DestinationChanged,
    DestinationGone,
    add_embedded_destination,
    add_postgres_destination,
    remove_destination,
    update_destination,
)
from integrations.services.destination_connections import Connection
from integrations.services.destination_names import Names, free_name
from integrations.services.destination_properties import (
    BadDestinationProperties,
    connection_from,
    properties_of,
    provided_of,
)
from integrations.services.destinations import destination_of, embedded_is_offered, main_destination

router = Router(tags=["Destinations"])
ERRORS = {400: Sentence, 401: PlainError}
WITH_PROPERTIES = {400: Sentence | BadProperties, 401: PlainError}
CREATE_BODY = (
    "POST body may only include a type, a name, a description, map of properties, "
    "and boolean for unmapped sources"
)
UPDATE_BODY = "PUT body may only include a map of properties, a name, and a description"
FIXED_TYPE = "this API endpoint does not support modifying destination type"
UNKNOWN = "invalid connection id"
FILTERS = "GET may only include the params: source_id and/or destination_id"
EMBEDDED_ONCE = "the embedded warehouse is in use by this account already, or switched off on this server"
TRIES = 3
BODY_REFUSALS = {
    ("v4/destinations", "POST"): Refusal(400, CREATE_BODY, code="invalid_body"),
    ("v4/destinations/<int:destination_id>", "PUT"): Refusal(400, UPDATE_BODY, code="invalid_body"),
}


def shown(destination: Destination) -> dict[str, Any]:
    """Return a destination as the API shows it: properties as texts, credentials left out."""
    check = {"check_job_name": destination.check_name} if destination.check_id else {}
    return {
        "description": destination.description or None,
        "properties": {name: as_text(value) for name, value in properties_of(destination).items()},
        "updated_at": timestamp(destination.updated_at),
        **check,
        "name": destination.display_name,
        "type": destination.type,
        "deleted_at": timestamp(destination.deleted_at),
        "system_paused_at": None,
        "stitch_client_id": destination.account.client_id,
        "paused_at": None,
        "id": destination.pk,
        "display_name": None,
        "created_at": timestamp(destination.created_at),
        "report_card": card_of(destination),
    }


def as_text(value: object) -> str:
    """Write a property's value as a text."""
    return str(value).lower() if isinstance(value, bool) else str(value)


@router.get(
    "destinations",
    response={200: list[DestinationShape]} | ERRORS,
    summary="List destinations",
    url_name="destinations",
    exclude_unset=True,
    openapi_extra={
        "parameters": [
            {"in": "query", "name": name, "required": False, "schema": {"type": "integer"}}
            for name in ("source_id", "destination_id")
        ]
    },
)
def destination_list(request: HttpRequest):
    """The account's destinations; with source_id the one that the source loads into."""
    params = request.GET.dict()
    numbers = {name: whole(value) for name, value in params.items()}
    if not set(numbers) <= {"source_id", "destination_id"} or None in numbers.values():
        raise Refusal(400, FILTERS)
    main_destination(account=request.account)  # the embedded one comes into being when it is first asked for
    found = list(live(request.account).order_by("pk"))
    if "destination_id" in numbers:
        found = [destination for destination in found if destination.pk == numbers["destination_id"]]
    if "source_id" in numbers:
        integration = request.account.integrations.filter(pk=numbers["source_id"]).first()
        into = destination_of(integration=integration) if integration is not None else None
        found = [destination for destination in found if destination == into]
    return [shown(destination) for destination in found]


def whole(text: str) -> int | None:
    """Read a number of the query; None when it is none."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 30 else None


def live(account: Account):
    """Return the destinations that were not deleted."""
    return account.destinations.live().select_related("account")


@router.post(
    "destinations",
    response={200: DestinationShape} | WITH_PROPERTIES,
    summary="Create a destination",
    url_name="destinations",
    exclude_unset=True,
)
def destination_create(request: HttpRequest, body: DestinationCreate):
    """It is tested in the background: read its last connection check. How many an account may have is in its plan."""
    if body.type not in FORMS:
        raise Refusal(400, unsupported(body.type), code="invalid_type")
    name = body.name if "name" in body.model_fields_set else free_name(request.account, body.type)
    names: Names = {"display_name": name, "description": body.description}
    main_destination(account=request.account)
    if body.type == DestinationType.DUCKDB and not embedded_is_offered(account=request.account):
        raise Refusal(400, EMBEDDED_ONCE, code="embedded_in_use")
    asked = {
        "account": request.account,
        "actor": request.api_key.owner,
        "api_key": request.api_key,
        "names": names,
        "takes_unmapped": not body.ignore_unmapped_sources,
    }
    with rules_in_words(body.type, set()):
        connection = connection_of(body.type, body.properties)
        if connection is None:
            return shown(add_embedded_destination(**asked))
        return shown(add_postgres_destination(connection=connection[0], steps=[], **asked))


def connection_of(
    type_: str, properties: dict[str, Any], stored: Destination | None = None
) -> tuple[Connection, bool] | None:
    """Return the connection that properties describe; None for the embedded warehouse, which has none."""
    if type_ == DestinationType.DUCKDB:
        if properties:
            raise BadDestinationProperties(dict.fromkeys(properties, "This type has no properties."))
        return None
    return connection_from(properties, stored=stored)


@contextmanager
def rules_in_words(type_: str, provided: set[str]) -> Iterator[None]:
    """Tell in the API's words which rule said no."""
    try:
        yield
    except BadDestinationProperties as error:
        raise responses.refusal(
            "InvalidProperties",
            error.message,
            bad_properties=list(error.reasons),
            report_card=report_card(type_, provided),
            reasons=error.reasons,
        ) from error
    except DestinationGone as error:
        raise Refusal(400, UNKNOWN, code="unknown_destination") from error
    except DomainError as error:
        raise Refusal(400, error.message, code=error.code) from error


def unsupported(type_: str) -> str:
    """Say that this server cannot load into a type, and into what it can."""
    return f"this server has no destinations of type ({type_}); it loads into {' and '.join(FORMS)}"


@router.get(
    "destinations/{int:destination_id}",
    response={200: DestinationShape, 401: PlainError, 404: PlainError},
    summary="Read a destination",
    url_name="destination",
    exclude_unset=True,
)
def destination_read(request: HttpRequest, destination_id: int):
    """One destination that was not deleted."""
    return shown(find_destination(request, destination_id, Refusal(404, responses.NOT_FOUND)))


@router.put(
    "destinations/{int:destination_id}",
    response={200: DestinationShape, 404: PlainError} | WITH_PROPERTIES,
    summary="Update a destination",
    url_name="destination",
    exclude_unset=True,
)
def destination_update(request: HttpRequest, destination_id: int, body: DestinationUpdate):
    """Properties are merged into the stored ones and tested in the background.

    A stored password is not sent to another host, port or user, nor without SSL where it was sent with: give it again.
    """
    sent = body.model_fields_set
    if not sent - {"type"}:
        raise Refusal(400, UPDATE_BODY, code="invalid_body")
    for _ in range(TRIES):
        destination = find_destination(
            request, destination_id, Refusal(400, UNKNOWN, code="unknown_destination")
        )
        if "type" in sent and body.type != destination.type:
            raise Refusal(400, FIXED_TYPE, code="fixed_type")
        names: Names = {
            "display_name": body.name if "name" in sent else destination.display_name,
            "description": body.description if "description" in sent else destination.description,
        }
        try:
            return shown(
                change(request, destination, names, body.properties if "properties" in sent else None)
            )
        except DestinationChanged:  # by somebody else, since it was read: merge into what is there now
            continue
    raise Refusal(400, DestinationChanged.message, code=DestinationChanged.code)


def change(
    request: HttpRequest, destination: Destination, names: Names, properties: dict[str, Any] | None
) -> Destination:
    """Change a destination's names and, with `properties`, where it is. Raises DestinationChanged."""
    with rules_in_words(destination.type, provided_of(destination)):
        described = connection_of(destination.type, properties or {}, destination)
        connection, password_changed = described if described and properties is not None else (None, False)
        try:
            return update_destination(
                destination=destination,
                actor=request.api_key.owner,
                believed_revision=destination.revision,
                names=names,
                connection=connection,
                password_changed=password_changed,
                api_key=request.api_key,
            )
        except DestinationChanged as error:
            changed = error
    raise changed


@router.delete(
    "destinations/{int:destination_id}",
    response={200: Nothing, 404: PlainError} | ERRORS,
    summary="Delete a destination",
    url_name="destination",
)
def destination_delete(request: HttpRequest, destination_id: int):
    """Its sources are paused until they are mapped to another and go on; its post-load hooks are deleted.

    What was loaded stays in the warehouse.
    """
    missing = Refusal(
        400,
        f"Unable to locate dest ({destination_id}) for client ({request.account.client_id}) to delete",
        code="unknown_destination",
    )
    destination = find_destination(request, destination_id, missing)
    try:
        remove_destination(destination=destination, actor=request.api_key.owner, api_key=request.api_key)
    except DestinationGone as error:  # by another request, between the two statements
        raise missing from error
    return {}


@router.get(
    "destinations/{int:destination_id}/last-connection-check",
    response={200: ConnectionCheck, 401: PlainError, 404: PlainError},
    summary="Read a destination's last connection check",
    url_name="destination-check",
)
def destination_check(request: HttpRequest, destination_id: int):
    """Poll it until its status is succeeded or failed; the reason stands in discovery_error_message."""
    missing = Refusal(404, responses.NOT_FOUND)
    destination = find_destination(request, destination_id, missing)
    if destination.check_id is None:
        raise missing
    ended = destination.checked_at is not None
    failed = ended and not destination.check_passed
    return {
        "target_exit_status": None,
        "tap_error_message": None,
        "check_exit_status": int(failed) if ended else None,
        "name": destination.check_name,
        "start_time": timestamp(destination.check_started_at),
        "mode": "check",
        "tap_exit_status": None,
        "target_error_message": None,
        "discovery_exit_status": None,
        "status": "failed" if failed else "succeeded" if ended else "running",
        "completion_time": timestamp(destination.checked_at),
        "error": failed,
        "discovery_error_message": destination.check_failure or None,
    }


def find_destination(request: HttpRequest, destination_id: int, missing: Refusal) -> Destination:
    """Return the account's destination; raise `missing` for an unknown, another account's or a deleted one."""
    destination = live(request.account).filter(pk=destination_id).first()
    if destination is None:
        raise missing
    return destination
