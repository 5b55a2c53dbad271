"""Add, edit, replace and remove destinations; pages and the Connect API share these (app.md 11, loading.md 12).

Nothing is ever moved or deleted in a warehouse. What was accepted and not loaded yet goes where its integration
points when it is loaded; an integration that a replacement or a removal touches is paused until a person resumes it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from accounts.audit import Event, record
from accounts.errors import DomainError
from accounts.models import Account, ApiKey, User
from accounts.services.account_lock import lock_account
from integrations.models import Destination, DestinationType, Integration, LoadedTable
from integrations.services.credentials import seal
from integrations.services.destination_checks import begin_check, finish_check
from integrations.services.destination_connections import Connection, Step, passed
from integrations.services.destination_limit import settle_destination_hold
from integrations.services.destination_names import Names, clean_names, require_free_name
from integrations.services.destinations import (
    EMBEDDED_NAME,
    integrations_into,
    integrations_without_destination,
    leave_unmapped,
)
from integrations.services.engines import LoadingRules
from integrations.services.hooks import delete_hooks_of
from integrations.services.integrations import delete_integration, pause_by_system
from integrations.services.notifications import (
    clear_causes,
    clear_destination,
    clear_tables,
    no_destination_cause,
)
from integrations.services.waiting import try_again_now

PAUSE, DELETE = "pause", "delete"


class DestinationLimitReached(DomainError):
    """The plan has no room for one more."""

    code, status = "destination_limit", 409
    message = "you are at your destination limit"


class DestinationGone(DomainError):
    """Somebody removed it meanwhile."""

    code, status = "destination_gone", 409
    message = "This destination was removed meanwhile."


class DestinationChanged(DomainError):
    """Somebody else saved other settings since the form was opened."""

    code, status = "destination_changed", 409
    message = (
        "Somebody else changed these settings while you were editing them. What you typed is kept here: "
        "save again to replace theirs, or open the page anew to see them."
    )


class DestinationAlreadyAdded(DomainError):
    """The same form came twice; the first one added `destination`."""

    code, status = "already_added", 409
    message = "This form was sent twice. The destination was added once."

    def __init__(self, destination: Destination) -> None:
        super().__init__()
        self.destination = destination


@transaction.atomic
def add_postgres_destination(
    *,
    account: Account,
    actor: User,
    names: Names,
    connection: Connection,
    steps: list[Step],
    replaces: Destination | None = None,
    takes_unmapped: bool = True,
    form_id: uuid.UUID | None = None,
    api_key: ApiKey | None = None,
) -> Destination:
    """Add a PostgreSQL destination, beside the account's others or in the place of one.

    Without the `steps` of a test one is begun. Integrations without a destination load into this one from now on,
    unless it does not take them. Raises DestinationAlreadyAdded, DestinationGone, DestinationLimitReached and
    DestinationNameTaken.
    """
    lock_account(account)
    if form_id is not None:
        earlier = account.destinations.filter(form_id=form_id).first()
        if earlier is not None:
            raise DestinationAlreadyAdded(earlier)
    moved = make_room(
        account=account, actor=actor, replaces=replaces, by=names["display_name"], api_key=api_key
    )
    if not takes_unmapped:
        moved = leave_unmapped(account=account)
    cleaned = clean_names(names)
    require_free_name(account=account, display_name=cleaned["display_name"])
    destination: Destination = account.destinations.create(
        type=DestinationType.POSTGRES,
        form_id=form_id,
        host=connection.host,
        port=connection.port,
        database=connection.database,
        username=connection.username,
        ssl=connection.ssl,
        ssl_root_certificate=connection.ssl_root_certificate,
        sealed_password=seal(connection.password, account=account),
        **cleaned,
    )
    if steps:
        finish_check(destination=destination, steps=steps, now=timezone.now())
    else:
        begin_check(destination=destination, actor=actor)
    settle_in(destination, moved, actor=actor, replaces=replaces, api_key=api_key)
    return destination


@transaction.atomic
def add_embedded_destination(
    *,
    account: Account,
    actor: User,
    names: Names | None = None,
    replaces: Destination | None = None,
    takes_unmapped: bool = True,
    api_key: ApiKey | None = None,
) -> Destination:
    """Use the account's embedded warehouse again, with whatever stands in its file.

    One that is there already is returned as it is. Raises DestinationGone, DestinationLimitReached and
    DestinationNameTaken.
    """
    lock_account(account)
    present: Destination | None = account.destinations.live().filter(type=DestinationType.DUCKDB).first()
    if present is not None:
        return present
    cleaned = clean_names(names or {"display_name": EMBEDDED_NAME, "description": ""})
    moved = make_room(
        account=account, actor=actor, replaces=replaces, by=cleaned["display_name"], api_key=api_key
    )
    if not takes_unmapped:
        moved = leave_unmapped(account=account)
    if names is not None:
        require_free_name(account=account, display_name=cleaned["display_name"])
    destination: Destination = account.destinations.create(type=DestinationType.DUCKDB, **cleaned)
    settle_in(destination, moved, actor=actor, replaces=replaces, api_key=api_key)
    return destination


@transaction.atomic
def update_destination(
    *,
    destination: Destination,
    actor: User,
    believed_revision: int,
    names: Names,
    rules: LoadingRules | None = None,
    connection: Connection | None = None,
    password_changed: bool = False,
    steps: Iterable[Step] = (),
    api_key: ApiKey | None = None,
) -> Destination:
    """Change a destination's names, with `rules` how is loaded into it, and with `connection` where it is.

    A connection that comes without the `steps` of a test is tested in the background. A stored
    password stays unless it changed; what waits is tried again at once. Raises DestinationChanged,
    DestinationGone and DestinationNameTaken.
    """
    current = lock_destination(destination)
    if current.revision != believed_revision:
        raise DestinationChanged
    cleaned = clean_names(names)
    require_free_name(account=current.account, display_name=cleaned["display_name"], destination=current)
    wanted: dict[str, object] = {**cleaned, **(rules or {})}
    if connection is not None:
        wanted |= {
            name: getattr(connection, name)
            for name in ("host", "port", "database", "username", "ssl", "ssl_root_certificate")
        }
    before = {
        name: getattr(current, name) for name, value in wanted.items() if getattr(current, name) != value
    }
    for name in before:
        setattr(current, name, wanted[name])
    written = [*before]
    if connection is not None and password_changed:
        current.sealed_password = seal(connection.password, account=current.account)
        written.append("sealed_password")
    checked = list(steps)
    if checked:
        finish_check(destination=current, steps=checked, now=timezone.now())
        if passed(checked):
            clear_destination(destination=current, now=timezone.now())
    elif connection is not None:
        begin_check(destination=current, actor=actor)
    if not written:
        return current
    current.revision += 1
    current.updated_at = timezone.now()
    current.save(update_fields=[*written, "revision", "updated_at"])
    told = [name for name in before if name != "ssl_root_certificate"]
    record(
        Event.DESTINATION_UPDATED,
        account=current.account,
        actor=actor,
        target=current,
        target_name=current.display_name,
        api_key=api_key,
        before={name: before[name] for name in told},
        after={name: wanted[name] for name in told},
        password_changed=password_changed,
        certificate_changed="ssl_root_certificate" in before,
    )
    touched = list(integrations_into(destination=current))
    transaction.on_commit(lambda: try_again_now(touched))
    return current


@transaction.atomic
def record_check(
    *,
    destination: Destination,
    actor: User | None,
    steps: list[Step],
    check_id: uuid.UUID | None = None,
    api_key: ApiKey | None = None,
) -> Destination:
    """Keep what a test of a destination found; after a good one, what waits is tried at once.

    The outcome of a test that a newer one replaced meanwhile, which `check_id` tells, is dropped.
    """
    current = lock_destination(destination)
    if check_id is not None and current.check_id != check_id:
        return current
    finish_check(destination=current, steps=steps, now=timezone.now(), check_id=check_id)
    record(
        Event.DESTINATION_CHECKED,
        account=current.account,
        actor=actor,
        target=current,
        target_name=current.display_name,
        api_key=api_key,
        passed=passed(steps),
    )
    if passed(steps):
        clear_destination(destination=current, now=timezone.now())
        touched = list(integrations_into(destination=current))
        transaction.on_commit(lambda: try_again_now(touched))
    return current


@transaction.atomic
def remove_destination(
    *, destination: Destination, actor: User, connected: str = PAUSE, api_key: ApiKey | None = None
) -> Destination:
    """Load nothing into it any more; its integrations are paused, or deleted with `connected=DELETE`.

    They have no destination then: what was accepted waits until one is chosen. What was loaded stays where it is.
    """
    current = lock_destination(destination)
    retire(
        current,
        actor=actor,
        connected=connected,
        reason=f"{current.display_name} was removed",
        api_key=api_key,
    )
    settle_destination_hold(account=current.account, plan=current.account.plan, actor=actor)
    return current


def make_room(
    *, account: Account, actor: User, replaces: Destination | None, by: str, api_key: ApiKey | None
) -> list[Integration]:
    """Retire the destination that is replaced and return its integrations; without one, refuse beyond the limit."""
    if replaces is not None:
        current = lock_destination(replaces)
        return retire(
            current,
            actor=actor,
            connected=PAUSE,
            reason=f"{current.display_name} was replaced by {by}",
            api_key=api_key,
        )
    most = lock_account(account).plan.max_destinations
    if most is not None and account.destinations.live().count() >= most:
        raise DestinationLimitReached
    return list(integrations_without_destination(account=account))


def retire(
    destination: Destination, *, actor: User, connected: str, reason: str, api_key: ApiKey | None
) -> list[Integration]:
    """Mark a destination removed and return its integrations, each paused or deleted and pointing to it still."""
    touched = list(integrations_into(destination=destination).order_by("pk"))
    for integration in touched:
        if integration.deleted_at is None and connected == DELETE:
            delete_integration(integration=integration, actor=actor, api_key=api_key)
        elif integration.deleted_at is None:
            pause_by_system(integration=integration, actor=actor, reason=reason, api_key=api_key)
    point_to(destination, touched)
    delete_hooks_of(destination=destination, actor=actor, reason=reason, api_key=api_key)
    destination.deleted_at = timezone.now()
    clear_destination(destination=destination, now=destination.deleted_at)
    clear_tables(integrations=touched, now=destination.deleted_at)
    destination.sealed_password = ""
    destination.save(update_fields=["deleted_at", "sealed_password"])
    record(
        Event.DESTINATION_REMOVED,
        account=destination.account,
        actor=actor,
        target=destination,
        target_name=destination.display_name,
        api_key=api_key,
        reason=reason,
        type=destination.type,
        integrations=connected,
    )
    return touched


def settle_in(
    destination: Destination,
    moved: list[Integration],
    *,
    actor: User,
    replaces: Destination | None,
    api_key: ApiKey | None,
) -> None:
    """Let integrations load into a new destination, and say so in the trail."""
    record(
        Event.DESTINATION_ADDED,
        account=destination.account,
        actor=actor,
        target=destination,
        target_name=destination.display_name,
        api_key=api_key,
        type=destination.type,
        replaces=replaces.display_name if replaces is not None else "",
        host=destination.host,
        port=destination.port,
        database=destination.database,
    )
    point_to(destination, moved)
    forget_tables(moved)
    clear_causes(
        account=destination.account,
        causes=[no_destination_cause(integration) for integration in moved],
        now=timezone.now(),
    )
    for integration in moved:
        if integration.deleted_at is None:
            record(
                Event.INTEGRATION_MAPPED,
                account=destination.account,
                actor=actor,
                target=integration,
                target_name=integration.display_name,
                api_key=api_key,
                destination=destination.display_name,
            )
    transaction.on_commit(lambda: try_again_now(moved))


def point_to(destination: Destination, integrations: list[Integration]) -> None:
    """Write down where integrations are loaded from now on."""
    pks = [integration.pk for integration in integrations]
    Integration.objects.filter(pk__in=pks).update(destination=destination, updated_at=timezone.now())


def forget_tables(integrations: Iterable[Integration]) -> None:
    """Forget which tables an integration has: in another destination it begins with none, until the next load."""
    LoadedTable.objects.filter(integration__in=list(integrations)).delete()


def lock_destination(destination: Destination) -> Destination:
    """Return the destination as it is now, locked with its account. Raises DestinationGone when it was removed."""
    lock_account(destination.account)
    rows = Destination.objects.select_for_update(of=("self",)).select_related("account")
    current: Destination = rows.get(pk=destination.pk)
    if current.deleted_at is not None:
        raise DestinationGone
    return current
