"""Render a page, or only its panel when htmx asked for the panel."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers


def render_page(
    request: HttpRequest, template: str, context: dict | None = None, *, status: int = 200
) -> HttpResponse:
    """Render `app/loads.html`, or only its `app/_loads.html` when htmx asked for the panel."""
    if request.htmx and not (request.htmx.boosted or request.htmx.history_restore_request):
        folder, _, name = template.rpartition("/")
        template = f"{folder}/_{name}"
    response = render(request, template, context, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response
