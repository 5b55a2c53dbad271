"""The Destination page: where the account's data is loaded."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from accounts.access import Can, allow
from integrations.services.warehouses import describe_destinations
from stitchapp.rendering import render_page


@allow(Can.VIEW_ACCOUNT)
@require_safe
def destination(request: HttpRequest) -> HttpResponse:
    """Show the embedded warehouse: where its file lies, how large it is, how to open it."""
    context = {
        "nav_active": "destination",
        "destinations": describe_destinations(account=request.account),
        "has_embedded": settings.EMBEDDED_WAREHOUSE,
    }
    return render_page(request, "integrations/destination.html", context)
