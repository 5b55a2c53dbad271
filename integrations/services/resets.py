"""Forget how far a source, or one of its tables, was read: the next extraction reads it from the start."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from accounts.audit import Event, record
from accounts.errors import DomainError
from accounts.models import ApiKey, User
from integrations.models import Integration, SourceState, Stream
from integrations.services.locking import lock_integration


class ExtractionRuns(DomainError):
    """A running extraction would store its own bookmarks over the reset."""

    code, status = "extraction_runs", 409
    message = "An extraction is running. Stop it, or wait until it has ended, then reset."


class NothingToReset(DomainError):
    code, status = "nothing_to_reset", 409
    message = "Programs push the data of this integration; there are no bookmarks to reset."


@transaction.atomic
def reset_integration(
    *, integration: Integration, actor: User, api_key: ApiKey | None = None, reason: str = "reset"
) -> None:
    """Forget all bookmarks; raise ExtractionRuns while a job runs."""
    current, state = lock_state(integration)
    state.state = {}
    keep(state)
    record(
        Event.BOOKMARKS_RESET,
        account=current.account,
        actor=actor,
        target=current,
        target_name=current.display_name,
        api_key=api_key,
        reason=reason,
    )


@transaction.atomic
def reset_table(*, stream: Stream, actor: User, api_key: ApiKey | None = None) -> None:
    """Forget the bookmark of one table; raise ExtractionRuns while a job runs."""
    current, state = lock_state(stream.integration)
    forget_stream(state.state, stream.tap_stream_id)
    keep(state)
    record(
        Event.BOOKMARKS_RESET,
        account=current.account,
        actor=actor,
        target=current,
        target_name=current.display_name,
        api_key=api_key,
        table=stream.stream_name,
    )


def lock_state(integration: Integration) -> tuple[Integration, SourceState]:
    """Return the integration and its state, both held, or refuse."""
    current = lock_integration(integration)
    if current.is_push:
        raise NothingToReset
    if current.jobs.open().extractions().exists():
        raise ExtractionRuns
    state, _ = SourceState.objects.get_or_create(integration=current, defaults={"updated_at": timezone.now()})
    return current, state


def keep(state: SourceState) -> None:
    """Store the state; sequences go on growing, so that rows read again replace those that stand there."""
    state.updated_at, state.job = timezone.now(), ""
    state.save(update_fields=["state", "updated_at", "job"])


def forget_stream(state: dict[str, object], tap_stream_id: str) -> None:
    """Take a stream's bookmark out, wherever taps keep it; the version of a full table goes with it."""
    for key in ("bookmarks", "singer_state"):
        of_streams = state.get(key)
        if isinstance(of_streams, dict):
            of_streams.pop(tap_stream_id, None)
    if state.get("currently_syncing") == tap_stream_id:
        state["currently_syncing"] = None
    if not isinstance(state.get("bookmarks"), dict):
        state.pop(tap_stream_id, None)  # older taps keep bookmarks at the top
