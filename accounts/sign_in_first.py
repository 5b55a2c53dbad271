"""Send whoever is signed out to the page that signs people in, and back afterwards (app.md 2.4)."""

import functools
from collections.abc import Callable
from urllib.parse import urlsplit

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.utils.http import url_has_allowed_host_and_scheme


def sign_in_first(view: Callable) -> Callable:
    """Call the view for signed-in people only."""

    @functools.wraps(view)
    def asked(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        if request.user.is_authenticated:
            return view(request, *args, **kwargs)
        to_sign_in = redirect_to_login(page_to_return_to(request))
        if request.htmx:  # a redirect would put the sign-in page into the panel that asked
            return HttpResponse(headers={"HX-Redirect": to_sign_in.url})
        return to_sign_in

    return asked


def page_to_return_to(request: HttpRequest) -> str:
    """Return the page being opened; for a form that was sent too late, the page it stood on."""
    if request.htmx:
        came_from = request.htmx.current_url or ""
    elif request.method not in ("GET", "HEAD"):
        came_from = request.headers.get("Referer", "")
    else:
        came_from = ""
    if came_from and url_has_allowed_host_and_scheme(came_from, {request.get_host()}):
        parts = urlsplit(came_from)
        return parts.path + (f"?{parts.query}" if parts.query else "")
    return request.get_full_path()
