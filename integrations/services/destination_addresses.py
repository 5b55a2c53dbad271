"""Which addresses may be connected to: resolved once, judged, and then connected to as judged (decision D36).

Destinations and post-load hooks have each their own forbidden ranges.

A name is looked up here and nowhere else. The connection goes to the addresses that this look-up gave and that no
forbidden range holds, so a name that answers differently a moment later changes nothing.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import threading
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from django.conf import settings

from accounts.errors import DomainError

MAX_ADDRESSES = 3  # each may cost a connection's whole timeout
LOOK_UP_SECONDS = 4.0
LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.IGNORECASE)
Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class HostRefused(DomainError):
    """The host cannot be connected to; `heals` tells a fault of the moment from one that stays."""

    code, status = "host_refused", 422
    heals = False


class MalformedHost(HostRefused):
    """What was typed is neither a name nor an address."""

    code = "malformed_host"
    message = "Use a host name, for example warehouse.example.com, or an IP address: without a scheme, port or path."


class UnknownHost(HostRefused):
    """The name leads to no address."""

    code = "unknown_host"
    heals = True

    def __init__(self, host: str) -> None:
        super().__init__(f"The host name {host} is not known. Check its spelling and that it is public.")


class LookUpTimedOut(HostRefused):
    """The name server did not answer."""

    code = "look_up_timed_out"
    heals = True

    def __init__(self, host: str) -> None:
        super().__init__(f"Looking up the host name {host} took longer than {LOOK_UP_SECONDS:g} seconds.")


class ForbiddenAddress(HostRefused):
    """Every address of the host is in a range that this server's operator forbids."""

    code = "forbidden_address"

    def __init__(self, host: str, addresses: Sequence[Address], *, purpose: str = "destinations") -> None:
        shown = ", ".join(map(str, addresses))
        own = shown == host
        super().__init__(
            f"{host} {'is' if own else f'leads to {shown}, which is'} in a range of addresses that the people who "
            f"run this server do not allow for {purpose}. Use another host, or ask them."
        )


def clean_host(typed: str) -> str:
    """Return the host as it is stored. Raises MalformedHost for anything but one name or one address."""
    host = typed.strip().removesuffix(".")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    if as_address(host) is not None:
        return host
    try:
        name = host.encode("idna").decode("ascii").lower()
    except UnicodeError as error:
        raise MalformedHost from error
    labels = name.split(".")
    looks_like_number = all(label.isdecimal() for label in labels)
    if len(name) > 253 or looks_like_number or not all(LABEL.fullmatch(label) for label in labels):
        raise MalformedHost
    return name


def permitted_addresses(
    host: str, *, forbidden: Sequence[Network] | None = None, purpose: str = "destinations"
) -> list[str]:
    """Return the addresses to connect to for a host. Raises HostRefused."""
    ranges = settings.DESTINATION_FORBIDDEN_ADDRESSES if forbidden is None else forbidden
    found = look_up(clean_host(host))
    permitted = [address for address in found if not is_forbidden(address, ranges)]
    if not permitted:
        raise ForbiddenAddress(host, found[:MAX_ADDRESSES], purpose=purpose)
    return [str(address) for address in permitted[:MAX_ADDRESSES]]


def look_up(host: str) -> list[Address]:
    """Return the host's addresses in the system's order; wait for them no longer than LOOK_UP_SECONDS.

    Raises UnknownHost and LookUpTimedOut. The system's own look-up cannot be told how long it may take: it runs in
    a thread that is left behind when it is too slow.
    """
    literal = as_address(host)
    if literal is not None:
        return [literal]
    answers: list[list[Address]] = []

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            found = []
        addresses = [as_address(str(answer[4][0])) for answer in found]
        answers.append(list(dict.fromkeys(address for address in addresses if address is not None)))

    asking = threading.Thread(target=ask, name="look-up", daemon=True)
    asking.start()
    asking.join(LOOK_UP_SECONDS)
    if not answers:
        raise LookUpTimedOut(host)
    if not answers[0]:
        raise UnknownHost(host)
    return answers[0]


def as_address(text: str) -> Address | None:
    """Read an IP address; None when the text is none, or names an interface beside it."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return None if getattr(address, "scope_id", None) else address


def is_forbidden(address: Address, ranges: Sequence[Network]) -> bool:
    """Tell whether the operator forbids the address, also where it is written as one of IPv6 (::ffff:10.0.0.1)."""
    forms: list[Address] = [address]
    if isinstance(address, IPv6Address):
        forms += [form for form in (address.ipv4_mapped, address.sixtofour) if form is not None]
        if address in NAT64:
            forms.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return any(form in network for form in forms for network in ranges)


NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
