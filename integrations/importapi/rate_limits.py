"""How much one token, and one account, may send in a time (promise I8, decision D28); off unless configured.

Each limit is a bucket that holds its quota and fills up evenly within its window. A request takes one out of the
buckets of requests, and what its body measures out of the buckets of bytes: that is known only once it was read, so
a large body may leave a debt that has to be waited off. What is refused takes nothing.
"""

import math
import time
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from integrations.importapi import refusals
from integrations.importapi.refusals import Refusal
from integrations.importapi.shared_buckets import SharedBuckets
from integrations.models import AccessToken

clock = time.monotonic  # one for all processes of a machine
PLACES = 6  # a third of a second, three times, is a whole one


@dataclass(frozen=True, slots=True)
class Policy:
    """One limit: so many requests, or bytes, in so many seconds, of a token or of an account."""

    number: int
    name: str
    quota: int
    window: int
    counts_bytes: bool = False

    @property
    def rate(self) -> float:
        return self.quota / self.window

    def key(self, token: AccessToken) -> int:
        """Return under which number the bucket of the token, or of its account, is kept."""
        owner: int = token.account_id if self.name.startswith("account") else token.pk
        return self.number << 56 | owner

    def described(self) -> str:
        """Return the limit as RateLimit-Policy tells it."""
        unit = ';qu="content-bytes"' if self.counts_bytes else ""
        return f'"{self.name}";q={self.quota};w={self.window}{unit}'


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a bucket is used up; more than its quota when it owes."""

    policy: Policy
    used: float

    @property
    def wait(self) -> float:
        """Return the seconds until the next request is admitted; 0 when it is now."""
        wanted = 0 if self.policy.counts_bytes else 1
        excess = self.used + wanted - self.policy.quota
        if self.policy.counts_bytes and excess >= 0:
            return max(excess / self.policy.rate, 0.001)
        return max(excess / self.policy.rate, 0.0)

    def described(self) -> str:
        """Return what is left, and until when the bucket is full again, as RateLimit tells it."""
        left = max(math.floor(self.policy.quota - self.used), 0)
        return f'"{self.policy.name}";r={left};t={math.ceil(self.used / self.policy.rate)}'


def policies() -> list[Policy]:
    """Return the limits that are configured."""
    return policies_of(
        settings.TOKEN_REQUESTS_PER_SECOND,
        settings.ACCOUNT_REQUESTS_PER_SECOND,
        settings.TOKEN_BYTES_PER_MINUTE,
        settings.ACCOUNT_BYTES_PER_MINUTE,
    )


@lru_cache(maxsize=8)
def policies_of(
    token_requests: int, account_requests: int, token_bytes: int, account_bytes: int
) -> list[Policy]:
    """Return those of the four limits that are not 0; asked three times in every request."""
    every = (
        Policy(1, "token-requests", token_requests, 1),
        Policy(2, "account-requests", account_requests, 1),
        Policy(3, "token-bytes", token_bytes, 60, counts_bytes=True),
        Policy(4, "account-bytes", account_bytes, 60, counts_bytes=True),
    )
    return [policy for policy in every if policy.quota]


def admit(token: AccessToken) -> Refusal | None:
    """Count a request with the token; return its refusal, and count nothing, while a bucket is empty."""
    active = policies()
    if not active:
        return None
    shared = buckets(Path(settings.DATA_DIR))
    with shared.locked():
        now = clock()
        standings = [standing(shared, policy, token, now) for policy in active]
        worst = max(standings, key=lambda each: each.wait)
        if worst.wait <= 0:
            for each in standings:
                if not each.policy.counts_bytes:
                    shared.write(each.policy.key(token), now + (each.used + 1) / each.policy.rate)
            return None
    return refusals.rate_limited(
        worst.policy.name,
        limit=worst.policy.quota,
        actual=math.floor(worst.used) + (not worst.policy.counts_bytes),
        retry_after=math.ceil(worst.wait),
    )


def charge(token: AccessToken, size: int) -> None:
    """Take the bytes of a body that was read out of the token's and the account's buckets."""
    active = [policy for policy in policies() if policy.counts_bytes]
    if not active:
        return
    shared = buckets(Path(settings.DATA_DIR))
    with shared.locked():
        now = clock()
        for policy in active:
            used = standing(shared, policy, token, now).used
            shared.write(policy.key(token), now + (used + size) / policy.rate)


def tell(request: HttpRequest, response: HttpResponse) -> None:
    """Add the headers that tell an admitted token's sender its limits and what is left of them."""
    token: AccessToken | None = getattr(request, "token", None)
    active = policies() if token is not None else []
    if token is None or not active:
        return
    shared = buckets(Path(settings.DATA_DIR))
    with shared.locked():
        now = clock()
        standings = [standing(shared, policy, token, now) for policy in active]
    response["RateLimit-Policy"] = ", ".join(policy.described() for policy in active)
    response["RateLimit"] = ", ".join(each.described() for each in standings)


def standing(shared: SharedBuckets, policy: Policy, token: AccessToken, now: float) -> Standing:
    """Return how far a bucket is used up now."""
    full_in = max(shared.read(policy.key(token)) - now, 0.0)
    return Standing(policy, round(full_in * policy.rate, PLACES))


@cache
def buckets(folder: Path) -> SharedBuckets:
    """Return the buckets of all processes that share a data folder."""
    return SharedBuckets(folder / "rate_limits", era=time.time() - clock())
