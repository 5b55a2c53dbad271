"""Choices on the pages wait here until they are finalized; each member has their own (app.md 10.2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.audit import Event
from accounts.errors import DomainError
from accounts.models import AuditEvent, User
from integrations.models import Integration, SelectionDraft, Stream
from integrations.services.locking import lock_integration
from integrations.services.selection import keep_choices, require_choosable
from integrations.services.stream_metadata import STREAM, fields_of, is_view, replicates


class DraftMoved(DomainError):
    """The pending choices are others than those that the page showed."""

    code, status = "draft_moved", 409
    message = (
        "Your pending choices changed in another tab or window. This page shows them as they are now: "
        "look through them, then finalize."
    )


class SelectionMoved(DomainError):
    """Somebody else changed the selection after these choices were begun."""

    code, status = "selection_moved", 409
    message = "The selection was changed by somebody else meanwhile. Look through your choices, then finalize again."


class NothingPending(DomainError):
    """There is no choice to finalize."""

    code, status = "nothing_pending", 409
    message = "Nothing is pending: there is no choice that was not finalized yet."


def draft_of(integration: Integration, user: User) -> SelectionDraft:
    """Return the member's pending choices; none, not stored, for a member without any."""
    found = SelectionDraft.objects.filter(integration=integration, user=user).first()
    return found or SelectionDraft(integration=integration, user=user)


def lock_draft(integration: Integration, user: User) -> SelectionDraft:
    """Return the draft, stored and held until the transaction ends."""
    SelectionDraft.objects.get_or_create(integration=integration, user=user)
    return SelectionDraft.objects.select_for_update().get(integration=integration, user=user)


def keep(draft: SelectionDraft) -> None:
    draft.version += 1
    draft.begun_at = (draft.begun_at or timezone.now()) if draft.is_pending else None
    draft.save()


@transaction.atomic
def tick(
    *,
    integration: Integration,
    user: User,
    streams: Mapping[Stream, bool] | None = None,
    fields: Mapping[Stream, Mapping[str, bool]] | None = None,
    parents: Mapping[tuple[str, ...], bool] | None = None,
) -> None:
    """Note ticked and unticked streams, fields and parents; what is as it was is no choice."""
    require_choosable(integration)
    draft = lock_draft(integration, user)
    for stream, ticked in (streams or {}).items():
        tick_stream(draft, stream, ticked)
    for stream, of_stream in (fields or {}).items():
        known = {field.name: field for field in fields_of(stream)}
        pending = draft.streams.setdefault(str(stream.pk), {}).setdefault("fields", {})
        for name, ticked in of_stream.items():
            if name not in known or known[name].is_automatic or known[name].is_unsupported:
                continue
            before = draft.field(stream.pk, name, chosen=known[name].chosen, is_view=is_view(stream))
            if replicates(known[name], before) != ticked:
                pending[name] = ticked
            if not draft.bulk and name in pending and known[name].replicates == pending[name]:
                del pending[name]
        tidy(draft, stream)
    for parent, ticked in (parents or {}).items():
        tick_parent(draft, parent, ticked)
    keep(draft)


def tick_stream(draft: SelectionDraft, stream: Stream, ticked: bool) -> None:
    pending = draft.streams.setdefault(str(stream.pk), {})
    if draft.selected(stream.pk, is_selected=stream.is_selected, is_view=is_view(stream)) != ticked:
        pending["selected"] = ticked
    if not draft.bulk and pending.get("selected") == (stream.is_selected is True):
        del pending["selected"]
    tidy(draft, stream)


def tidy(draft: SelectionDraft, stream: Stream) -> None:
    """Forget a stream of which nothing is pending."""
    pending = draft.streams.get(str(stream.pk), {})
    if not pending.get("fields", True):
        del pending["fields"]
    if not pending:
        draft.streams.pop(str(stream.pk), None)


def tick_parent(draft: SelectionDraft, parent: tuple[str, ...], ticked: bool) -> None:
    """Track the tables of a database or schema, views not, or stop tracking all of it."""
    kept = [known for known in draft.parents if known != list(parent)]
    draft.parents = [*kept, list(parent)] if ticked else kept
    for stream in streams_below(draft.integration, parent):
        if not ticked or not is_view(stream):
            tick_stream(draft, stream, ticked)


def parents_of(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the database, and its schema, that a table is in; nothing where the source has no such levels."""
    database = metadata.get("database-name")
    if not database:
        return ()
    schema = metadata.get("schema-name")
    return (str(database), str(schema)) if schema and schema != database else (str(database),)


def streams_below(integration: Integration, parent: tuple[str, ...]) -> list[Stream]:
    found = Stream.objects.filter(integration=integration).found().defer("schema", "field_metadata", "chosen")
    return [stream for stream in found if parents_of(stream.metadata)[: len(parent)] == parent]


@transaction.atomic
def tick_all(*, integration: Integration, user: User, track: bool) -> None:
    """Track all tables with their fields, views not, or stop tracking everything; earlier choices are overwritten."""
    require_choosable(integration)
    draft = lock_draft(integration, user)
    draft.bulk = SelectionDraft.TRACK if track else SelectionDraft.STOP
    draft.streams, draft.parents = {}, []
    keep(draft)


@transaction.atomic
def discard_draft(*, integration: Integration, user: User) -> None:
    """Forget what is pending."""
    forget(lock_draft(integration, user))


def forget(draft: SelectionDraft) -> None:
    draft.bulk, draft.streams, draft.parents = "", {}, []
    keep(draft)


@transaction.atomic
def finalize(*, integration: Integration, user: User, version: int, seen_event: int) -> int:
    """Make the pending choices final; return the number of streams that changed.

    `version` is the draft's that the page showed, `seen_event` the latest change by others that it told of. Raises
    NothingPending, DraftMoved and SelectionMoved: the pending choices stay then.
    """
    current = require_choosable(integration)
    draft = lock_draft(integration, user)
    if not draft.is_pending:
        raise NothingPending
    if draft.version != version:
        raise DraftMoved
    latest = latest_foreign_change(draft)
    if latest is not None and latest.pk > seen_event:
        raise SelectionMoved
    found = Stream.objects.filter(integration=current).found()
    if not draft.bulk:
        found = found.filter(pk__in=[int(pk) for pk in draft.streams])
    choices = [(stream, choices_of(draft, stream)) for stream in found]
    changed = keep_choices(integration=current, choices=choices, actor=user)
    forget(draft)
    return changed


def choices_of(draft: SelectionDraft, stream: Stream) -> dict[str, dict[str, Any]]:
    """Return the pending choices of one stream as metadata."""
    choices: dict[str, dict[str, Any]] = {}
    view = is_view(stream)
    selected = draft.selected(stream.pk, is_selected=stream.is_selected, is_view=view)
    if selected != (stream.is_selected is True):
        choices[STREAM] = {"selected": selected}
    for field in fields_of(stream):
        wanted = draft.field(stream.pk, field.name, chosen=field.chosen, is_view=view)
        if wanted is not None and replicates(field, wanted) != field.replicates:
            choices[field.key] = {"selected": wanted}
    return choices


def latest_foreign_change(draft: SelectionDraft) -> AuditEvent | None:
    """Return the latest change of the selection by anybody else, or by a program, since the choices were begun."""
    if draft.begun_at is None:
        return None
    integration = draft.integration
    since = AuditEvent.objects.filter(
        account_id=integration.account_id,
        at__gte=draft.begun_at,
        event=Event.SELECTION_CHANGED.value,
        object_type="integration",
        object_id=integration.pk,
    ).select_related("actor")
    return since.exclude(actor_id=draft.user_id, api_key_last_four="").order_by("-pk").first()


@transaction.atomic
def see_changes(*, integration: Integration, user: User, change_ids: Iterable[int]) -> None:
    """Note that the member was shown these schema changes."""
    lock_integration(integration)
    draft = lock_draft(integration, user)
    newest = max(change_ids, default=0)
    if newest > draft.seen_change_id:
        draft.seen_change_id = newest
        draft.save(update_fields=["seen_change_id"])
