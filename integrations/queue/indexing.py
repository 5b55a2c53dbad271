"""The index rows of accepted requests: on disk when `index` returns, those of several requests in one transaction.

A commit costs a flush of the disk, whatever is in it. So requests that come while one is being committed wait for
it together, and the first of them then commits the rows of all: each of them returns only after its own rows are
on disk (promise I1), and one whose rows the database refuses is tried again alone.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.conf import settings
from django.db import DatabaseError, OperationalError, connections, transaction
from django.db.models import DateTimeField, Field, Model, UUIDField

from integrations.models import Batch, BatchTable, QueuedTable

SHOWN_NAME_LENGTH = 1024
Tables = Sequence[tuple[str, int]]


def index(batch: Batch, tables: Tables, *, beside: Callable[[Batch], None] | None = None) -> None:
    """Write the rows of a batch and of its share in each table, all or none; they are durable when this returns.

    `beside` writes what belongs to the batch in the same transaction, and nobody else's request is in it. Raises
    DatabaseError, and what `beside` raises.
    """
    if beside is not None:
        with transaction.atomic(using=settings.QUEUE_DATABASE):
            beside(batch)
            insert(batch, tables)
        return
    entry = Entry(batch, tables)
    commits.commit(entry)
    if entry.error is None:
        return
    if isinstance(entry.error, OperationalError):  # the database is busy or away: nobody else fared better
        raise entry.error
    with transaction.atomic(using=settings.QUEUE_DATABASE):
        insert(batch, tables)


@dataclass(slots=True, eq=False)
class Entry:
    """The rows of one request, on their way to disk."""

    batch: Batch
    tables: Tables
    waiting: threading.Lock = field(default_factory=threading.Lock)
    settled: bool = False
    error: DatabaseError | None = None


class SharedCommits:
    """Lets one of the threads that have rows to commit do it for all."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.entries: list[Entry] = []
        self.committing = False

    def commit(self, entry: Entry) -> None:
        """Return when the entry is settled: its rows are on disk, or it has its error."""
        with self.lock:
            self.entries.append(entry)
            mine = not self.committing
            self.committing = True
            if not mine:
                entry.waiting.acquire()
        if not mine:
            entry.waiting.acquire()  # until its rows are committed, or it is this thread's turn to commit
            if entry.settled:
                return
        with self.lock:
            together, self.entries = self.entries, []
        try:
            write_together(together)
        finally:
            self._hand_over(together, entry)

    def _hand_over(self, together: list[Entry], mine: Entry) -> None:
        with self.lock:
            if self.entries:
                self.entries[0].waiting.release()
            else:
                self.committing = False
        for entry in together:
            if entry is not mine:
                entry.waiting.release()


commits = SharedCommits()


def write_together(entries: list[Entry]) -> None:
    """Commit the rows of all entries, or give each the error; none is left unsettled."""
    error: DatabaseError | None = OperationalError("The thread that committed for others was ended.")
    try:
        with transaction.atomic(using=settings.QUEUE_DATABASE):
            for entry in entries:
                insert(entry.batch, entry.tables)
        error = None
    except DatabaseError as raised:
        error = raised
    finally:
        for entry in entries:
            entry.settled, entry.error = True, error


def insert(batch: Batch, tables: Tables) -> None:
    """Insert the rows of a batch in the running transaction; a table seen first gets its queue entry."""
    connection = connections[settings.QUEUE_DATABASE]
    values = [
        column.get_db_prep_save(getattr(batch, column.attname), connection)
        if isinstance(column, UUIDField | DateTimeField)  # the others are written as they are
        else getattr(batch, column.attname)
        for column in columns(Batch)
    ]
    with connection.cursor() as cursor:
        if connection.features.can_return_columns_from_insert:
            cursor.execute(f"{batch_insertion()} RETURNING id", values)
            [batch.pk] = cursor.fetchone()
        else:
            cursor.execute(batch_insertion(), values)
            batch.pk = cursor.lastrowid
        for position, (name, records) in enumerate(tables):
            share = [batch.pk, records, batch.integration_id, name_digest(name)]
            cursor.execute(share_insertion(), share)
            if cursor.rowcount == 0:
                begin_tables(batch, [name for name, _ in tables[position:]])
                cursor.execute(share_insertion(), share)


def begin_tables(batch: Batch, names: list[str]) -> None:
    """Make the queue entries of tables that a batch names; those that exist stay as they are."""
    QueuedTable.objects.bulk_create(
        [
            QueuedTable(
                account_id=batch.account_id,
                integration_id=batch.integration_id,
                table_name=shown_name(name),
                name_digest=name_digest(name),
                not_before=batch.received_at,
            )
            for name in names
        ],
        ignore_conflicts=True,  # another request may have named the table in the same moment
    )


@cache
def columns(model: type[Model]) -> list[Field[Any, Any]]:
    """Return a model's columns without its primary key, which the database gives."""
    return [column for column in model._meta.concrete_fields if not column.primary_key]


@cache
def batch_insertion() -> str:
    """Return the statement that inserts a batch, a parameter for each column."""
    names = ", ".join(f'"{column.column}"' for column in columns(Batch))
    places = ", ".join("%s" for _ in columns(Batch))
    return f'INSERT INTO "{Batch._meta.db_table}" ({names}) VALUES ({places})'  # noqa: S608 - our own names


@cache
def share_insertion() -> str:
    """Return the statement that inserts a table's share of a batch, if the table has its queue entry.

    Its parameters: the batch, the number of records, the integration and the digest of the table's name. What
    else a share has begins with the default of its column.
    """
    given = {
        "batch_id": "%s",
        "queued_table_id": "entry.id",
        "account_id": "entry.account_id",
        "integration_id": "entry.integration_id",
        "table_name": "entry.table_name",
        "records": "%s",
    }
    for column in columns(BatchTable):
        given.setdefault(column.column, as_literal(column.get_default()))
    names = ", ".join(f'"{name}"' for name in given)
    return (
        f'INSERT INTO "{BatchTable._meta.db_table}" ({names}) SELECT {", ".join(given.values())} '  # noqa: S608
        f'FROM "{QueuedTable._meta.db_table}" entry WHERE entry.integration_id = %s AND entry.name_digest = %s'
    )


def as_literal(default: object) -> str:
    """Return a column's default in SQL."""
    match default:
        case None:
            return "NULL"
        case bool() | int():
            return str(default).upper()
        case str():
            return f"'{default}'"
    raise TypeError(f"No literal for {default!r}")


def name_digest(name: str) -> str:
    """Identify a table name of any length and any characters."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def shown_name(name: str) -> str:
    """Return a table name as a database column can hold it and a page can show it."""
    readable = name.encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")
    return readable[:SHOWN_NAME_LENGTH]
