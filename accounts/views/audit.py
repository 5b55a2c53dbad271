"""The Activity tab: the account's audit trail, narrowed, paged, and as a CSV file."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.access import Can, allow
from accounts.audit_file import audit_file
from accounts.audit_lines import audit_lines
from accounts.forms.audit_filter import AuditFilterForm
from accounts.settings_tabs import settings_tabs
from stitchapp.rendering import render_page

EVENTS_A_PAGE = 50


@allow(Can.VIEW_ACCOUNT)
@require_safe
def audit(request: HttpRequest) -> HttpResponse:
    """Show what happened, newest first."""
    form = AuditFilterForm(request.GET, account=request.account)
    events = request.account.audit_events.matching(**form.criteria()).select_related("actor")
    page = Paginator(events, EVENTS_A_PAGE).get_page(request.GET.get("page"))
    query = request.GET.copy()
    query.pop("page", None)
    context = {
        "settings_tabs": settings_tabs(request.account, "accounts:audit"),
        "form": form,
        "page": page,
        "lines": audit_lines(page.object_list),
        "query": query.urlencode(),
        "is_narrowed": any(form.criteria().values()),
    }
    return render_page(request, "accounts/audit.html", context, status=200 if form.is_valid() else 422)


@allow(Can.VIEW_ACCOUNT)
@require_safe
def audit_export(request: HttpRequest) -> HttpResponse:
    """Send the same events as a CSV file; a filter that makes no sense goes back to the page that says so."""
    form = AuditFilterForm(request.GET, account=request.account)
    if not form.is_valid():
        page = reverse("accounts:audit", kwargs={"client_id": request.account.client_id})
        return redirect(f"{page}?{request.GET.urlencode()}")
    events = request.account.audit_events.matching(**form.criteria())
    return audit_file(events, name=f"activity-{request.account.client_id}.csv")
