"""How a PostgreSQL destination is reached, and what a test of it finds.

A test holds no database transaction, and its caller waits for it no longer than CHECK_SECONDS; at most
CHECKS_AT_ONCE run in one process, so that slow servers cannot take all of its threads.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from django.conf import settings

from accounts.errors import DomainError
from integrations.models import Destination
from integrations.services.credentials import unseal
from integrations.services.destination_addresses import MAX_ADDRESSES, HostRefused, permitted_addresses

if TYPE_CHECKING:
    from integrations.loading.destinations.postgresql_connection import PostgreSQLSettings

logger = logging.getLogger("integrations.destinations")
CHECK_SECONDS = 10.0
CHECKS_AT_ONCE = 2
CONNECT_SECONDS = {
    1: 4,
    2: 3,
    3: 2,
}  # for each of so many addresses: a page that waits for all is not held for long
LOOK_UP, CONNECT = "Look up the host", "Connect"
slots = threading.BoundedSemaphore(CHECKS_AT_ONCE)


class TooManyChecks(DomainError):
    """Other connection tests keep this process busy."""

    code, status = "too_many_checks", 503
    message = "Other connection tests are running on this server. Try again in a moment."


@dataclass(frozen=True, slots=True)
class Connection:
    """Where a PostgreSQL database is and as whom it is entered."""

    host: str
    port: int
    database: str
    username: str
    password: str = field(repr=False)
    ssl: bool = True
    ssl_root_certificate: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a connection test."""

    name: str
    ok: bool
    detail: str


def connection_of(destination: Destination) -> Connection:
    """Return a destination's connection, its password in clear. Raises CredentialUnreadable."""
    return Connection(
        host=destination.host,
        port=destination.port or 0,
        database=destination.database,
        username=destination.username,
        password=unseal(destination.sealed_password, account=destination.account),
        ssl=destination.ssl,
        ssl_root_certificate=destination.ssl_root_certificate,
    )


def engine_settings(connection: Connection) -> PostgreSQLSettings:
    """Return what the engine connects with; the host is looked up, and judged, here. Raises HostRefused."""
    from integrations.loading.destinations.postgresql_connection import PostgreSQLSettings

    addresses = permitted_addresses(connection.host)
    certificate = connection.ssl_root_certificate
    secure: Literal["require", "verify-full"] = "verify-full" if certificate else "require"
    return PostgreSQLSettings(
        host=connection.host,
        port=connection.port,
        database=connection.database,
        user=connection.username,
        password=connection.password,
        ssl_mode=secure if connection.ssl else "disable",
        ssl_root_certificate=certificate_file(certificate) if connection.ssl and certificate else None,
        addresses=tuple(addresses),
        connect_seconds=CONNECT_SECONDS[min(len(addresses), MAX_ADDRESSES)],
    )


def certificate_file(certificate: str) -> Path:
    """Return a file with the certificate, which libpq wants by its path; its name is its digest: it never changes."""
    folder = settings.DATA_DIR / "certificates"
    path: Path = folder / f"{hashlib.sha256(certificate.encode()).hexdigest()}.pem"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{uuid.uuid4().hex}")
        unfinished.write_text(certificate, encoding="ascii")
        os.replace(unfinished, path)  # noqa: PTH105 - atomic: another process may be doing the same
    return path


def check_connection(connection: Connection) -> list[Step]:
    """Test in steps what loading needs, as far as the first that fails. Raises TooManyChecks.

    The engine asks in a thread of its own, which keeps its slot until it ends: a server that trickles its answers
    costs its caller no more than CHECK_SECONDS.
    """
    if not slots.acquire(blocking=False):
        raise TooManyChecks
    found: list[Step] = []

    def examine() -> None:
        try:
            found.extend(without_password(step, connection) for step in steps_of(connection))
        except Exception as error:  # a thread's own error would be lost
            logger.exception("destination.check_failed_unexpectedly")
            found.append(
                Step(
                    CONNECT,
                    False,
                    f"We encountered an internal error while checking the connection: {type(error).__name__}.",
                )
            )
        finally:
            slots.release()

    examining = threading.Thread(target=examine, name="connection-check", daemon=True)
    examining.start()
    examining.join(CHECK_SECONDS)
    if examining.is_alive():
        slow = f"Connection timed out. The test was not finished after {CHECK_SECONDS:g} seconds."
        return [*found, Step(CONNECT, False, slow)]
    return found


def steps_of(connection: Connection) -> list[Step]:
    """Look the host up, then let the engine test the server."""
    from integrations.loading.destinations.postgresql_connection import check

    try:
        reached = engine_settings(connection)
    except HostRefused as refusal:
        return [Step(LOOK_UP, False, refusal.message)]
    addresses = ", ".join(reached.addresses)
    literal = addresses == connection.host
    shown = f"{connection.host} is {'an address, there is nothing to look up' if literal else addresses}."
    return [Step(LOOK_UP, True, shown), *(Step(*step) for step in check(reached))]


def without_password(step: Step, connection: Connection) -> Step:
    """Return the step without the password, should a server repeat it."""
    if not connection.password:
        return step
    return Step(step.name, step.ok, step.detail.replace(connection.password, "…"))


def passed(steps: list[Step]) -> bool:
    """Tell whether a test went well in every step."""
    return bool(steps) and all(step.ok for step in steps)


def stored_steps(steps: list[Step]) -> list[list[object]]:
    """Return the steps as they are kept with their destination."""
    return [[step.name, step.ok, step.detail] for step in steps]
