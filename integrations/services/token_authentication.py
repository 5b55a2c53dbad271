"""Who holds an Import API access token: from the Authorization header to the token, or to a refusal (P2, P9).

Unknown, malformed and revoked tokens get one answer; a paused or deleted integration has its own, which the
published API documents. The exact reason is for the log, for the token's own page and for staff.
"""

import logging
import re
from datetime import datetime
from enum import StrEnum
from secrets import compare_digest

from accounts import secrets
from accounts.errors import DomainError
from accounts.services.last_use import note_use
from accounts.services.refusals import note_refusal
from integrations.models import AccessToken
from integrations.services.token_look_up import look_up

logger = logging.getLogger("integrations.tokens")
# The scheme in any case, with the colon that some pages of the published API print behind it.
AUTHORIZATION = re.compile(r"\s*bearer(?:\s*:\s*|\s+)(\S+)\s*", re.IGNORECASE)


class TokenRefusalReason(StrEnum):
    """Why a token does not admit a request. The value is stored; the sentence is what people read."""

    def __new__(cls, value: str, sentence: str) -> "TokenRefusalReason":
        member = str.__new__(cls, value)
        member._value_ = value
        member.sentence = sentence
        return member

    sentence: str

    MALFORMED = "malformed", "It does not have the form of an Import API access token."
    UNKNOWN = "unknown", "No such token exists: it was never made here."
    REVOKED = "revoked", "The token was revoked."
    PAUSED = "paused", "The integration is paused."
    TRIAL_OVER = "trial_over", "The account's free trial has ended, and no plan was chosen."
    DELETED = "deleted", "The integration was deleted."
    CLOSED = "closed", "The account was closed."


class TokenRefused(DomainError):
    """The request carries no token that admits it. `reason`, and the token if it is known, stay on this side."""

    code, status = "unauthorized", 401
    message = "Not Authorized"

    def __init__(self, reason: TokenRefusalReason, token: AccessToken | None = None) -> None:
        super().__init__()
        self.reason = reason
        self.token = token

    @property
    def connection_is_inactive(self) -> bool:
        """Whether the token itself is good and its integration takes no data now."""
        return self.reason in (
            TokenRefusalReason.PAUSED,
            TokenRefusalReason.DELETED,
            TokenRefusalReason.CLOSED,
            TokenRefusalReason.TRIAL_OVER,
        )


def authenticate_access_token(*, authorization: str, now: datetime) -> AccessToken:
    """Return the token, with its account and integration, that an Authorization header carries; note its use.

    Raises TokenRefused. A malformed secret costs no query, every other one exactly one look-up; nothing is
    remembered between requests, so that revoking and pausing hold from the next request on (promise P7).
    """
    found = AUTHORIZATION.fullmatch(authorization)
    secret = found[1] if found else ""
    token = find_access_token(secret)
    if token is None:
        well_formed = secrets.is_well_formed(secret, secrets.ACCESS_TOKEN_PREFIX)
        raise refused(TokenRefusalReason.UNKNOWN if well_formed else TokenRefusalReason.MALFORMED)
    reason = reason_to_refuse(token, now=now)
    if reason is not None:
        note_refusal(token, reason=reason.value, now=now)
        raise refused(reason, token)
    note_use(token, now=now)
    return token


def find_access_token(secret: str) -> AccessToken | None:
    """Return the token with this secret, whatever its state; no query unless the secret can be one of ours."""
    if not secrets.is_well_formed(secret, secrets.ACCESS_TOKEN_PREFIX):
        return None
    digest = secrets.digest(secret)
    token = look_up(digest)
    return token if token is not None and compare_digest(bytes(token.digest), digest) else None


def reason_to_refuse(token: AccessToken, *, now: datetime) -> TokenRefusalReason | None:
    """Return why a request with this token would be refused; None when it would not."""
    if token.revoked_at is not None:
        return TokenRefusalReason.REVOKED
    if token.integration.deleted_at is not None:
        return TokenRefusalReason.DELETED
    if token.account.closed_at is not None:
        return TokenRefusalReason.CLOSED
    if not token.integration.accepts_data:
        return TokenRefusalReason.PAUSED
    return TokenRefusalReason.TRIAL_OVER if token.account.trial_is_over(now) else None


def refused(reason: TokenRefusalReason, token: AccessToken | None = None) -> TokenRefused:
    """Log a refusal, without the secret, and return it."""
    logger.info("access_token.refused", extra={"reason": reason.value})
    return TokenRefused(reason, token)
