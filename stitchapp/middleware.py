"""What happens around every view: a request id, and the gate's refusal of undeclared views."""

import logging
import time
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from stitchapp import request_facts
from stitchapp.errors import error_page, is_api
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


class DeclaredAccessMiddleware:
    """Refuse every view that does not declare who may enter (house style 5)."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view, args, kwargs) -> None:
        match = request.resolver_match
        request_facts.current().route = match.route
        if declared_access(view, match.route) is None:
            logger.error("gate.undeclared_view", extra={"route": match.route})
            raise PermissionDenied("This view declares no access.")


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
