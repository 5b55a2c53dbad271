"""Refused requests of known access tokens, as the page of their integration shows them (decision D29)."""

from dataclasses import dataclass
from datetime import datetime

from accounts.services.refusals import SHOWN_FOR
from integrations.models import AccessToken, AccessTokenRefusal, Integration
from integrations.services.token_authentication import TokenRefusalReason

SENTENCES = {reason.value: reason.sentence for reason in TokenRefusalReason}


@dataclass(slots=True)
class RefusedUse:
    """How often a token was refused lately, and the last time of it."""

    token: AccessToken
    count: int
    last_at: datetime
    last_address: str | None
    last_reason: str


def recent_refusals(*, integration: Integration, now: datetime) -> dict[int, RefusedUse]:
    """Return the refusals of the last seven days by token; those of revoked tokens, still in use, too."""
    refused: dict[int, RefusedUse] = {}
    rows = AccessTokenRefusal.objects.filter(token__integration=integration, minute__gt=now - SHOWN_FOR)
    for row in rows.select_related("token").order_by("-minute", "-pk"):
        if row.token_id in refused:
            refused[row.token_id].count += row.count
        else:
            sentence = SENTENCES.get(row.reason, row.reason)
            refused[row.token_id] = RefusedUse(row.token, row.count, row.minute, row.address, sentence)
    return refused
