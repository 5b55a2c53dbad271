"""Choose the streams, fields, methods and keys that a source replicates; pages and the Connect API share this."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.audit import Event, record
from accounts.models import ApiKey, User
from integrations.models import Integration, SchemaChangeKind, SetUpStep, Stream
from integrations.services.discovered_catalog import FoundStream, read_catalog
from integrations.services.locking import lock_integration, save_changed
from integrations.services.resets import reset_table
from integrations.services.run_catalog import catalog_for_run
from integrations.services.schedules import replan
from integrations.services.schema_changes import field_changes, field_types, keep_changes, table_change
from integrations.services.selection_refusals import (
    NotChoosable,
    check_entries,
    check_shape,
    check_stream_ids,
)
from integrations.services.stream_metadata import (
    SETTABLE_KEYS,
    STREAM,
    fields_of,
    key_of,
    key_properties,
    merged_metadata,
)
from integrations.services.table_names import TableNames
from integrations.sources.registry import find_source_type

__all__ = [
    "SETTABLE_KEYS",
    "apply_metadata",
    "catalog_for_run",
    "choose",
    "find_streams",
    "merged_metadata",
    "replicates_something",
    "settle_step",
    "store_catalog",
]

CHOOSABLE = (SetUpStep.FIELD_SELECTION, SetUpStep.FULLY_CONFIGURED)
SYSTEM_SCHEMAS = frozenset(  # the server's own tables, which nobody replicates
    {"information_schema", "pg_catalog", "pg_toast", "mysql", "performance_schema", "sys"}
)
FOUND_FIELDS = ("tap_stream", "metadata", "schema", "field_metadata", "field_count", "vanished_at")
MAX_NAMED = 20  # tables that an audit event names


def digest_of(tap_stream_id: str) -> str:
    return hashlib.sha256(tap_stream_id.encode("utf-8", "surrogatepass")).hexdigest()


@transaction.atomic
def store_catalog(*, integration: Integration, catalog: object, now: datetime) -> int:
    """Keep what a discovery found and return the number of its streams; what is chosen and the numbers stay.

    Differences from the discovery before are noted. Raises BadCatalog, and then nothing has changed.
    """
    found = read_catalog(catalog)
    current = lock_integration(integration)
    if is_database(current):
        found = [stream for stream in found if stream.metadata.get("schema-name") not in SYSTEM_SCHEMAS]
        name_databases(found, current)
    known = {stream.id_digest: stream for stream in Stream.objects.filter(integration=current)}
    names = TableNames(current, known.values())
    is_first = not known
    changes, changed, added = [], [], []
    for entry in found:
        digest = digest_of(entry.tap_stream_id)
        stream = known.pop(digest, None)
        if stream is None:
            stream = Stream(integration=current, tap_stream_id=entry.tap_stream_id, id_digest=digest)
            stream.stream_name = names.give(entry)
            stream.found_at = now
            renew(stream, entry)
            added.append(stream)
            continue
        was_gone, before = stream.vanished_at is not None, field_types(stream)
        if not renew(stream, entry):
            continue
        changed.append(stream)
        if was_gone:
            changes.append(table_change(stream, SchemaChangeKind.TABLE_ADDED, now))
        else:
            changes.extend(field_changes(stream, before, field_types(stream), now))
    for stream in known.values():
        if stream.vanished_at is None:
            stream.vanished_at = now
            changed.append(stream)
            changes.append(table_change(stream, SchemaChangeKind.TABLE_GONE, now))
    Stream.objects.bulk_create(added, batch_size=100)
    Stream.objects.bulk_update(changed, FOUND_FIELDS, batch_size=50)
    if not is_first:
        new = [table_change(stream, SchemaChangeKind.TABLE_ADDED, now) for stream in added]
        keep_changes(integration=current, changes=[*new, *changes])
    return len(found)


def is_database(integration: Integration) -> bool:
    source_type = find_source_type(integration.type)
    return source_type is not None and source_type.chooses_method


def name_databases(found: list[FoundStream], integration: Integration) -> None:
    """Say which database a table is in where the tap does not: the one of the connection, or the schema itself."""
    connected = integration.properties.get("dbname") or integration.properties.get("database")
    for stream in found:
        if not stream.metadata.get("database-name"):
            database = connected or stream.metadata.get("schema-name")
            if database:
                stream.metadata["database-name"] = database


def renew(stream: Stream, entry: FoundStream) -> bool:
    """Take over what the tap says now; tell whether that is something new."""
    wanted = {name: getattr(entry, name) for name in FOUND_FIELDS if name != "vanished_at"}
    wanted["vanished_at"] = None
    if stream.pk is not None and all(getattr(stream, name) == value for name, value in wanted.items()):
        return False
    for name, value in wanted.items():
        setattr(stream, name, value)
    return True


@transaction.atomic
def apply_metadata(
    *, integration: Integration, streams: object, actor: User, api_key: ApiKey | None = None
) -> int:
    """Store what a program chose, all of it or nothing; return the number of streams it changed.

    `streams` is the list of the request's body as it came. Raises the refusals of `selection_refusals`.
    """
    entries = check_shape(streams)
    current = require_choosable(integration)
    known = find_streams(current, [entry["tap_stream_id"] for entry in entries])
    check_stream_ids(entries, known)
    check_entries(entries, known)
    chosen: dict[int, dict[str, dict[str, Any]]] = {}
    for entry in entries:
        of_stream = chosen.setdefault(known[entry["tap_stream_id"]].pk, {})
        for item in entry["metadata"]:
            of_stream.setdefault(key_of(item["breadcrumb"]), {}).update(item["metadata"])
    by_pk = {stream.pk: stream for stream in known.values()}
    return keep_choices(
        integration=current,
        choices=[(by_pk[pk], of_stream) for pk, of_stream in chosen.items()],
        actor=actor,
        api_key=api_key,
    )


@transaction.atomic
def choose(
    *, integration: Integration, choices: Mapping[int, Mapping[str, dict[str, Any]]], actor: User
) -> int:
    """Store what a member chose, by the number of each stream; return the number of streams that it changed.

    A stream that discoveries find no more is passed over: it cannot be replicated.
    """
    current = require_choosable(integration)
    found = Stream.objects.filter(integration=current, pk__in=choices).found()
    return keep_choices(
        integration=current, choices=[(stream, choices[stream.pk]) for stream in found], actor=actor
    )


def require_choosable(integration: Integration) -> Integration:
    """Return the integration, locked; raise NotChoosable before its connection check went well."""
    current = lock_integration(integration)
    if current.is_push or current.step not in CHOOSABLE:
        raise NotChoosable(current)
    return current


def find_streams(integration: Integration, tap_stream_ids: Iterable[object]) -> dict[str, Stream]:
    """Return those of the streams that the latest discovery found, by the tap's name."""
    digests = [digest_of(text) for text in tap_stream_ids if isinstance(text, str)]
    found = Stream.objects.filter(integration=integration, id_digest__in=digests).found()
    return {stream.tap_stream_id: stream for stream in found}


def keep_choices(
    *,
    integration: Integration,
    choices: Sequence[tuple[Stream, Mapping[str, dict[str, Any]]]],
    actor: User,
    api_key: ApiKey | None = None,
) -> int:
    """Lay the choices over what was chosen before, tell of it, and see what the source waits for now."""
    changed: list[Stream] = []
    tracked: list[str] = []
    stopped: list[str] = []
    for stream, of_stream in choices:
        before, was_selected = json.dumps(stream.chosen, sort_keys=True), stream.is_selected
        key_before = key_properties(stream)
        for key, values in of_stream.items():
            stream.chosen[key] = {**stream.chosen.get(key, {}), **values}
        stream.is_selected = stream.chosen.get(STREAM, {}).get("selected")
        if json.dumps(stream.chosen, sort_keys=True) == before:
            continue
        changed.append(stream)
        if key_properties(stream) != key_before and was_selected:
            reset_table(
                stream=stream, actor=actor, api_key=api_key
            )  # a view's other key: all its rows again (4.3)
        if stream.is_selected is not was_selected and (stream.is_selected or was_selected):
            (tracked if stream.is_selected else stopped).append(stream.stream_name)
    if not changed:
        return 0
    Stream.objects.bulk_update(changed, ["chosen", "is_selected"], batch_size=50)
    record(
        Event.SELECTION_CHANGED,
        account=integration.account,
        actor=actor,
        target=integration,
        target_name=integration.display_name,
        api_key=api_key,
        tables=len(changed),
        tracked=named(tracked),
        stopped=named(stopped),
    )
    settle_step(integration)
    return len(changed)


def named(tables: list[str]) -> str:
    """Name the tables for the audit trail, the first of many only."""
    text = ", ".join(table[:100] for table in tables[:MAX_NAMED])
    return f"{text} and {len(tables) - MAX_NAMED:,} more" if len(tables) > MAX_NAMED else text


def settle_step(integration: Integration) -> None:
    """Move a source whose connection is good to the step that its selection brings it to (3.4)."""
    if integration.step not in CHOOSABLE:
        return
    step = SetUpStep.FIELD_SELECTION
    if replicates_something(integration):
        step = SetUpStep.FULLY_CONFIGURED
    if step != integration.step:
        integration.step = step
        save_changed(integration, "step")
        replan(integration=integration, now=integration.updated_at)


def replicates_something(integration: Integration) -> bool:
    """Tell whether one stream at least is selected of which one field at least replicates."""
    selected = Stream.objects.filter(integration=integration, is_selected=True).found()
    return any(
        any(field.replicates for field in fields_of(stream)) for stream in selected.iterator(chunk_size=20)
    )
