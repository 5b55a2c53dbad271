"""On SQLite the index of accepted batches lives in a database of its own (decision D26)."""

from typing import Any

from django.db.models import Model

QUEUE_MODELS = frozenset(
    {
        "batch",
        "batchtable",
        "idempotencykey",
        "queuedtable",
        "receivedrequest",
        "rejectedcut",
        "rejectedformat",
        "rejectedrecord",
        "requestday",
    }
)


class QueueRouter:
    """Send the queue's models to the database `queue`, everything else to `default`."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:
        return "queue" if model._meta.model_name in QUEUE_MODELS else None

    db_for_write = db_for_read

    def allow_relation(self, one: Model, other: Model, **hints: Any) -> bool | None:
        return one._state.db == other._state.db or None

    def allow_migrate(
        self, db: str, app_label: str, model_name: str | None = None, **hints: Any
    ) -> bool | None:
        if model_name is None:  # a data migration: it names its tables' database itself
            return bool(db == hints.get("database", "default"))
        return (db == "queue") == (app_label == "integrations" and model_name in QUEUE_MODELS)
