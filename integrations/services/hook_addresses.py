"""Where a post-load hook may send to (decision D36): an https address whose host no forbidden range holds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from django.conf import settings

from accounts.errors import DomainError
from integrations.models import MAX_URL
from integrations.services.destination_addresses import (
    MalformedHost,
    as_address,
    clean_host,
    permitted_addresses,
)

HTTPS_PORT = 443
UNSAFE = re.compile(r"[\x00-\x20\x7f\\]")
KEPT = "/:?#[]@!$&'()*+,;=%-._~"  # what may stand in an address as it is


class InvalidURI(DomainError):
    """The address is not one that a hook can be sent to."""

    code, status = "invalid_uri", 422
    message = "Invalid URI"


@dataclass(frozen=True, slots=True)
class Target:
    """An address taken apart: where to connect, and what to ask for there."""

    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """What stands in the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == HTTPS_PORT else f"{host}:{self.port}"

    def addresses(self) -> list[str]:
        """Look the host up, now, and return where to connect to. Raises HostRefused."""
        return permitted_addresses(
            self.host, forbidden=settings.HOOK_FORBIDDEN_ADDRESSES, purpose="post-load hooks"
        )


def clean_url(typed: str) -> str:
    """Return the address as it is stored. Raises InvalidURI for anything but a whole https address."""
    target = target_of(typed.strip())
    return f"https://{target.authority}{target.path}"


def target_of(url: str) -> Target:
    """Take an address apart. Raises InvalidURI.

    A user name in it would be a secret that the page shows, and a fragment is never sent: both are refused.
    """
    if UNSAFE.search(url) or len(url) > MAX_URL:
        raise InvalidURI
    try:
        parts = urlsplit(url)
        port = parts.port
        host = clean_host(parts.hostname or "")
    except (ValueError, MalformedHost) as error:
        raise InvalidURI from error
    named = "@" in parts.netloc or "#" in url
    if parts.scheme.lower() != "https" or named or port == 0:
        raise InvalidURI
    if "." not in host and as_address(host) is None and host != "localhost":
        raise InvalidURI
    path = quote(parts.path or "/", safe=KEPT)
    query = f"?{quote(parts.query, safe=KEPT)}" if parts.query else ""
    target = Target(host, port or HTTPS_PORT, path + query)
    if len(f"https://{target.authority}{target.path}") > MAX_URL:
        raise InvalidURI
    return target
