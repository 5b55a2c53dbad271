"""Connection checks that a change through the API starts: carried out in the background, read by polling."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.utils import timezone

from accounts.models import Task, User
from accounts.services.tasks import TaskFailed, add_task, handles
from integrations.models import Destination
from integrations.services.credentials import CredentialUnreadable
from integrations.services.destination_connections import (
    CONNECT,
    Step,
    TooManyChecks,
    check_connection,
    connection_of,
    stored_steps,
)

KIND = "destination_check"
PAUSES = tuple(timedelta(seconds=seconds) for seconds in (2, 5, 10, 30, 60))


def begin_check(*, destination: Destination, actor: User) -> None:
    """Have a destination tested soon, in the caller's transaction; one that is not finished is replaced.

    The embedded warehouse has no connection: nothing is tested.
    """
    if destination.is_embedded:
        return
    destination.check_id, destination.check_started_at = uuid.uuid4(), timezone.now()
    destination.checked_at, destination.check_steps = None, []
    destination.save(update_fields=["check_id", "check_started_at", "checked_at", "check_steps"])
    add_task(
        KIND,
        account=destination.account,
        key=str(destination.pk),
        destination=destination.pk,
        check=str(destination.check_id),
        actor=actor.pk,
    )


def finish_check(
    *, destination: Destination, steps: list[Step], now: datetime, check_id: uuid.UUID | None = None
) -> None:
    """Keep what a test found with its destination, which is locked; one that a page made gets a name of its own."""
    if check_id is None:
        destination.check_id, destination.check_started_at = uuid.uuid4(), now
    destination.checked_at, destination.check_steps = now, stored_steps(steps)
    destination.save(update_fields=["check_id", "check_started_at", "checked_at", "check_steps"])


def give_up(task: Task) -> None:
    """Say with the destination that its test could not be made."""
    found = find(task)
    if found is not None:
        step = Step(CONNECT, False, f"The test could not be made: {task.error}")
        finish_check(destination=found, steps=[step], now=timezone.now(), check_id=found.check_id)


@handles(KIND, pauses=PAUSES, exhausted=give_up, shown=("destination",))
def carry_out_check(task: Task) -> None:
    """Test a destination and keep what was found, unless it was changed or removed meanwhile."""
    from integrations.services.destination_changes import DestinationGone, record_check

    destination = find(task)
    if destination is None:
        return
    try:
        steps = check_connection(connection_of(destination))
    except TooManyChecks as refusal:
        raise TaskFailed(refusal.message) from refusal
    except CredentialUnreadable as refusal:
        steps = [Step(CONNECT, False, refusal.message)]
    actor = User.objects.filter(pk=task.facts["actor"]).first()
    try:
        record_check(destination=destination, actor=actor, steps=steps, check_id=destination.check_id)
    except DestinationGone:  # removed while it was tested: nobody is told of it any more
        return


def find(task: Task) -> Destination | None:
    """Return the destination that a task tests; None when it is gone or a newer test replaced this one."""
    rows = Destination.objects.live().select_related("account")
    found: Destination | None = rows.filter(
        pk=task.facts["destination"], check_id=task.facts["check"], checked_at=None
    ).first()
    return found
