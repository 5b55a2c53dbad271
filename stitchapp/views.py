"""Pages about the product itself."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.access import Access, staff
from stitchapp.specimens import specimens

STYLEGUIDE_PAGES = frozenset(
    {"components", "settings", "integration", "overlay", "dashboard", "entry", "dialog", "error", "empty"}
)


@require_safe
def styleguide(request: HttpRequest, page: str = "components") -> HttpResponse:
    """Show every component in every state, and sample pages: to anybody in development, else to staff."""
    show = _styleguide_page if settings.DEVELOPMENT else _staff_styleguide_page
    return show(request, page)


styleguide.access = Access("staff")  # type: ignore[attr-defined]


def _styleguide_page(request: HttpRequest, page: str) -> HttpResponse:
    if page not in STYLEGUIDE_PAGES:
        raise Http404
    panel = "_" if page == "dialog" and request.headers.get("HX-Request") else ""
    return render(request, f"styleguide/{panel}{page}.html", specimens() | {"page_name": page})


_staff_styleguide_page = staff(_styleguide_page)
