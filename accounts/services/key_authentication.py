"""Who holds an API access key: from the Authorization header to the key, or to one refusal (promises P2, P9).

One answer for every refusal: unknown, malformed, disabled, deleted, of a plan without API access. The reason
is for the log, for the key's own page and for staff; it never reaches the caller.
"""

import logging
from datetime import datetime
from enum import StrEnum
from secrets import compare_digest

from accounts import secrets
from accounts.errors import DomainError
from accounts.models import ApiKey
from accounts.plans import Feature, has_feature
from accounts.services.key_clients import note_client
from accounts.services.key_look_up import look_up
from accounts.services.last_use import note_use
from accounts.services.refusals import note_refusal

logger = logging.getLogger("accounts.keys")


class RefusalReason(StrEnum):
    """Why a key does not open the API. The value is stored; the sentence is what people read."""

    def __new__(cls, value: str, sentence: str) -> "RefusalReason":
        member = str.__new__(cls, value)
        member._value_ = value
        member.sentence = sentence
        return member

    sentence: str

    MALFORMED = "malformed", "It does not have the form of an API access key."
    UNKNOWN = "unknown", "No such key exists: it was never made here, or it was deleted."
    DISABLED = "disabled", "The key is disabled."
    CLOSED = "closed", "The account was closed."
    PLAN = "plan", "The account's plan does not include API access."
    OWNER_LEFT = "creator_left", "The key's owner is no longer an active member."
    TIME_OVER = "time_over", "The time for which its new owner kept the key is over."


class KeyRefused(DomainError):
    """The request carries no key that opens the API. `reason` stays on this side."""

    code, status = "unauthorized", 401
    message = "Not Authorized"

    def __init__(self, reason: RefusalReason) -> None:
        super().__init__()
        self.reason = reason


def authenticate_api_key(*, authorization: str, now: datetime) -> ApiKey:
    """Return the key, with its account and plan, that an Authorization header carries; note its use.

    Raises KeyRefused. A malformed secret costs no query, every other one the same look-up, whatever comes of it
    (promise P9). Nothing is remembered between requests, so that disabling and deleting hold from the next one on
    (P7).
    """
    secret = secret_in(authorization)
    if not secrets.is_well_formed(secret, secrets.API_KEY_PREFIX):
        raise refused(RefusalReason.MALFORMED)
    key = find_api_key(secret)
    if key is None:
        raise refused(RefusalReason.UNKNOWN)
    reason = reason_to_refuse(key, now=now)
    if reason is not None:
        note_refusal(key, reason=reason.value, now=now)
        raise refused(reason)
    note_use(key, now=now)
    note_client(key, now=now)
    return key


def secret_in(authorization: str) -> str:
    """Return the secret of `Bearer <secret>`; the bare secret, which some clients send, counts too."""
    scheme, _, rest = authorization.strip().partition(" ")
    return rest.strip() if scheme.lower() == "bearer" else authorization.strip()


def find_api_key(secret: str) -> ApiKey | None:
    """Return the key with this secret, whatever its state; no query unless the secret can be one of ours."""
    if not secrets.is_well_formed(secret, secrets.API_KEY_PREFIX):
        return None
    digest = secrets.digest(secret)
    key = look_up(digest)
    return key if key is not None and compare_digest(bytes(key.digest), digest) else None


def reason_to_refuse(key: ApiKey, *, now: datetime) -> RefusalReason | None:
    """Return why a request with this key, as found by `find_api_key`, would be refused; None when it would not."""
    if not key.is_enabled:
        return RefusalReason.DISABLED
    if key.account.closed_at is not None:
        return RefusalReason.CLOSED
    if not has_feature(key.account, Feature.CONNECT_API, now):
        return RefusalReason.PLAN
    if not key.owner_is_member:  # type: ignore[attr-defined]  # told by find_api_key
        return RefusalReason.OWNER_LEFT
    if key.time_is_over(now):
        return RefusalReason.TIME_OVER
    return None


def refused(reason: RefusalReason) -> KeyRefused:
    """Log a refusal, without the secret, and return it."""
    logger.info("api_key.refused", extra={"reason": reason.value})
    return KeyRefused(reason)
