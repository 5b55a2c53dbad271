"""Count tries over all workers, and say when there were too many (promise S6, decision D37).

A try takes one of a limited number of places in the shared cache and holds it until its time is over; one
that did no harm gives its place back. Taking a place is a single insert, so parallel tries cannot pass together.
"""

import hashlib
import ipaddress
import math
import time
from dataclasses import dataclass

from django.core.cache import cache


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` tries within `seconds`."""

    name: str
    most: int
    seconds: int

    def places(self, *who: str) -> list[str]:
        """Return the cache keys of the places that these values share."""
        digest = hashlib.sha256("\n".join(who).encode()).hexdigest()
        return [f"{self.name}:{digest}:{place}" for place in range(self.most)]


def take_place(limit: Limit, *who: str) -> str | None:
    """Take a free place and return it; None when all are taken."""
    places = limit.places(*who)
    taken = cache.get_many(places)
    for place in places:
        if place not in taken and cache.add(place, time.time(), limit.seconds):
            return place
    return None


def give_back(place: str) -> None:
    """Free a place that was taken."""
    cache.delete(place)


def places_taken(limit: Limit, *who: str) -> int:
    """Return how many places are taken now."""
    return len(cache.get_many(limit.places(*who)))


def minutes_to_wait(limit: Limit, *who: str) -> int:
    """Return after how many minutes, rounded up, the next place becomes free."""
    taken = cache.get_many(limit.places(*who)).values()
    if len(taken) < limit.most:
        return 0
    oldest: float = min(taken)
    return max(1, math.ceil((oldest + limit.seconds - time.time()) / 60))


def clear(limit: Limit, *who: str) -> None:
    """Free every place."""
    cache.delete_many(limit.places(*who))


def network_of(address: str | None) -> str:
    """Return what one caller cannot change at will: the IPv4 address, or the first 64 bits of an IPv6 one."""
    if not address:
        return ""
    ip = ipaddress.ip_address(address)
    if ip.version == 4:
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((ip, 64), strict=False).network_address)
