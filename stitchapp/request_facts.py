"""What is known about the request being served, for log lines and audit events written below the views."""

import ipaddress
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest


@dataclass(slots=True)
class RequestFacts:
    """One request: its id, the caller's address, its client software and the route it took."""

    request_id: str = ""
    address: str | None = None
    client: str = ""
    route: str = ""


_current: ContextVar[RequestFacts | None] = ContextVar("request_facts", default=None)


def current() -> RequestFacts:
    """Return the facts of the request being served; blank ones outside a request."""
    return _current.get() or RequestFacts()


def begin(request: HttpRequest) -> RequestFacts:
    """Start collecting facts for a request."""
    facts = RequestFacts(
        request_id=uuid.uuid4().hex,
        address=caller_address(request),
        client=request.META.get("HTTP_USER_AGENT", "")[:255],
    )
    _current.set(facts)
    return facts


def as_origin() -> dict[str, str]:
    """Return what work that is done later tells about the request that asked for it."""
    facts = current()
    told = {"request_id": facts.request_id, "address": facts.address or "", "route": facts.route}
    return {name: value for name, value in told.items() if value}


@contextmanager
def of_origin(origin: dict[str, str]) -> Iterator[None]:
    """Let the block's log lines and audit events tell about the request that asked for its work."""
    token = _current.set(
        RequestFacts(
            request_id=origin.get("request_id", ""),
            address=origin.get("address"),
            route=origin.get("route", ""),
        )
    )
    try:
        yield
    finally:
        _current.reset(token)


def end() -> None:
    """Forget the facts: the next request on this thread begins with none."""
    _current.set(None)


def caller_address(request: HttpRequest) -> str | None:
    """Return the caller's address; a forwarded one counts only behind TRUSTED_PROXIES (promise S8).

    The header is read from the right: the nearest address that is not a trusted proxy is the caller.
    """
    address = request.META.get("REMOTE_ADDR") or None
    if address not in settings.TRUSTED_PROXIES:
        return address
    for hop in reversed(request.headers.get("X-Forwarded-For", "").split(",")):
        candidate = hop.strip()
        if candidate and candidate not in settings.TRUSTED_PROXIES:
            return candidate[:45] if is_address(candidate) else address
    return address


def is_address(text: str) -> bool:
    """Tell whether the text is one IPv4 or IPv6 address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
