"""Deliver the messages of post-load hooks: five tries in more than half an hour, a log, and replay (promise J3)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, Q
from django.utils import timezone

from accounts.audit import Event, record
from accounts.errors import DomainError
from accounts.models import Account, Task, User
from accounts.plans import Feature, has_feature
from accounts.services.task_leases import holding
from accounts.services.tasks import TaskFailed, handles, timed
from integrations.models import Delivery, DeliveryState, Hook, Kind
from integrations.services import hook_posts
from integrations.services.hook_messages import KIND, enqueue
from integrations.services.hooks import SecretUnreadable, cause_of, over, require_hooks, secret_of
from integrations.services.notifications import raise_notification

PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 10, 20))  # five tries in 36 minutes
REMOVED_AT_ONCE = 500
TO_SEND = (DeliveryState.WAITING, DeliveryState.FAILED)  # failed ones come again when staff retry their task


class HookIsDisabled(DomainError):
    """Nothing is sent to a disabled hook."""

    code, status = "hook_disabled", 409
    message = "This webhook is disabled. Re-enable it, then replay."


class StillWaiting(DomainError):
    """The message has tries before it."""

    code, status = "still_waiting", 409
    message = "This message is still on its way: there is nothing to replay yet."


def give_up_on(task: Task) -> None:
    """Mark a delivery failed after its last try, and tell the account's people."""
    delivery = find(task)
    if delivery is None or delivery.state != DeliveryState.WAITING:
        return
    Delivery.objects.filter(pk=delivery.pk).update(state=DeliveryState.FAILED, error=task.error)
    if not delivery.hook.is_enabled:
        return  # it was disabled during the last try: nobody waits for its messages, and nothing would end the notice
    raise_notification(
        account=delivery.account,
        kind=Kind.UNDELIVERABLE_HOOK,
        cause=cause_of(delivery.hook),
        message=f"The webhook {delivery.hook.url} did not take a message in {len(PAUSES) + 1} tries.",
        details=task.error,
        now=timezone.now(),
    )


@handles(KIND, pauses=PAUSES, exhausted=give_up_on, shown=("delivery",))
def deliver(task: Task) -> None:
    """Try a delivery once and keep what came of it."""
    delivery = find(task)
    if delivery is None or delivery.state not in TO_SEND:
        return  # its hook was deleted, or it has arrived: the worker that sent it died before it could say so
    reason = why_not(delivery.hook)
    if reason:
        with holding(task):
            Delivery.objects.filter(pk=delivery.pk).update(state=DeliveryState.DROPPED, error=reason)
        return
    try:
        secret = secret_of(delivery.hook)
    except SecretUnreadable:
        answer = hook_posts.Answer(
            None, 0, "The signing secret cannot be read: delete the webhook and add it anew."
        )
    else:
        answer = hook_posts.post(
            url=delivery.hook.url,
            body=delivery.body.encode(),
            secret=secret,
            delivery=delivery.pk,
            event=delivery.event,
        )
    note(task, delivery, answer)
    if not answer.arrived:
        raise TaskFailed(answer.error)


def note(task: Task, delivery: Delivery, answer: hook_posts.Answer) -> None:
    """Keep what came of a try. Raises LeaseLost."""
    now = timezone.now()
    with holding(task):
        Delivery.objects.filter(pk=delivery.pk).update(
            state=DeliveryState.DELIVERED if answer.arrived else DeliveryState.WAITING,
            tries=F("tries") + 1,
            tried_at=now,
            status=answer.status,
            milliseconds=answer.milliseconds,
            error=answer.error,
        )
        if answer.arrived:
            over(delivery.hook, now=now)


def find(task: Task) -> Delivery | None:
    """Return the delivery that a task is about, as it is now."""
    found: Delivery | None = (
        Delivery.objects.select_related("account", "hook__account__plan")
        .filter(pk=task.facts["delivery"])
        .first()
    )
    return found


def why_not(hook: Hook) -> str:
    """Say why nothing may be sent to a hook now; empty when it may."""
    if not hook.is_enabled:
        return "The webhook was disabled before this message was sent."
    if hook.account.closed_at is not None:
        return "The account was closed before this message was sent."
    if not has_feature(hook.account, Feature.POST_LOAD_HOOKS, timezone.now()):
        return "The account's plan has no post-load hooks any more."
    return ""


@transaction.atomic
def replay(*, delivery: Delivery, actor: User) -> None:
    """Send a message again as it was, with five tries before it."""
    hook = Hook.objects.select_for_update().select_related("account").get(pk=delivery.hook_id)
    require_hooks(Account.objects.select_related("plan").get(pk=hook.account_id))
    if not hook.is_enabled:
        raise HookIsDisabled
    again = (
        Delivery.objects.filter(pk=delivery.pk)
        .exclude(state=DeliveryState.WAITING)
        .update(state=DeliveryState.WAITING, tries=0, replays=F("replays") + 1, error="", status=None)
    )
    if not again:
        raise StillWaiting
    enqueue(Delivery.objects.select_related("account").get(pk=delivery.pk))
    record(
        Event.HOOK_REPLAYED,
        account=hook.account,
        actor=actor,
        target=hook,
        target_name=hook.url,
        delivery=delivery.pk,
    )


def next_tries(*, account: Account, deliveries: Iterable[Delivery]) -> dict[int, datetime]:
    """Return when each of the deliveries that wait is tried next, by its number; one query."""
    keys = [str(delivery.pk) for delivery in deliveries if delivery.state == DeliveryState.WAITING]
    tasks = account.tasks.filter(kind=KIND, key__in=keys, failed_at=None) if keys else []
    return {int(task.key): task.due_at for task in tasks}


@timed("hooks.forget", every=timedelta(hours=1))
def forget_old(now: datetime) -> None:
    """Keep the newest deliveries of each hook; those that wait stay whatever their number (decision D32)."""
    counted = Hook.objects.annotate(messages=Count("deliveries"))
    for hook in counted.filter(messages__gt=kept()).only("pk"):
        newest = hook.deliveries.order_by("-at", "-pk")
        first_too_many = newest[kept() : kept() + 1].first()
        if first_too_many is None:
            continue  # fewer by now
        as_old = Q(at__lt=first_too_many.at) | Q(at=first_too_many.at, pk__lte=first_too_many.pk)
        old = hook.deliveries.filter(as_old).exclude(state=DeliveryState.WAITING)
        while pks := list(old.values_list("pk", flat=True)[:REMOVED_AT_ONCE]):
            Delivery.objects.filter(pk__in=pks).delete()


def kept() -> int:
    """Return how many messages of each hook are kept."""
    most: int = settings.HOOK_DELIVERIES_KEPT
    return most
