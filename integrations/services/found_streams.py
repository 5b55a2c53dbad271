"""The streams of a source as a list: what many tables are read for, without the fields that make them large."""

import json
from collections.abc import Iterable
from typing import Any

import msgspec
from django.db.models import F, FilteredRelation, Q, QuerySet, TextField
from django.db.models.fields.json import KeyTransform
from django.db.models.functions import Cast

from accounts.models import Account
from integrations.models import Integration
from stitchapp.look_ups import WrittenOnce

# A stream's number, the tap's name of it, its table, whether it is selected, what the tap says of it as a whole, and
# what is chosen for it as a whole.
FoundStream = tuple[int, str, str, bool | None, dict[str, Any], dict[str, Any] | None]


def streams_of(source: int, account: int) -> QuerySet[Integration, Any]:
    """Return one row for each stream, or one of nothing for a source without any; none without such a source."""
    rows: QuerySet[Integration, Any] = (
        Integration.objects.filter(pk=source, account=account)
        .annotate(found=FilteredRelation("streams", condition=Q(streams__vanished_at=None)))
        .order_by("found__pk")
        .values_list(
            "found__pk",
            "found__tap_stream_id",
            "found__stream_name",
            "found__is_selected",
            Cast(F("found__metadata"), TextField()),
            Cast(KeyTransform("[]", "found__chosen"), TextField()),
        )
    )
    return rows


statement = WrittenOnce(Integration, streams_of)


def found_streams(*, account: Account, source_id: int) -> list[FoundStream] | None:
    """Return the streams of an account's source, in one query; None when it has no such source."""
    rows = statement.rows(source_id, account.pk)
    if not rows:
        return None
    rows = [row for row in rows if row[0] is not None]
    said = read_all(row[-2] for row in rows)
    chosen = read_all(row[-1] for row in rows)
    return [(*row[:4], *texts) for row, *texts in zip(rows, said, chosen, strict=True)]


def read_all(texts: Iterable[str | None]) -> list[Any]:
    """Read many short JSON texts at once. Half a surrogate pair, and what is no number of 64 bits, takes longer."""
    text = f"[{','.join(text or 'null' for text in texts)}]"
    try:
        found: list[Any] = msgspec.json.decode(text)
    except msgspec.DecodeError:
        found = json.loads(text)
    return found
