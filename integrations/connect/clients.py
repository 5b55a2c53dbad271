"""The client id in an address: a key reaches its own account's objects only (connect-api.md 1.8)."""

from django.http import HttpRequest

from integrations.connect.responses import UNAUTHORIZED, Refusal


def require_own_client(request: HttpRequest, client_id: int) -> None:
    """Refuse another account's id, and one that nobody has, as a request without a key is refused (P9, P11)."""
    if client_id != request.account.client_id:
        raise Refusal(401, UNAUTHORIZED, headers={"WWW-Authenticate": "Bearer"})
