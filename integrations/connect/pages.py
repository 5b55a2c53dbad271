"""The envelope of the lists that come in pages (connect-api.md 1.6)."""

from typing import Annotated, Any

from django.db.models import QuerySet
from ninja import Query, Schema
from pydantic import WithJsonSchema

from integrations.connect.responses import Refusal

PAGE_SIZE = 100
LONGEST_NUMBER = 18  # digits: more is no page that could ever be
Page = Annotated[
    str,
    WithJsonSchema({"type": "integer", "minimum": 1, "default": 1}),
    Query(default="1", description="From 1; a page holds 100."),
]


class Links(Schema):
    """Paths from the root, to put behind the server's address."""

    next: str | None = None
    previous: str | None = None


def page_number(given: str) -> int:
    """Return the page that is asked for. Raises the refusal of what is no whole number from 1."""
    if given.isascii() and given.isdigit() and int(given[:LONGEST_NUMBER]) > 0:
        return int(given[:LONGEST_NUMBER])
    raise Refusal(400, {"error": {"message": "invalid page"}}, code="invalid_page")


def cut(rows: QuerySet, page: int) -> tuple[list[Any], int]:
    """Return the page's rows, and how many there are in all; a page behind the last one is empty."""
    total = rows.count()
    first = (page - 1) * PAGE_SIZE
    return (list(rows[first : first + PAGE_SIZE]) if first < total else []), total


def envelope(data: list[dict[str, Any]], *, page: int, total: int, path: str) -> dict[str, Any]:
    """Return the answer: a page with what leads to its neighbours. Links are there only where such a page is."""
    links = {}
    if page * PAGE_SIZE < total:
        links["next"] = f"{path}?page={page + 1}"
    if page > 1 and total > PAGE_SIZE and (page - 2) * PAGE_SIZE < total:
        links["previous"] = f"{path}?page={page - 1}"
    return {"data": data, "page": page, "total": total, "links": links}
