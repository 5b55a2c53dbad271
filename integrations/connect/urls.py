"""The Connect API's part of the URL table: each path with and without a slash at its end."""

import functools
from collections.abc import Callable, Iterator

from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.utils import timezone

from accounts.access import allow_token, public, refuse_plain_http
from integrations.connect import responses
from integrations.connect.api import api, openapi_document
from integrations.connect.authentication import authenticate
from integrations.services.signed_logs import find_signed_log, open_log


@public
def openapi(request: HttpRequest) -> HttpResponse:
    """Describe the API to programs."""
    if refusal := refuse_plain_http(request):
        return refusal
    if request.method != "GET":
        return responses.not_found()
    return HttpResponse(openapi_document(), content_type="application/json; charset=utf-8")


@public
def log(request: HttpRequest, log: str) -> HttpResponseBase:
    """Send a raw extraction log to whoever has its signed address; a key that is sent along does no harm."""
    if refusal := refuse_plain_http(request):
        return refusal
    if request.method not in ("GET", "HEAD"):
        return responses.not_found()
    job = find_signed_log(
        name=log,
        expires=request.GET.get("expires", ""),
        signature=request.GET.get("signature", ""),
        now=timezone.now(),
    )
    text = open_log(job) if job is not None else None
    if text is None:
        return responses.not_found()
    return FileResponse(text, content_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-store"})


def gated(view: Callable) -> Callable:
    """Put the gate before a view, and answer a method that its path does not have as an unknown path."""

    @allow_token("connect", authenticate)
    @functools.wraps(view)
    def answer(request: HttpRequest, **arguments) -> HttpResponse:
        response = view(request, **arguments)
        if response.status_code == 405:
            response = responses.not_found()
        response["Cache-Control"] = "no-store"  # one of these answers carries a new secret (promise P5)
        return response

    return answer


def resource_routes() -> Iterator[URLPattern]:
    """Yield each path twice: a redirect to the other spelling would lose the body of a POST."""
    resources = {str(pattern.pattern): pattern for pattern in api.urls[0] if pattern.name != "api-root"}
    for route, pattern in resources.items():
        view = gated(pattern.callback)
        yield path(route, view, name=f"connect-{pattern.name}")
        yield path(f"{route}/", view)


urlpatterns = [
    path("v4/openapi.json", openapi, name="connect-openapi"),
    path("v4/logs/<str:log>", log, name="connect-log"),
    *resource_routes(),
]
