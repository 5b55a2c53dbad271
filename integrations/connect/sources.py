"""`/v4/sources`: list, create, read, update, pause and delete integrations (connect-api.md 2.2)."""

import json
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from ninja import Router

from accounts.errors import DomainError, PlanRequired
from accounts.models import Account
from integrations.connect import responses
from integrations.connect.report_cards import source_report_card, type_report_card
from integrations.connect.responses import refusal, send, timestamp, unknown_source
from integrations.connect.schemas import PlainError, Source, SourceCreate, SourceError, SourceUpdate
from integrations.models import Destination, Integration
from integrations.services.destinations import destinations_of
from integrations.services.integration_updates import (
    SourceTypeUnavailable,
    UnknownSourceType,
    create_mapped_integration,
    update_integration,
)
from integrations.services.integrations import IntegrationTypeLimitReached, delete_integration
from integrations.services.latest_jobs import last_checks
from integrations.services.locking import IntegrationDeleted
from integrations.services.schedules import InvalidCron, Schedule, schedule_of
from integrations.services.schema_names import (
    InvalidSchemaName,
    NameRefused,
    NameTaken,
    derive_schema_name,
)
from integrations.services.source_properties import BadProperties, shown_properties
from integrations.sources.registry import find_source_type, looked_up_once

router = Router(tags=["Sources"])
ERRORS = {400: SourceError, 401: PlainError}
PROPERTY_REFUSALS = (BadProperties, InvalidCron, PlanRequired)


def sources(account: Account, integrations: QuerySet[Integration]) -> list[dict[str, Any]]:
    """Return an account's integrations as the Connect API shows them."""
    with looked_up_once():
        return shown(account, integrations)


def shown(account: Account, integrations: QuerySet[Integration]) -> list[dict[str, Any]]:
    found = list(integrations.select_related("destination"))
    destinations = destinations_of(account=account, integrations=found)
    checks = last_checks(account=account, integrations=found)
    now = timezone.now()
    cards: dict[tuple[object, ...], dict[str, Any]] = {}
    return [
        {
            "properties": shown_properties(integration),
            "description": None,
            "updated_at": timestamp(integration.updated_at),
            "schedule": schedule(schedule_of(integration, now)),
            "check_job_name": checks.get(integration.pk),
            "name": integration.schema_name,
            "mapped_destination_ids": [destination.pk]
            if (destination := destinations[integration.pk])
            else [],
            "type": integration.type,
            "deleted_at": timestamp(integration.deleted_at),
            "system_paused_at": timestamp(integration.system_paused_at),
            "stitch_client_id": account.client_id,
            "paused_at": timestamp(integration.paused_at),
            "id": integration.pk,
            "display_name": integration.display_name,
            "created_at": timestamp(integration.created_at),
            "report_card": source_report_card(integration, cards),
        }
        for integration in found
    ]


def schedule(planned: Schedule | None) -> dict[str, Any] | None:
    """Return when a source's extractions start, as the Connect API shows it."""
    if planned is None:
        return None
    next_fire_time = timestamp(planned.next_run_at)
    if planned.cron_expression is not None:
        return {"type": "cron", "cron_expression": planned.cron_expression, "next_fire_time": next_fire_time}
    interval = float(planned.minutes or 0)
    return {"type": "interval", "unit": "minute", "interval": interval, "next_fire_time": next_fire_time}


def source(integration: Integration) -> dict[str, Any]:
    """Return one integration, as it stands now, as the Connect API shows it."""
    account = integration.account
    return sources(account, account.integrations.filter(pk=integration.pk))[0]


def find_integration(request: HttpRequest, source_id: int, *, status: int = 400) -> Integration:
    """Return the account's integration, deleted ones too; refuse an unknown id with `status`."""
    integration = request.account.integrations.filter(pk=source_id).first()
    if integration is None:
        raise unknown_source(source_id, status=status)
    return integration


@router.get(
    "sources", response={200: list[Source], 401: PlainError}, summary="List sources", url_name="sources"
)
def source_list(request: HttpRequest):
    """Every source of the account: active, paused and deleted."""
    return send(sources(request.account, request.account.integrations.order_by("pk")))


@router.post("sources", response={200: Source} | ERRORS, summary="Create a source", url_name="sources")
def source_create(request: HttpRequest, body: SourceCreate):
    """A source is saved even when properties are missing; when none is, its connection is checked.

    One of type import_api is ready at once; its Import API tokens are made by a call of their own.
    """
    if not body.display_name.strip():
        raise refusal("InvalidBody", responses.CREATE_BODY)
    try:
        integration = create_mapped_integration(
            account=request.account,
            actor=request.api_key.owner,
            display_name=body.display_name,
            schema_name=body.name if "name" in body.model_fields_set else None,
            destination=find_destination(request, body, responses.CREATE_BODY),
            api_key=request.api_key,
            type=body.type,
            properties=body.properties,
        )
    except UnknownSourceType as error:
        raise refusal("InvalidType", f"invalid source type ({body.type})") from error
    except NameRefused as error:
        raise name_refusal(error, body.display_name) from error
    except PROPERTY_REFUSALS as error:
        raise property_refusal(error, new_card(body.type)) from error
    except (IntegrationTypeLimitReached, SourceTypeUnavailable) as error:
        raise refusal("AccessDenied", f"you do not have access to source type ({body.type})") from error
    return source(integration)


@router.get(
    "sources/{int:source_id}",
    response={200: Source, 401: PlainError, 404: SourceError | PlainError},
    summary="Read a source",
    url_name="source",
)
def source_read(request: HttpRequest, source_id: int):
    """One source, a deleted one too."""
    return source(find_integration(request, source_id, status=404))


@router.put(
    "sources/{int:source_id}",
    response={200: Source, 404: PlainError} | ERRORS,
    summary="Update a source",
    url_name="source",
)
def source_update(request: HttpRequest, source_id: int, body: SourceUpdate):
    """Rename, pause, let go on, or load into another destination; all of it or nothing."""
    integration = find_integration(request, source_id)
    sent = body.model_fields_set
    if "display_name" in sent and not isinstance(body.display_name, str):
        shown = json.dumps(body.display_name, separators=(",", ":"))
        raise refusal("InvalidDisplayName", f"invalid display_name ({shown})")
    changes = {key: getattr(body, key) for key in ("display_name", "paused_at", "properties") if key in sent}
    if "destination_id" in sent:
        changes["destination"] = find_destination(request, body, responses.UPDATE_BODY)
    try:
        integration = update_integration(
            integration=integration,
            actor=request.api_key.owner,
            api_key=request.api_key,
            changes=changes,
        )
    except NameRefused as error:
        raise refusal("InvalidDisplayName", f"invalid display_name ({body.display_name})") from error
    except PROPERTY_REFUSALS as error:
        raise property_refusal(error, source_report_card(integration)) from error
    except IntegrationDeleted as error:
        raise unknown_source(source_id) from error
    return source(integration)


@router.delete(
    "sources/{int:source_id}",
    response={200: Source, 404: PlainError} | ERRORS,
    summary="Delete a source",
    url_name="source",
)
def source_delete(request: HttpRequest, source_id: int):
    """Pushes are refused at once; what was loaded stays in the destination."""
    integration = find_integration(request, source_id)
    try:
        deleted = delete_integration(
            integration=integration, actor=request.api_key.owner, api_key=request.api_key
        )
    except IntegrationDeleted as error:
        raise unknown_source(source_id) from error
    return source(deleted)


def new_card(name: str) -> dict[str, Any]:
    """Return the card of a source that was not created, of a type that there is."""
    source_type = find_source_type(name)
    assert source_type is not None  # noqa: S101 - the creation found it
    return type_report_card(source_type)


def property_refusal(error: DomainError, card: dict[str, Any]) -> responses.Refusal:
    """Tell in the API's words which properties are wrong, or why a cron expression is refused."""
    if isinstance(error, BadProperties):
        message = "properties do not match schema"
        more = {"bad_properties": sorted(error.names), "report_card": card}
        code = "invalid_properties" if error.code == BadProperties.code else error.code
        return refusal("InvalidProperties", message, code=code, **more)
    if isinstance(error, InvalidCron):
        return refusal("InvalidCronExpression", error.message)
    return refusal("AccessDenied", "access to cron_expression based scheduling is not permitted")


def find_destination(
    request: HttpRequest, body: SourceCreate | SourceUpdate, message: str
) -> Destination | None:
    """Return the destination that the body names; None when it names none."""
    if "destination_id" not in body.model_fields_set:
        return None
    destination = request.account.destinations.filter(pk=body.destination_id, deleted_at=None).first()
    if destination is None:
        raise refusal("InvalidBody", message)
    return destination


def name_refusal(error: NameRefused, display_name: str) -> responses.Refusal:
    """Tell in the API's words what is wrong with the names of a source to create."""
    if isinstance(error, NameTaken) or (
        isinstance(error, InvalidSchemaName) and error.field == "schema_name"
    ):
        return refusal("InvalidName", error.message)
    derived = derive_schema_name(display_name)
    if isinstance(error, InvalidSchemaName) or not derived:
        return refusal(
            "InvalidDisplayName",
            f"invalid name after deriving it from display_name ({display_name} -> {derived})",
        )
    return refusal("InvalidDisplayName", f"invalid display_name ({display_name})")
