"""Error pages, and the JSON form of the same errors for the API routes."""

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

API_PREFIXES = ("/v2/", "/v3/", "/v4/", "/notifications/public/")
# Bodies of import-api.md 4.1 and connect-api.md 1.8 for what no endpoint answers itself.
CONNECT_BODIES = {
    403: {"error": "Forbidden", "message": "Forbidden"},
    400: {"error": "BadRequest", "message": "Bad Request"},
    404: {"error": "NotFound", "message": "Not Found"},
    500: {"error": "InternalServerError", "message": "Internal Server Error"},
}

CODES = {403: "forbidden", 400: "request_malformed", 404: "not_found", 500: "internal_error"}


def is_api(request: HttpRequest) -> bool:
    """Tell whether a program asked: these routes answer JSON, never a page."""
    return f"{_one_slash(request.path)}/".startswith(API_PREFIXES)


def _one_slash(path: str) -> str:
    """Return a path as it was meant: programs put a path behind a host that ends in a slash."""
    return f"/{path.lstrip('/')}"


def error_page(request: HttpRequest, status: int) -> HttpResponse:
    """Answer an error: JSON on API routes, the product's page elsewhere; never a stack or a path (S9)."""
    if is_api(request):
        body, kind = CONNECT_BODIES[status], "application/json; charset=utf-8"
        if _one_slash(request.path).startswith("/v2/"):
            body, kind = {"message": body["message"]}, "application/json;charset=UTF-8"
        compact = {"separators": (",", ":")}
        told = {"X-Error-Code": CODES[status]}
        return JsonResponse(body, status=status, content_type=kind, json_dumps_params=compact, headers=told)
    return render(request, f"errors/{status}.html", status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 400; 413 with the limit for a form that is too large."""
    if isinstance(exception, RequestDataTooBig) and not is_api(request):
        limit = {"limit": settings.DATA_UPLOAD_MAX_MEMORY_SIZE}
        return render(request, "errors/413.html", limit, status=413)
    return error_page(request, 400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_page(request, 403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_page(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    return error_page(request, 500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without a valid one-time token: most often an old tab."""
    if is_api(request):
        return error_page(request, 403)
    return render(request, "errors/csrf.html", status=403)
