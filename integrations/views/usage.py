"""Usage by integration and table: where the rows of a billing period came from (app.md 13.1)."""

from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import Can, allow
from accounts.settings_tabs import settings_tabs
from integrations.models import Integration
from integrations.services.usage_breakdown import SORTS, Span, csv_rows, spans_of, usage_breakdown
from stitchapp.csv_files import csv_file
from stitchapp.formats import reset_day
from stitchapp.rendering import render_page

PAGE_SIZE = 50
BY_INTEGRATION, BY_TABLE = "integration", "table"


@allow(Can.VIEW_ACCOUNT)
@require_safe
def usage(request: HttpRequest) -> HttpResponse:
    """List the rows of one billing period by integration or by table, sorted and paged."""
    asked = Asked(request)
    rows = asked.rows()
    context = {
        "settings_tabs": settings_tabs(request.account, "accounts:billing"),
        "page": Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page")),
        "kept": asked.query(),
        "columns": asked.columns(),
        "by_table": asked.by_table,
        "integration": asked.integration,
        "span": asked.span,
        "spans": [
            {
                "label": span_words(span),
                "url": f"?{asked.query(cycle=span.periods_ago)}",
                "current": span == asked.span,
            }
            for span in asked.spans
        ],
        "groupings": [
            {
                "label": "By integration",
                "url": f"?{asked.query(by=BY_INTEGRATION, integration='')}",
                "current": not asked.by_table,
            },
            {"label": "By table", "url": f"?{asked.query(by=BY_TABLE)}", "current": asked.by_table},
        ],
        "tables_url": f"?{asked.query(by=BY_TABLE, integration='')}",
        "export_url": f"{url_of(request, 'usage-export')}?{asked.query()}",
        "usage_url": request.path,
        "billing_url": reverse("accounts:billing", args=[request.account.client_id]),
    }
    return render_page(request, "integrations/usage.html", context)


@allow(Can.VIEW_ACCOUNT)
@require_safe
def usage_export(request: HttpRequest) -> StreamingHttpResponse:
    """Send the whole list, in its order, as a CSV file."""
    asked = Asked(request)
    name = f"usage-{asked.span.first_day}-by-{asked.query_values()['by']}.csv"
    return csv_file(csv_rows(asked.rows(), span=asked.span), name=name)


class Asked:
    """What the address asks for; what it asks for in vain is left out."""

    def __init__(self, request: HttpRequest) -> None:
        self.account = request.account
        self.spans = spans_of(self.account, now=timezone.now())
        wanted = request.GET.get("cycle", "0")
        self.span = next((span for span in self.spans if str(span.periods_ago) == wanted), self.spans[0])
        self.by_table = request.GET.get("by") == BY_TABLE
        self.integration = self.find(request.GET.get("integration", ""))
        sort = request.GET.get("sort", "-rows")
        known = sort.removeprefix("-") in SORTS and (self.by_table or sort.removeprefix("-") != "table")
        self.sort = sort if known else "-rows"

    def find(self, wanted: str) -> Integration | None:
        """Return the account's integration of that number, deleted ones too; 404 for another."""
        if not wanted:
            return None
        number = int(wanted) if wanted.isdecimal() and len(wanted) < 19 else 0
        return get_object_or_404(self.account.integrations, pk=number)

    def rows(self):
        return usage_breakdown(
            account=self.account,
            span=self.span,
            by_table=self.by_table,
            integration=self.integration,
            sort=self.sort,
        )

    def query_values(self, **changes: object) -> dict[str, str]:
        values = {
            "cycle": self.span.periods_ago,
            "by": BY_TABLE if self.by_table else BY_INTEGRATION,
            "integration": self.integration.pk if self.integration else "",
            "sort": self.sort,
        } | changes
        return {name: str(value) for name, value in values.items() if value != ""}

    def query(self, **changes: object) -> str:
        """Return the query that asks for the same with changes, from the first page on."""
        return urlencode(self.query_values(**changes))

    def columns(self) -> list[dict[str, object]]:
        """Return each column's head: its label, its direction now, and the address that sorts by it."""
        columns = [
            ("name", "Integration", False),
            ("rows", "Rows", True),
            ("free", "Free", True),
            ("counted", "Counted", True),
        ]
        if self.by_table:
            columns.insert(1, ("table", "Table", False))
        heads = []
        for name, label, number in columns:
            direction = {name: "ascending", f"-{name}": "descending"}.get(self.sort, "")
            first = f"-{name}" if number else name
            other = name if number else f"-{name}"
            follows = other if self.sort == first else first
            heads.append(
                {
                    "label": label,
                    "direction": direction,
                    "url": f"?{self.query(sort=follows)}",
                    "number": number,
                }
            )
        return heads


def span_words(span: Span) -> str:
    """Return the days of a billing period."""
    days = f"{reset_day(span.first_day)} to {reset_day(span.last_day)}"
    return f"This cycle ({days})" if span.periods_ago == 0 else days


def url_of(request: HttpRequest, name: str) -> str:
    """Return the address of one of the account's usage pages."""
    return reverse(f"integrations:{name}", args=[request.account.client_id])
