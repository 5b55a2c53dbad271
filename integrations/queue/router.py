"""On SQLite the index of accepted batches lives in a database of its own (decision D26)."""

QUEUE_MODELS = frozenset({"batch", "batchtable"})


class QueueRouter:
    """Send the queue's models to the database `queue`, everything else to `default`."""

    def db_for_read(self, model, **hints):
        return "queue" if model._meta.model_name in QUEUE_MODELS else None

    db_for_write = db_for_read

    def allow_relation(self, one, other, **hints):
        return one._state.db == other._state.db or None

    def allow_migrate(self, db, app_label, model_name=None, **hints):
        if model_name is None:  # a data migration: it names its tables' database itself
            return db == hints.get("database", "default")
        return (db == "queue") == (app_label == "integrations" and model_name in QUEUE_MODELS)
