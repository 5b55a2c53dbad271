"""`/v4/sources/{id}/streams`: what a source holds, and what of it is chosen (connect-api.md 2.7, 3.8-3.10, 4)."""

from typing import Any

from django.http import HttpRequest
from ninja import Router

from integrations.connect.responses import Refusal, send, unknown_source
from integrations.connect.schemas import Done, PlainError, SourceError
from integrations.connect.sources import find_integration
from integrations.connect.stream_schemas import InvalidFields, Stream, StreamSchema, StreamsMetadata
from integrations.services.found_streams import found_streams
from integrations.services.locking import IntegrationDeleted
from integrations.services.resets import ExtractionRuns
from integrations.services.selection import SETTABLE_KEYS, apply_metadata, merged_metadata
from integrations.services.selection_refusals import FieldsRefused, MetadataBodyRefused, NotChoosable

router = Router(tags=["Streams"])
BODY_REFUSALS = {
    ("v4/sources/<int:source_id>/streams/metadata", "PUT"): Refusal(
        400, MetadataBodyRefused.message, code=MetadataBodyRefused.code
    )
}


@router.get(
    "sources/{int:source_id}/streams",
    response={200: list[Stream], 401: PlainError, 404: SourceError | PlainError},
    summary="List streams",
    url_name="streams",
)
def stream_list(request: HttpRequest, source_id: int):
    """What the last connection check found; nothing before the first one that went well."""
    found = found_streams(account=request.account, source_id=source_id)
    if found is None:
        raise unknown_source(source_id, status=404)
    return send([stream(*each) for each in found])


@router.get(
    "sources/{int:source_id}/streams/{int:stream_id}",
    response={200: StreamSchema, 400: str, 401: PlainError, 404: PlainError},
    summary="Read a stream's schema",
    by_alias=True,
    url_name="stream",
)
def stream_read(request: HttpRequest, source_id: int, stream_id: int):
    """Its fields, what the source says of each, and what is chosen."""
    integration = request.account.integrations.filter(pk=source_id).first()
    found = integration.streams.found().filter(pk=stream_id).first() if integration is not None else None
    if found is None:
        raise Refusal(400, f"invalid stream-id: {stream_id}", code="invalid_stream_id")
    return send(
        {
            "schema": found.schema,
            "metadata": merged_metadata(found),
            "non-discoverable-metadata-keys": list(SETTABLE_KEYS),
        }
    )


@router.put(
    "sources/{int:source_id}/streams/metadata",
    response={200: Done, 400: str | InvalidFields | SourceError, 401: PlainError, 404: PlainError},
    summary="Select streams and fields",
    url_name="streams-metadata",
)
def streams_choose(request: HttpRequest, source_id: int, body: StreamsMetadata):
    """Choose streams, fields, methods and keys, all that the body says or nothing; what it leaves out stays."""
    integration = find_integration(request, source_id)
    try:
        apply_metadata(
            integration=integration,
            streams=body.streams,
            actor=request.api_key.owner,
            api_key=request.api_key,
        )
    except MetadataBodyRefused as error:
        raise Refusal(400, error.message, code=error.code) from error
    except (FieldsRefused, NotChoosable, ExtractionRuns) as error:
        raise Refusal(400, {"invalid_fields": error.message}, code=error.code) from error
    except IntegrationDeleted as error:
        raise unknown_source(source_id) from error
    return {"status": 200}


def stream(
    pk: int,
    tap_stream_id: str,
    stream_name: str,
    is_selected: bool | None,
    said: dict[str, Any],
    chosen: dict[str, Any] | None,
) -> dict[str, Any]:
    """Return a stream as the Connect API shows it; `selected` and `row-count` are there even when unknown."""
    return {
        "selected": is_selected,
        "stream_id": pk,
        "tap_stream_id": tap_stream_id,
        "stream_name": stream_name,
        "metadata": {"row-count": None, **said, **(chosen or {}), "selected": is_selected},
    }
