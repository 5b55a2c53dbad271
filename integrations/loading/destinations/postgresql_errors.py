"""What a PostgreSQL server's errors mean for loading: what waits, and what a person has to do (loading.md 7.3, 7.4)."""

from __future__ import annotations

from typing import Literal, NamedTuple

import psycopg
from psycopg import errors

from integrations.loading.destinations import postgresql_connection
from integrations.loading.errors import Fault, LoadError
from integrations.loading.ledger import SCHEMA

NEW_SCHEMA = "Encountered error while attempting to create new schema."

# Words of a refused connection that nothing but a change of settings or rights will heal.
LASTING = (
    "password authentication failed",
    "no password supplied",
    "does not exist",
    "no pg_hba.conf entry",
    "is not permitted to log in",
    "permission denied for database",
    "certificate",
    "does not support SSL",
    "no encryption",
)


class Meaning(NamedTuple):
    """What an error stops, whether it heals by itself, and what to do about it."""

    scope: Literal["table", "destination"] = "table"
    transient: bool = False
    advice: str = ""


CONSTRAINT = Meaning(
    advice="A constraint, index or trigger of your own refuses the rows: drop it, or send rows that meet it."
)
CHANGED = Meaning(transient=True, advice="The structure was changed meanwhile: the next try reads it anew.")
LOCKED = Meaning(
    transient=True, advice="Another session holds the table: loading waits for it and tries again."
)
FULL = Meaning("destination", advice="Free space on the server, or give it more.")

# The first class that the error is an instance of decides.
MEANINGS: tuple[tuple[type[psycopg.Error], Meaning], ...] = (
    (
        errors.NotNullViolation,
        Meaning(advice="Drop the constraint: a column that is not sent must be able to stay empty."),
    ),
    (psycopg.IntegrityError, CONSTRAINT),
    (errors.RaiseException, CONSTRAINT),
    (errors.LockNotAvailable, LOCKED),
    (errors.QueryCanceled, LOCKED),
    (errors.DeadlockDetected, LOCKED),
    (errors.SerializationFailure, LOCKED),
    (
        errors.DependentObjectsStillExist,
        Meaning(advice="Drop the object that depends on it, and make it again after the load."),
    ),
    (
        errors.FeatureNotSupported,
        Meaning(advice="If a view or rule depends on the table, drop it and make it again after the load."),
    ),
    (errors.DuplicateTable, CHANGED),
    (errors.DuplicateColumn, CHANGED),
    (errors.DuplicateSchema, CHANGED),
    (errors.UndefinedTable, CHANGED),
    (errors.UndefinedColumn, CHANGED),
    (errors.InvalidSchemaName, CHANGED),
    (errors.DiskFull, FULL),
    (errors.IoError, FULL),
    (
        errors.OutOfMemory,
        Meaning("destination", transient=True, advice="The server has too little memory for the load."),
    ),
    (
        errors.ReadOnlySqlTransaction,
        Meaning(
            "destination",
            advice="The server only reads: it is a standby, or sessions of this user are set so.",
        ),
    ),
)


# What a server says when it turns a connection away, for which the driver passes no state on.
CONNECTION_STATES = (
    ("password authentication failed", "28P01"),
    ("no password supplied", "28P01"),
    ("no pg_hba.conf entry", "28000"),
    ("is not permitted to log in", "28000"),
    ("FATAL: role ", "28000"),
    ("FATAL: database ", "3D000"),
    ("too many clients", "53300"),
    ("remaining connection slots", "53300"),
    ("starting up", "57P03"),
    ("shutting down", "57P03"),
)
UNABLE_TO_CONNECT = "08001"


def explain(error: psycopg.Error) -> LoadError:
    """Say what waits because of an engine's error, and whether it heals by itself."""
    told = _explained(error)
    told.engine_error = f"{type(error).__module__}.{type(error).__name__}"
    told.sql_state = sql_state(error)
    return told


def sql_state(error: psycopg.Error) -> str:
    """Return the SQL state of an error; of a connection that was not made, the one that its words stand for."""
    if error.sqlstate is not None or not isinstance(error, psycopg.OperationalError):
        return error.sqlstate or ""
    words = postgresql_connection.first_line(error)
    for sign, state in CONNECTION_STATES:
        if sign in words:
            return state
    return UNABLE_TO_CONNECT


def _explained(error: psycopg.Error) -> LoadError:
    words = error.diag.message_primary or postgresql_connection.first_line(error)
    if isinstance(error, errors.InsufficientPrivilege):
        return _missing_right(words)
    if "No space left on device" in words:
        return _told(words, FULL)
    for kind, meaning in MEANINGS:
        if isinstance(error, kind):
            return _told(words, meaning)
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        lasting = error.sqlstate is None and any(sign in words for sign in LASTING)
        return LoadError(postgresql_connection.explain(error), transient=not lasting, scope="destination")
    return _told(words, Meaning())


def _told(words: str, meaning: Meaning) -> LoadError:
    message = f"ERROR: {words}. {meaning.advice}" if meaning.advice else f"ERROR: {words}"
    fault: Fault = "warehouse" if meaning.advice else "data"
    return LoadError(message, transient=meaning.transient, scope=meaning.scope, fault=fault)


def _missing_right(words: str) -> LoadError:
    if "must be owner" in words:
        return _told(
            words, Meaning(advice="The user that loads must own the tables whose structure it changes.")
        )
    if "permission denied for database" in words or SCHEMA in words or "temporary tables" in words:
        return _told(words, Meaning("destination", advice="Give the user that loads this right."))
    return _told(words, Meaning(advice="Give the user that loads this right."))
