"""Try failed background work once more, because a member of staff asks for it."""

from django.db import transaction
from django.utils import timezone

from accounts.audit import Event, record
from accounts.errors import DomainError
from accounts.models import Task, User


class NotFailed(DomainError):
    """Only work that was given up is tried once more."""

    code, status = "not_failed", 409
    message = "This task was not given up: it is waiting, in hand, or done."


class AskedForAgain(DomainError):
    """The same work was asked for again since it failed, and waits to be done."""

    code, status = "asked_for_again", 409
    message = "The same work was asked for again since, and is on its way: there is nothing to retry."


@transaction.atomic
def retry_task(*, task: Task, actor: User, reason: str) -> None:
    """Make a failed task due now, with all its tries before it."""
    task = Task.objects.select_for_update().get(pk=task.pk)
    if task.failed_at is None:
        raise NotFailed
    if task.key and Task.objects.open().filter(kind=task.kind, key=task.key).exists():
        raise AskedForAgain
    Task.objects.filter(pk=task.pk).update(failed_at=None, attempts=0, interruptions=0, due_at=timezone.now())
    record(
        Event.TASK_RETRIED,
        account=task.account,
        actor=actor,
        target=task,
        target_name=str(task),
        by_staff=True,
        reason=reason,
    )
