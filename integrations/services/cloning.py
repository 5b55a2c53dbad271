"""Clone Integration: another integration like one that is there, with a name and a schema of its own (app.md 9.7)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping

from django.db import transaction
from django.utils import timezone

from accounts.audit import Event, record
from accounts.models import User
from accounts.services.account_lock import lock_account
from integrations.models import Destination, Integration, Stream
from integrations.services.integration_updates import create_mapped_integration, set_properties
from integrations.services.integrations import pause_integration
from integrations.services.locking import lock_integration
from integrations.services.source_properties import type_of

STREAMS_AT_ONCE = 20  # one with thousands of fields is large
OWN_FIELDS = ("id", "integration", "found_at")  # of a stream: all else is copied


@transaction.atomic
def clone_integration(
    *,
    integration: Integration,
    actor: User,
    display_name: str,
    schema_name: str | None = None,
    destination: Destination | None = None,
    credentials: Mapping[str, object] | None = None,
    keep_selection: bool = True,
    form_id: uuid.UUID | None = None,
) -> Integration:
    """Create a paused integration with the settings and the schedule of `integration`.

    Nothing secret is copied: `credentials` are those that the clone gets, and a cloned Import API integration has no
    token. Bookmarks are not copied either, so its first extraction reads everything. Raises what creating an
    integration raises, and IntegrationDeleted and SourceTypeGone.
    """
    lock_account(integration.account)  # before the integration, as a rename does
    original = lock_integration(integration)
    properties = shared_properties(original) | dict(credentials or {})
    clone = create_mapped_integration(
        account=original.account,
        actor=actor,
        display_name=display_name,
        schema_name=schema_name,
        destination=destination,
        type=original.type,
        form_id=form_id,
    )
    clone = pause_integration(integration=clone, actor=actor)
    if keep_selection:
        copy_streams(original, clone)
    record(
        Event.INTEGRATION_CLONED,
        account=clone.account,
        actor=actor,
        target=clone,
        target_name=clone.display_name,
        clone_of=original.display_name,
        selection=keep_selection and not clone.is_push,
    )
    return set_properties(integration=clone, actor=actor, properties=properties, is_new=True)


def shared_properties(original: Integration) -> dict[str, object]:
    """Return what the form of the original says, without credentials and what its declaration has no more."""
    if original.is_push:
        return {}
    known = type_of(original).by_name
    return {
        name: value
        for name, value in original.properties.items()
        if name in known and known[name].is_settable and not known[name].is_credential
    }


def copy_streams(original: Integration, clone: Integration) -> None:
    """Give the clone the tables of the latest discovery, with what of them is chosen."""
    now = timezone.now()
    names = [field.name for field in Stream._meta.concrete_fields if field.name not in OWN_FIELDS]
    for streams in chunks_of(original):
        Stream.objects.bulk_create(
            Stream(integration=clone, found_at=now, **{name: getattr(stream, name) for name in names})
            for stream in streams
        )


def chunks_of(integration: Integration) -> Iterator[list[Stream]]:
    """Give the streams that discoveries find, a few at a time."""
    found = Stream.objects.filter(integration=integration).found()
    numbers = list(found.order_by("pk").values_list("pk", flat=True))
    for begin in range(0, len(numbers), STREAMS_AT_ONCE):
        yield list(found.filter(pk__in=numbers[begin : begin + STREAMS_AT_ONCE]).order_by("pk"))
