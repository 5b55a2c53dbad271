"""Delete closed accounts once their grace period is over (issue 4 B; decision D38).

Deleted: what waits in the queue and what was kept of requests and rejected records, the embedded warehouse's file,
integrations, tokens, destinations with their passwords, keys, loads, usage, notifications, invitations, memberships,
and the people whom no other account knows. What stays: the account's number, and its trail without names. A
PostgreSQL destination is its owner's: nothing is touched there.

Each step bears being done twice: after a crash the next run begins again, and the account counts as deleted last.
"""

from __future__ import annotations

import logging
import shutil
from datetime import datetime, timedelta

from django.apps import apps
from django.conf import settings
from django.db import router, transaction
from django.db.models import ForeignKey, Model, ProtectedError

from accounts.audit import Event, record
from accounts.models import Account, AuditEvent
from accounts.services.account_lock import lock_account
from accounts.services.account_turns import for_each_account
from accounts.services.forgetting import (
    forget_names_in_admin_log,
    forget_names_in_trail,
    forget_person,
    people_of_no_other_account,
)
from accounts.services.tasks import timed
from integrations.models import (
    Batch,
    BatchTable,
    IdempotencyKey,
    QueuedTable,
    ReceivedRequest,
    RejectedCut,
    RejectedFormat,
    RejectedRecord,
    RequestDay,
)
from integrations.services.job_logs import logs_folder

logger = logging.getLogger("integrations.account_deletion")
DELETED_NAME = "Deleted account"
STAYS: tuple[type[Model], ...] = (AuditEvent,)
QUEUE_BY_ACCOUNT: tuple[type[Model], ...] = (
    RejectedRecord,
    ReceivedRequest,
    RequestDay,
    BatchTable,
    Batch,
    QueuedTable,
)  # in this order: shares before what they are shares of
QUEUE_BY_INTEGRATION: tuple[type[Model], ...] = (IdempotencyKey, RejectedCut, RejectedFormat)


@timed("accounts.delete", every=timedelta(hours=1))
def delete_closed_accounts(now: datetime) -> None:
    """Delete every account whose grace period is over."""
    due = Account.objects.filter(closed_at__isnull=False, deletes_at__lte=now, deleted_at=None)
    for_each_account(
        due.order_by("deletes_at"),
        lambda account: delete_account(account=account, now=now),
        what="Deleting closed accounts",
    )


def delete_account(*, account: Account, now: datetime) -> None:
    """Delete a closed account; it cannot be reopened any more, so nothing comes in between."""
    numbers = list(account.integrations.values_list("pk", flat=True))
    delete_queued(account, numbers)
    delete_warehouse(account)
    shutil.rmtree(logs_folder() / str(account.pk), ignore_errors=True)
    with transaction.atomic():
        held = lock_account(account)
        people = people_of_no_other_account(held)
        deleted = delete_owned(held)
        for person in people:
            forget_person(person)
        forget_names_in_trail(held, people)
        forget_names_in_admin_log(held, people)
        held.company_name = DELETED_NAME
        held.staff_hold_reason = ""
        held.two_factor_required_at = None
        held.deleted_at = now
        held.save(update_fields=["company_name", "staff_hold_reason", "two_factor_required_at", "deleted_at"])
        record(Event.ACCOUNT_DELETED, account=held, actor=None, target=held, rows=deleted, people=len(people))
    logger.info("account.deleted", extra={"account": account.pk, "rows": deleted, "people": len(people)})


def delete_queued(account: Account, integrations: list[int]) -> None:
    """Delete what waits and what was kept of it; the bytes on disk go with the next cleaning of the queue."""
    with transaction.atomic(using=router.db_for_write(Batch)):
        for model in QUEUE_BY_ACCOUNT:
            model._default_manager.filter(account_id=account.pk).delete()
        for model in QUEUE_BY_INTEGRATION:
            model._default_manager.filter(integration_id__in=integrations).delete()


def delete_warehouse(account: Account) -> None:
    """Delete the embedded warehouse's file, and what DuckDB keeps beside it."""
    folder = settings.DATA_DIR / "warehouse"
    for file in folder.glob(f"{account.client_id}.duckdb*"):
        file.unlink(missing_ok=True)


def delete_owned(account: Account) -> int:
    """Delete every row that carries the account; return how many. What protects another row goes before it."""
    left, deleted = owned_models(), 0
    while left:
        protected = []
        for model in left:
            try:
                with transaction.atomic():
                    deleted += model._base_manager.filter(account=account).delete()[0]
            except ProtectedError:
                protected.append(model)
        if len(protected) == len(left):
            raise RuntimeError(f"Rows protect each other: {[model.__name__ for model in protected]}")
        left = protected
    return deleted


def owned_models() -> list[type[Model]]:
    """Return the models whose rows belong to an account and go with it."""
    return [
        model
        for app in ("accounts", "integrations")
        for model in apps.get_app_config(app).get_models()
        if model not in STAYS
        and any(
            isinstance(field, ForeignKey) and field.name == "account" and field.related_model is Account
            for field in model._meta.get_fields()
        )
    ]
