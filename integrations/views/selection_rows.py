"""The rows of Tables to Replicate: databases, schemas and tables, with what is pending; one query for all."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator

from integrations.models import Integration, SelectionDraft
from integrations.services.selection_drafts import parents_of
from integrations.views.frame import url_of

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Level:
    """Where in the source one is: nowhere yet, in a database, or in a schema of it."""

    database: str = ""
    schema: str = ""

    @classmethod
    def of(cls, parameters: Mapping[str, str]) -> Level:
        database = parameters.get("database", "")
        return cls(database, parameters.get("schema", "") if database else "")

    @property
    def parents(self) -> tuple[str, ...]:
        return tuple(name for name in (self.database, self.schema) if name)

    @property
    def parameters(self) -> dict[str, str]:
        return dict(zip(("database", "schema"), self.parents, strict=False))


@dataclass(slots=True)
class TableRow:
    """A table that the latest discovery found."""

    pk: int
    name: str
    parents: tuple[str, ...]
    is_view: bool
    tracked: bool
    pending: bool
    row_count: int | None
    field_count: int
    url: str


@dataclass(slots=True)
class ParentRow:
    """A database or schema with its tables."""

    name: str
    value: str
    url: str
    tables: int = 0
    tracked: int = 0
    pending: bool = False


@dataclass(slots=True)
class Shown:
    """What one level shows: rows of `kind` "database", "schema" or "table"."""

    kind: str
    entries: Sequence[TableRow | ParentRow] = field(default_factory=list)
    is_empty: bool = False
    childless: bool = False  # a ticked parent without a tracked table

    @property
    def heading(self) -> str:
        return {"database": "Database Names", "schema": "Schema Names", "table": "Table Names"}[self.kind]

    @property
    def has_row_counts(self) -> bool:
        return any(getattr(entry, "row_count", None) is not None for entry in self.entries)


def found_rows(integration: Integration, draft: SelectionDraft) -> list[TableRow]:
    """Return every table in order of its name."""
    columns = ("pk", "stream_name", "metadata", "is_selected", "field_count")
    base = url_of(integration, "stream-fields", stream_id=0)
    before, _, after = base.rpartition("0")
    rows = [
        make_row(pk, name, metadata, is_selected, count, draft, f"{before}{pk}{after}")
        for pk, name, metadata, is_selected, count in integration.streams.found().values_list(*columns)
    ]
    return sorted(rows, key=lambda row: (row.name.casefold(), row.name, row.parents))


def make_row(
    pk: int,
    name: str,
    metadata: dict[str, Any],
    is_selected: bool | None,
    field_count: int,
    draft: SelectionDraft,
    url: str,
) -> TableRow:
    view = metadata.get("is-view") is True
    tracked = draft.selected(pk, is_selected=is_selected, is_view=view)
    count = metadata.get("row-count")
    return TableRow(
        pk=pk,
        name=name,
        parents=parents_of(metadata),
        is_view=view,
        tracked=tracked,
        pending=tracked != (is_selected is True) or "fields" in draft.streams.get(str(pk), {}),
        row_count=count if isinstance(count, int) and not isinstance(count, bool) else None,
        field_count=field_count,
        url=url,
    )


def show_level(rows: list[TableRow], level: Level, query: str, draft: SelectionDraft) -> Shown:
    """Return the rows of a level; a search lists the tables below it, whichever level they are on.

    Where some tables have no further parent, all stand in one list.
    """
    depth = len(level.parents)
    below = [row for row in rows if row.parents[:depth] == level.parents]
    childless = list(level.parents) in draft.parents and not any(row.tracked for row in below)
    if query:
        wanted = query.casefold()
        found = [row for row in below if wanted in row.name.casefold()]
        return Shown("table", found, is_empty=not below)
    if below and all(len(row.parents) > depth for row in below):
        kind = "schema" if depth else "database"
        return Shown(kind, parent_rows(below, depth), childless=childless)
    return Shown("table", below, is_empty=not below, childless=childless)


def parent_rows(rows: list[TableRow], depth: int) -> list[ParentRow]:
    parents: dict[tuple[str, ...], ParentRow] = {}
    for row in rows:
        key = row.parents[: depth + 1]
        if key not in parents:
            parameters = urlencode(dict(zip(("database", "schema"), key, strict=False)))
            parents[key] = ParentRow(key[-1], json.dumps(list(key)), f"?{parameters}")
        parents[key].tables += 1
        parents[key].tracked += row.tracked
        parents[key].pending = parents[key].pending or row.pending
    return sorted(parents.values(), key=lambda parent: parent.name.casefold())


def listed(entries: Sequence[TableRow | ParentRow], number: str | None) -> Page:
    return Paginator(entries, PAGE_SIZE).get_page(number)


def level_crumbs(
    integration: Integration, level: Level, url: str, *more: dict[str, str]
) -> list[dict[str, str]]:
    """Return the breadcrumbs from the source down to a level; none at the top."""
    crumbs = [{"label": integration.display_name, "url": url}]
    for depth in range(1, len(level.parents) + 1):
        parameters = dict(zip(("database", "schema"), level.parents[:depth], strict=False))
        crumbs.append({"label": level.parents[depth - 1], "url": f"{url}?{urlencode(parameters)}"})
    crumbs.extend(more)
    return crumbs if len(crumbs) > 1 else []
