"""The bare pages (`bare_pages.py`): signed-in people only, one query for the rows, one table with the same cells."""

from functools import cache

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Max, Sum
from django.http import HttpResponse
from django.template import engines
from django.urls import path

from integrations.models import Integration, Load

PAGE_SIZE = 50
PAGE = """<!doctype html><html lang="en"><head><title>{{ title }}</title></head><body><h1>{{ title }}</h1>
<table><tbody>%s</tbody></table><p>{{ page.paginator.count }}</p></body></html>"""
INTEGRATIONS = """{% for row in page %}<tr>
<td><form method="post" action="{{ row.pk }}/pause">{% csrf_token %}
<button>{{ row.paused_at|yesno:"Off,On" }}</button></form></td>
<td><a href="{{ row.pk }}/summary">{{ row.display_name }}</a></td><td>{{ row.status }}</td>
<td>Continuously Replicated</td><td>{{ row.rows }}</td></tr>
{% endfor %}"""
LOADS = """{% for row in page %}<tr>
<td><a href="loads/table?name={{ row.table_name|urlencode }}">{{ row.table_name }}</a></td><td></td>
<td>{{ row.received|date:"M j, Y H:i" }}</td><td>{{ row.loaded }}</td></tr>
{% endfor %}"""


@cache
def template(rows):
    """Return a page with these rows, compiled once."""
    return engines["django"].from_string(PAGE % rows)


def answer(request, title, template, rows):
    """Answer one page of rows."""
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    return HttpResponse(template.render({"title": title, "page": page}, request))


@login_required
def dashboard(request, client_id):
    found = Integration.objects.filter(account__client_id=client_id, deleted_at=None)
    rows = found.annotate(rows=Sum("daily_rows__rows")).order_by("display_name")
    return answer(request, "Integrations", template(INTEGRATIONS), rows)


@login_required
def loads(request, client_id, integration_id):
    found = Load.objects.filter(account__client_id=client_id, integration=integration_id)
    rows = found.values("table_name").annotate(loaded=Sum("rows"), received=Max("last_received_at"))
    return answer(request, "Loads", template(LOADS), rows.order_by("table_name"))


urlpatterns = [
    path("readyz", lambda request: HttpResponse("ready")),
    path("client/<int:client_id>/pipeline/connections", dashboard),
    path("client/<int:client_id>/pipeline/connections/<int:integration_id>/loads", loads),
]
