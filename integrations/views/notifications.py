"""All Notifications: what cannot be loaded at present."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import Can, allow
from integrations.services.rejected_records import integrations_with_rejected
from integrations.services.waiting import open_problems
from integrations.views.frame import url_of
from stitchapp.rendering import render_page

PAGE_SIZE = 50


@allow(Can.VIEW_ACCOUNT)
@require_safe
def notifications(request: HttpRequest) -> HttpResponse:
    """List the open problems; each goes by itself when its cause is gone."""
    problems = open_problems(account=request.account)
    page = Paginator(problems, PAGE_SIZE).get_page(request.GET.get("page"))
    entries = []
    for problem in page:
        problem.integration.account = request.account
        live = problem.integration.deleted_at is None
        entries.append(
            {
                "problem": problem,
                "loads_url": url_of(problem.integration, "integration-loads") if live else "",
            }
        )
    rejected = [
        (integration, number, url_of(integration, "rejected-list"))
        for integration, number in integrations_with_rejected(account=request.account, now=timezone.now())
    ]
    context = {
        "nav_active": "notifications",
        "page": page,
        "entries": entries,
        "rejected": rejected,
        "destinations_url": reverse("integrations:destination", args=[request.account.client_id]),
    }
    return render_page(request, "integrations/notifications.html", context)
