"""Which addresses a source may have: the same forbidden ranges as for destinations (decision D36).

A tap looks its host up itself, so what is judged here just before it starts is not pinned for it: an operator who needs
more than that keeps workers from these ranges with a firewall, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from django.conf import settings

from integrations.services.destination_addresses import (
    MAX_ADDRESSES,
    ForbiddenAddress,
    HostRefused,
    clean_host,
    is_forbidden,
    look_up,
)
from integrations.services.source_properties import BadProperties
from integrations.sources.property_values import text_of
from integrations.sources.source_types import SourceType

PURPOSE = "sources"


class AddressRefused(BadProperties):
    """A property names a host that the operator forbids, or that cannot be judged."""

    code = "address_refused"

    def __init__(self, name: str, message: str) -> None:
        super().__init__([name], message)
        self.reason = message


def require_permitted(source_type: SourceType, values: Mapping[str, object], *, told: bool = False) -> None:
    """Raise AddressRefused for a host or URL among the values that the operator forbids.

    Without forbidden ranges nothing is looked up. `told`: a name that cannot be looked up now passes, for a person who
    saves a form; its connection check tells.
    """
    if not settings.DESTINATION_FORBIDDEN_ADDRESSES:
        return
    for name, host in hosts_of(source_type, values):
        try:
            require_permitted_host(host)
        except HostRefused as refusal:
            if not (told and refusal.heals):
                raise AddressRefused(name, refusal.message) from refusal


def require_permitted_host(host: str) -> None:
    """Raise HostRefused unless every address of the host is permitted: a tap may take any of them."""
    found = look_up(clean_host(host))
    forbidden = [
        address for address in found if is_forbidden(address, settings.DESTINATION_FORBIDDEN_ADDRESSES)
    ]
    if forbidden:
        raise ForbiddenAddress(host, forbidden[:MAX_ADDRESSES], purpose=PURPOSE)


def hosts_of(source_type: SourceType, values: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Give the hosts that a tap with these values connects to, each with its property.

    Behind an SSH tunnel the database's host is looked up by the SSH host, from where it is seen.
    """
    tunnelled = text_of(values.get("ssh") or "") == "true"
    for item in source_type.properties:
        value = text_of(values.get(item.name) or item.default or "")
        if not value or not item.address:
            continue
        if item.name.startswith("ssh_") if tunnelled else not item.name.startswith("ssh_"):
            yield item.name, host_of_url(value) if item.address == "url" else value


def host_of_url(url: str) -> str:
    """Return a URL's host; what has none is left to be refused as malformed."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def changes_addresses(
    source_type: SourceType, given: Mapping[str, object], stored: Mapping[str, str]
) -> bool:
    """Tell whether the given values lead somewhere else than the stored ones."""
    return any(
        (item.address or item.name == "ssh")
        and item.name in given
        and text_of(given[item.name] or "") != stored.get(item.name, "")
        for item in source_type.properties
    )
