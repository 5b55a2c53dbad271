"""What happens around every view: a request id, and the gate's refusal of undeclared views."""

import logging
import time
from collections.abc import Callable
from functools import lru_cache

from csp.middleware import CSPMiddleware
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponse
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware
from django.urls import ResolverMatch, get_resolver

from stitchapp import request_facts
from stitchapp.errors import API_PREFIXES, error_page, is_api
from stitchapp.request_facts import RequestFacts
from stitchapp.routes import declared_access

logger = logging.getLogger("stitchapp.request")


class RequestIdMiddleware:
    """Give each request an id; it stands in every log line, audit event and in the answer's header.

    Also the place where a stranger's word about the connection is dropped: only TRUSTED_PROXIES may say that
    the caller used HTTPS (promises S3, S8).
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.META.get("REMOTE_ADDR") not in settings.TRUSTED_PROXIES:
            request.META.pop("HTTP_X_FORWARDED_PROTO", None)
        facts = request_facts.begin(request)
        request.request_id = facts.request_id
        begun = time.monotonic()
        try:
            response = self.get_response(request)
            if settings.ACCESS_LOG:
                log_request(request, response, facts, begun)
        finally:
            request_facts.end()
        response["X-Request-Id"] = facts.request_id
        return response


def log_request(request: HttpRequest, response: HttpResponse, facts: RequestFacts, begun: float) -> None:
    """Write one line about a request: its route, never its path or query, which may carry a secret (P5)."""
    logger.info(
        "request.answered",
        extra={
            "method": request.method,
            "route": facts.route,
            "status": response.status_code,
            "address": facts.address,
            "milliseconds": round((time.monotonic() - begun) * 1000, 1),
        },
    )


def act_when_closed(response: HttpResponse, actions: list[Callable[[], None]]) -> None:
    """Have the server run the actions when it closes the response: after its last byte was sent."""
    close = response.close

    def act_and_close() -> None:
        try:
            for action in actions:
                action()
        finally:
            close()

    response.close = act_and_close


class ShortWayMiddleware:
    """Take the requests of programs straight to their view: they are many and small.

    What the middleware behind this one does for pages (sessions, forms, messages, static files) does nothing for
    them, and costs more than their work. What it does for every answer is done here: the host is checked, the
    view has to declare its access, and the same headers stand in the answer.
    """

    def __init__(self, get_response):
        self.get_response = get_response
        self.answer = convert_exception_to_response(self.answer)
        self.headers: dict[bool, dict[str, str]] = {}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(API_PREFIXES):
            return self.get_response(request)
        response = self.answer(request)
        if not response.streaming:
            response["Content-Length"] = str(len(response.content))
        for name, value in self.headers_for(request).items():
            response[name] = value
        return response

    def answer(self, request: HttpRequest) -> HttpResponse:
        """Call the view. Raises DisallowedHost, Resolver404 and PermissionDenied."""
        request.get_host()
        match = find_route(request.path_info)
        request.resolver_match = match
        require_declared(match.func, match.route)
        return match.func(request, *match.args, **match.kwargs)

    def headers_for(self, request: HttpRequest) -> dict[str, str]:
        """Return what the middleware adds to each answer; it depends on nothing but whether HTTPS is used."""
        secure = request.is_secure()
        if secure not in self.headers:
            blank, kept = HttpResponse(), set(HttpResponse().headers)
            for middleware in (CSPMiddleware, SecurityMiddleware, XFrameOptionsMiddleware):
                blank = middleware(lambda _: blank).process_response(request, blank)  # noqa: B023
            self.headers[secure] = {name: value for name, value in blank.items() if name not in kept}
        return self.headers[secure]


@lru_cache(maxsize=256)
def find_route(path: str) -> ResolverMatch:
    """Resolve a path; programs ask for few. Raises Resolver404."""
    return get_resolver().resolve(path)


def require_declared(view: Callable, route: str) -> None:
    """Note the route that a request takes; raise PermissionDenied when its view declares no access."""
    request_facts.current().route = route
    if declared_access(view, route) is None:
        logger.error("gate.undeclared_view", extra={"route": route})
        raise PermissionDenied("This view declares no access.")


class DeclaredAccessMiddleware:
    """Refuse every view that does not declare who may enter (house style 5)."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view, args, kwargs) -> None:
        require_declared(view, request.resolver_match.route)


class WrongMethodPageMiddleware:
    """Give a person who opens a form's address a page: Django answers 405 with nothing at all."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code != 405 or response.content or is_api(request):
            return response
        page = error_page(request, 405)
        page["Allow"] = response["Allow"]
        return page
