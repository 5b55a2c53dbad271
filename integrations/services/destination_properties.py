"""What a PostgreSQL destination's properties are and may be: the form and both versions of the API judge them here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509

from accounts.errors import DomainError
from integrations.models import Destination
from integrations.services.destination_addresses import MalformedHost, clean_host
from integrations.services.destination_connections import Connection, connection_of

MAX_IDENTIFIER_BYTES = 63  # PostgreSQL cuts longer names off without a word
MAX_CERTIFICATE_CHARACTERS = 100_000
MAX_PASSWORD_CHARACTERS = 1_000
MOST_PORT = 65_535
REQUIRED = "This property is required."


class ValueRefused(Exception):
    """One value is not what it must be; the sentence says why."""


@dataclass(frozen=True, slots=True)
class DestinationProperty:
    """One property as report cards describe it; `clean` judges a value and returns it as it is kept."""

    name: str
    clean: Callable[[object], Any]
    json_schema: dict[str, Any] = field(default_factory=lambda: {"type": "string"})
    is_required: bool = True
    is_credential: bool = False


class BadDestinationProperties(DomainError):
    """Some properties are unknown, missing or wrong: `reasons` says what is wrong with each."""

    code, status = "bad_properties", 400
    message = "properties do not match schema"

    def __init__(self, reasons: dict[str, str]) -> None:
        super().__init__()
        self.reasons = dict(sorted(reasons.items()))


def clean_text(value: object, *, most: int) -> str:
    if not isinstance(value, str):
        raise ValueRefused("Use a text.")
    if not value:
        raise ValueRefused(REQUIRED)
    if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueRefused("Use text without NUL and without halves of characters.")
    if len(value) > most:
        raise ValueRefused(f"Use at most {most:,} characters. This text has {len(value):,}.")
    return value


def clean_any_host(value: object) -> str:
    try:
        return clean_host(clean_text(value, most=500))
    except MalformedHost as refusal:
        raise ValueRefused(refusal.message) from refusal


def clean_port(value: object) -> int:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not (text.isascii() and text.isdecimal()) or len(text) > 10:
        raise ValueRefused(f"Use a whole number from 1 to {MOST_PORT}.")
    if not 1 <= int(text) <= MOST_PORT:
        raise ValueRefused(f"Use a whole number from 1 to {MOST_PORT}.")
    return int(text)


def clean_identifier(value: object) -> str:
    """Return the name of a database or a role, as PostgreSQL has it."""
    name = clean_text(value, most=500).strip()
    if not name:
        raise ValueRefused(REQUIRED)
    size = len(name.encode())
    if size > MAX_IDENTIFIER_BYTES:
        raise ValueRefused(f"Use at most {MAX_IDENTIFIER_BYTES} bytes. This name has {size}.")
    return name


def clean_password(value: object) -> str:
    return clean_text(value, most=MAX_PASSWORD_CHARACTERS)


def clean_flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return value == "true"
    raise ValueRefused("Use true or false.")


def clean_encryption(value: object) -> str:
    if value != "none":
        raise ValueRefused("This server connects without an SSH tunnel: use none, and ssl to encrypt.")
    return "none"


def clean_certificate(value: object) -> str:
    """Return certificates in PEM form; nothing for null, which takes a stored one away."""
    if value is None:
        return ""
    certificate = clean_text(value, most=MAX_CERTIFICATE_CHARACTERS).strip()
    if "PRIVATE KEY" in certificate:
        raise ValueRefused("Leave the private key out: only certificates belong here.")
    try:
        x509.load_pem_x509_certificates(certificate.encode("ascii"))
    except (ValueError, UnicodeError) as error:
        raise ValueRefused(
            "This is no certificate in PEM form: it begins with -----BEGIN CERTIFICATE----- and ends with "
            "-----END CERTIFICATE-----."
        ) from error
    return certificate + "\n"


def kinds(*formats: str) -> dict[str, Any]:
    return {"anyOf": [{"type": "string", "format": name} for name in formats]}


# In the order in which the published report cards have them. An SSH tunnel is not offered: the one value of
# encryption_type says so to whoever reads the card.
POSTGRES = (
    DestinationProperty("database", clean_identifier),
    DestinationProperty("encryption_type", clean_encryption, {"type": "string", "pattern": "^none$"}),
    DestinationProperty("host", clean_any_host, kinds("ipv4", "ipv6", "hostname")),
    DestinationProperty("password", clean_password, is_credential=True),
    DestinationProperty(
        "port", clean_port, {"anyOf": [{"type": "integer"}, {"type": "string", "pattern": "^\\d+$"}]}
    ),
    DestinationProperty(
        "ssl", clean_flag, {"anyOf": [{"type": "boolean"}, {"type": "string", "pattern": "^(true|false)$"}]}
    ),
    DestinationProperty("sslrootcert", clean_certificate, is_required=False),
    DestinationProperty("username", clean_identifier),
)
BY_NAME = {each.name: each for each in POSTGRES}
DEFAULTS = {"encryption_type": "none"}


def connection_from(
    given: Mapping[str, object], *, stored: Destination | None = None
) -> tuple[Connection, bool]:
    """Return the connection that properties describe, over a stored one's, and whether a password came with them.

    Raises BadDestinationProperties, and CredentialUnreadable for a stored password that does not open.
    """
    reasons = {name: "There is no property of this name." for name in given if name not in BY_NAME}
    cleaned: dict[str, Any] = {}
    for name, value in given.items():
        if name in BY_NAME:
            try:
                cleaned[name] = BY_NAME[name].clean(value)
            except ValueRefused as refusal:
                reasons[name] = REQUIRED if value is None else str(refusal)
    if stored is None:
        present = {*given, *DEFAULTS}
        reasons |= {each.name: REQUIRED for each in POSTGRES if each.is_required and each.name not in present}
    if reasons:
        raise BadDestinationProperties(reasons)
    password_came = "password" in cleaned
    where = {
        "host": cleaned.get("host", stored.host if stored else ""),
        "port": cleaned.get("port", stored.port if stored else 0),
        "username": cleaned.get("username", stored.username if stored else ""),
        "ssl": cleaned.get("ssl", stored.ssl if stored else True),
    }
    if stored is not None and not password_came and (needed := password_needed(stored, **where)):
        raise BadDestinationProperties({"password": needed})
    connection = Connection(
        **where,
        database=cleaned.get("database", stored.database if stored else ""),
        password=cleaned["password"] if stored is None or password_came else connection_of(stored).password,
        ssl_root_certificate=cleaned.get("sslrootcert", stored.ssl_root_certificate if stored else ""),
    )
    return connection, password_came


def password_needed(stored: Destination, *, host: str, port: int, username: str, ssl: bool) -> str:
    """Say why a stored password must be given anew: it is sent to nobody else, and to nobody less safely."""
    if (stored.host, stored.port, stored.username) != (host, port, username):
        return (
            f"Type the password again: the stored one is for {stored.username} at {stored.host}, port {stored.port}, "
            "and is sent nowhere else."
        )
    if stored.ssl and not ssl:
        return "Type the password again to send it without SSL from now on."
    return ""


def properties_of(destination: Destination) -> dict[str, Any]:
    """Return what an API may tell of a destination's properties: all but the password, each in its own type."""
    if destination.is_embedded:
        return {}
    shown = {
        "database": destination.database,
        "encryption_type": "none",
        "host": destination.host,
        "port": destination.port,
        "ssl": destination.ssl,
    }
    if destination.ssl_root_certificate:
        shown["sslrootcert"] = destination.ssl_root_certificate
    return shown | {"username": destination.username}


def provided_of(destination: Destination) -> set[str]:
    """Return the names of the properties that a destination has a value of."""
    return set() if destination.is_embedded else {*properties_of(destination), "password"}
