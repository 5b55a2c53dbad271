"""The Connect API as a whole: its parser, its errors, its OpenAPI document."""

import functools
import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.operation import Operation
from ninja.renderers import JSONRenderer
from ninja.security import HttpBearer

from accounts.errors import DomainError
from integrations.connect import (
    checks,
    custom_emails,
    destination_types,
    destinations,
    extractions,
    hooks,
    jobs,
    loads,
    old_destinations,
    responses,
    source_types,
    sources,
    streams,
    sync,
    tokens,
)
from integrations.connect.links import add_links

DESCRIPTION = (
    "Create and run integrations by program. Every request carries an API access key of the account: "
    "`Authorization: Bearer <key>`. A method that a path does not have is answered like an unknown path, 404. "
    "Times are UTC, without a fraction of a second."
)


class CompactRenderer(JSONRenderer):
    """Writes JSON as the published bodies are printed: without blanks."""

    json_dumps_params = {"separators": (",", ":")}


class ApiAccessKey(HttpBearer):
    """Says in the OpenAPI document how to authenticate. The gate before the view has done it by now."""

    def __call__(self, request: HttpRequest) -> Any:
        return request.api_key

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        return request.api_key


class ConnectApi(NinjaAPI):
    """The API; its document names each operation as the code does: source_list, token_create."""

    def get_openapi_operation_id(self, operation: Operation) -> str:
        return operation.view_func.__name__


api = ConnectApi(
    title="Stitch Connect API",
    version="4",
    description=DESCRIPTION,
    urls_namespace="connect",
    docs_url=None,
    openapi_url=None,  # served by a view that declares its access
    auth=ApiAccessKey(),
    renderer=CompactRenderer(),
)
V4 = (
    source_types,
    sources,
    tokens,
    checks,
    streams,
    sync,
    jobs,
    extractions,
    loads,
    destination_types,
    destinations,
)
NOTIFICATIONS = (custom_emails, hooks)
for module in V4:
    api.add_router("v4", module.router)
for module in NOTIFICATIONS:
    api.add_router("notifications/public/v1/api", module.router)
api.add_router("v3", old_destinations.router)
# What is answered to a body that is no JSON, or not of the documented shape, by path and method.
BODY_REFUSALS: dict[tuple[str, str], responses.Refusal] = {
    place: refusal
    for module in (streams, destinations, custom_emails, hooks, old_destinations)
    for place, refusal in module.BODY_REFUSALS.items()
}


@api.exception_handler(responses.Refusal)
def refuse(request: HttpRequest, refusal: responses.Refusal) -> HttpResponse:
    return refusal.response()


@api.exception_handler(DomainError)
def refuse_by_rule(request: HttpRequest, error: DomainError) -> HttpResponse:
    """A rule that no endpoint has words of its own for, a hold or a trial that ended meanwhile among them."""
    return responses.refusal("AccessDenied", error.message, code=error.code).response()


@api.exception_handler(ValidationError)
@api.exception_handler(HttpError)
def refuse_body(request: HttpRequest, error: Exception) -> HttpResponse:
    """A body that is no JSON, or not of the documented shape: one sentence for each path and method."""
    known = BODY_REFUSALS.get((request.resolver_match.route.removesuffix("/"), request.method or ""))
    if known is not None:
        return known.response()
    message = responses.CREATE_BODY if request.method == "POST" else responses.UPDATE_BODY
    return responses.refusal("InvalidBody", message).response()


@functools.cache
def openapi_document() -> bytes:
    """Return the OpenAPI document of the routes above."""
    document = api.get_openapi_schema(path_prefix="/")
    add_links(document)
    return json.dumps(document, separators=(",", ":")).encode()
