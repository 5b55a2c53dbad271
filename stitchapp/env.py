"""Read settings from the environment; fail loudly at start when one is missing or malformed.

Every name that is read is remembered in `READ`, so that a test can hold the README's table against it.
"""

import os
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

REQUIRED: Any = object()
READ: dict[str, Any] = {}


def text(name: str, default: Any = REQUIRED) -> str:
    """Return the variable as text; a secret may come from the file that `NAME_FILE` points to."""
    READ[name] = default
    if file_name := os.environ.get(f"{name}_FILE"):
        try:
            return Path(file_name).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE cannot be read: {error.strerror}") from error
    value = os.environ.get(name)
    if value is not None and value != "":
        return value
    if default is REQUIRED:
        raise ImproperlyConfigured(f"Set {name} (or {name}_FILE): it is required and has no default.")
    return str(default)


def flag(name: str, *, default: bool) -> bool:
    """Return the variable as true or false; anything but these two words is refused."""
    value = text(name, "true" if default else "false")
    if value not in ("true", "false"):
        raise ImproperlyConfigured(f"{name} must be true or false, not {value!r}.")
    return value == "true"


def integer(name: str, *, default: int, minimum: int = 0) -> int:
    """Return the variable as a whole number of at least `minimum`."""
    value = text(name, default)
    if not value.isdecimal() or int(value) < minimum:
        raise ImproperlyConfigured(f"{name} must be a whole number of at least {minimum}, not {value!r}.")
    return int(value)


def words(name: str, default: Any = REQUIRED) -> list[str]:
    """Return a comma-separated variable as a list without blanks."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def path(name: str, *, default: Path) -> Path:
    """Return the variable as an absolute path."""
    return Path(text(name, default)).expanduser().resolve()


def networks(name: str, default: Any = REQUIRED) -> list[IPv4Network | IPv6Network]:
    """Return a comma-separated variable as ranges of addresses: `10.0.0.0/8`, `::1`, …; `none` is no range."""
    named = words(name, default)
    try:
        return [] if named == ["none"] else [ip_network(word, strict=False) for word in named]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be addresses or ranges like 10.0.0.0/8: {error}.") from error
