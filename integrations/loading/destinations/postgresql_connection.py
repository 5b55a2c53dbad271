"""Reaching a PostgreSQL server: its settings, a connection, and a test of what loading needs (loading.md 7.4)."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import psycopg
from psycopg import sql

MINIMUM_VERSION = 90_300  # loading.md 11.2
CONNECT_SECONDS = 4
CHECK_STATEMENT_SECONDS = 4
APPLICATION_NAME = "stitchapp"
NOWHERE = (
    f"{os.devnull}/none"  # a file that cannot be: no password or certificate of this machine's own is used
)
REFUSED = (
    "Connection refused. Check that the hostname and port are correct and that the postmaster is accepting TCP/IP "
    "connections."
)
# What a server or the network says, and what to do about it; the first that fits is told after the message itself.
ADVICE = (
    ("timeout expired", "Check the host, the port, and that firewalls on the way let this server through."),
    ("No route to host", "Check the host and that this server's network leads to it."),
    ("Network is unreachable", "Check the host and that this server's network leads to it."),
    (
        "server does not support SSL",
        "The server offers no SSL: switch it on there, or clear “Connect using SSL” if the way to it is safe.",
    ),
    (
        "certificate verify failed",
        "The server's certificate is not signed by the CA certificate given, or is not valid now.",
    ),
    (
        "does not match host name",
        "The certificate belongs to another host name: use the name in it, or leave out the CA certificate.",
    ),
    ("invalid response to SSL negotiation", "What answers there is not a PostgreSQL server: check the port."),
    (
        "server closed the connection unexpectedly",
        "What answers there may not be a PostgreSQL server: check the port.",
    ),
    (
        "no encryption",
        "The server wants SSL from this address (pg_hba.conf): tick “Connect using SSL”, or allow it there.",
    ),
    ("no pg_hba.conf entry", "Allow this user, this database and this server's address in pg_hba.conf."),
    ("password authentication failed", "Check the username and the password."),
    ("no password supplied", "The server asks for a password: type it."),
    ("is not permitted to log in", "Give the role the LOGIN right: ALTER ROLE … LOGIN."),
    ("does not exist", "Check the spelling; names distinguish upper and lower case."),
    ("too many clients", "The server has no connection left for this user: raise its limit or close others."),
    (
        "too many connections",
        "The server has no connection left for this user: raise its limit or close others.",
    ),
    (
        "remaining connection slots",
        "The server has no connection left for this user: raise its limit or close others.",
    ),
    ("statement timeout", "The server took too long: it is busy, or something holds a lock there."),
    ("the database system is", "The server is starting or stopping: try again in a moment."),
)


@dataclass(frozen=True, slots=True)
class PostgreSQLSettings:
    """Where a database is and as whom it is entered.

    With `addresses` the connection goes to these and to no other, whatever the name leads to meanwhile; the name is
    what a certificate must show then.
    """

    host: str
    port: int
    database: str
    user: str
    password: str = field(repr=False)
    ssl_mode: Literal["disable", "require", "verify-full"] = "require"
    ssl_root_certificate: Path | None = None
    addresses: tuple[str, ...] = ()
    connect_seconds: int = CONNECT_SECONDS

    def parameters(self) -> dict[str, Any]:
        """Return what libpq is told; nothing is left to this process's environment or home folder."""
        tries = max(len(self.addresses), 1)
        given: dict[str, Any] = {
            "host": ",".join([self.host] * tries),
            "port": self.port,
            "dbname": self.database,
            "user": self.user,
            "password": self.password,
            "passfile": NOWHERE,
            "sslmode": self.ssl_mode,
            "sslcert": NOWHERE,
            "gssencmode": "disable",
            "connect_timeout": self.connect_seconds,
            "application_name": APPLICATION_NAME,
            "client_encoding": "UTF8",
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 30_000,
        }
        if self.addresses:
            given["hostaddr"] = ",".join(self.addresses)
        if self.ssl_root_certificate is not None:
            given["sslrootcert"] = str(self.ssl_root_certificate)
        return given


class CheckStep(NamedTuple):
    """One step of a connection test."""

    name: str
    ok: bool
    detail: str


@contextmanager
def connected(settings: PostgreSQLSettings, *, statement_seconds: float) -> Iterator[psycopg.Connection[Any]]:
    """Connect in autocommit mode, in UTC; close whatever happens. Raises psycopg.Error."""
    options = f"-c timezone=UTC -c statement_timeout={int(statement_seconds * 1000)}"
    connection = psycopg.connect(**settings.parameters(), options=options, autocommit=True)
    try:
        yield connection
    finally:
        connection.close()


def check(settings: PostgreSQLSettings) -> list[CheckStep]:
    """Test in steps what loading needs, as far as the first that fails: one connection, and nothing left behind."""
    steps: list[CheckStep] = []
    try:
        with connected(settings, statement_seconds=CHECK_STATEMENT_SECONDS) as connection:
            where = (
                f"{settings.database} on {connection.info.hostaddr or settings.host}, port {settings.port}"
            )
            how = "with SSL" if connection.pgconn.ssl_in_use else "without SSL"
            steps.append(CheckStep("Connect", True, f"Connected to {where}, as {settings.user}, {how}."))
            for examine in (check_version, check_encoding, check_writable, check_schemas):
                steps.append(examine(connection, settings))
                if not steps[-1].ok:
                    break
    except psycopg.Error as error:
        name = "Ask the server" if steps else "Connect"
        steps.append(CheckStep(name, False, explain(error)))
    return steps


def check_version(connection: psycopg.Connection[Any], settings: PostgreSQLSettings) -> CheckStep:
    """Refuse a server that is too old."""
    version = connection.info.server_version
    shown = connection.info.parameter_status("server_version") or str(version)
    if version < MINIMUM_VERSION:
        return CheckStep("Version", False, f"The server is PostgreSQL {shown}; 9.3 or later is needed.")
    return CheckStep("Version", True, f"The server is PostgreSQL {shown}.")


def check_encoding(connection: psycopg.Connection[Any], settings: PostgreSQLSettings) -> CheckStep:
    """Refuse a database that cannot hold every text."""
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        return CheckStep(
            "Encoding",
            False,
            f"The database's encoding is {encoding}, which cannot hold every text. Make one with ENCODING 'UTF8'.",
        )
    return CheckStep("Encoding", True, "The database's encoding is UTF8.")


def check_writable(connection: psycopg.Connection[Any], settings: PostgreSQLSettings) -> CheckStep:
    """Refuse a server that only reads: a standby, or one that was set so."""
    row = connection.execute(
        "SELECT pg_is_in_recovery(), current_setting('default_transaction_read_only') = 'on'"
    ).fetchone()
    standby, read_only = row or (False, False)
    if standby:
        return CheckStep(
            "Writable", False, "The server is a standby, which can only be read. Use the primary's host."
        )
    if read_only:
        return CheckStep(
            "Writable",
            False,
            "Sessions of this user and database are read-only: reset default_transaction_read_only for them.",
        )
    return CheckStep("Writable", True, "The database can be written.")


def check_schemas(connection: psycopg.Connection[Any], settings: PostgreSQLSettings) -> CheckStep:
    """Make a schema with a table and write into it, in a transaction that is rolled back."""
    schema = sql.Identifier(f"_stitchapp_check_{uuid.uuid4().hex[:12]}")
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
            connection.execute(sql.SQL("CREATE TABLE {}.probe (id bigint PRIMARY KEY)").format(schema))
            connection.execute(sql.SQL("CREATE TEMPORARY TABLE probe_staging (id bigint) ON COMMIT DROP"))
            connection.execute(sql.SQL("INSERT INTO {}.probe VALUES (1)").format(schema))
            connection.execute(sql.SQL("DROP TABLE {}.probe").format(schema))
    except psycopg.errors.InsufficientPrivilege as error:
        wanted = "TEMPORARY" if "temporary" in str(error) else "CREATE"
        grant = (
            sql.SQL("GRANT {} ON DATABASE {} TO {};")
            .format(sql.SQL(wanted), sql.Identifier(settings.database), sql.Identifier(settings.user))
            .as_string()
        )
        return CheckStep(
            "Create schemas",
            False,
            "Encountered error while attempting to create new schema. "
            f"{first_line(error)}. Let the database's owner run: {grant}",
        )
    return CheckStep("Create schemas", True, "Schemas, tables and temporary tables can be made.")


def explain(error: psycopg.Error) -> str:
    """Say what a server or the network answered, and what to do about it."""
    text = first_line(error)
    if "Connection refused" in text:
        return REFUSED
    if "timeout expired" in text or "connection timeout" in text:
        text = "Connection timed out. timeout expired"
    for sign, advice in ADVICE:
        if sign in text:
            shown = text.removesuffix(" timeout expired")
            return f"{shown.rstrip('.')}. {advice}"
    return text


def first_line(error: psycopg.Error) -> str:
    """Return the error's own words, without the address it was met at and without what else was tried."""
    lines = [" ".join(line.split()) for line in str(error).splitlines() if line.strip()]
    words = lines[0] if lines else type(error).__name__
    words = words.removeprefix("connection failed: ")
    _, failed, after = words.partition(" failed: ")
    return after if failed and words.startswith("connection to server") else words
