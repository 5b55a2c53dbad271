"""The gate's question to the Import API: whose token is this? (import-api.md 1.1)"""

from collections.abc import Callable
from typing import cast

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.models import Account
from integrations.importapi import rate_limits, refusals, responses, traffic
from integrations.importapi.refusals import Refusal
from integrations.models import AccessToken
from integrations.services.token_authentication import TokenRefused, authenticate_access_token


class TokenRequest(HttpRequest):
    """A request that the gate has admitted."""

    token: AccessToken
    account: Account


def token_or(
    unauthorized: Callable[[], Refusal], *, counted: bool = True
) -> Callable[[HttpRequest], HttpResponse | None]:
    """Return the authenticator of an endpoint whose answer to a bad token is `unauthorized`.

    A request that is `counted` has to keep to its token's limits, and counts towards them.
    """

    def authenticate(request: HttpRequest) -> HttpResponse | None:
        try:
            token = authenticate_access_token(
                authorization=request.META.get("HTTP_AUTHORIZATION", ""), now=timezone.now()
            )
        except TokenRefused as error:
            traffic.note_token(request, error.token, reason=error.reason.value)
            refusal = refusals.inactive() if error.connection_is_inactive else unauthorized()
            return responses.refused(refusal)
        admitted = cast(TokenRequest, request)
        admitted.token, admitted.account = token, token.account
        traffic.note_token(request, token)
        limited = rate_limits.admit(token) if counted else None
        return None if limited is None else responses.refused(limited)

    return authenticate
