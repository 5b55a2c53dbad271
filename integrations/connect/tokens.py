"""`/v4/sources/{id}/tokens`: the Import API access tokens of a source (connect-api.md 2.3)."""

from django.http import HttpRequest
from ninja import Router

from integrations.connect import responses
from integrations.connect.responses import refusal, timestamp, unknown_source
from integrations.connect.schemas import PlainError, Source, SourceError, TokenCreated, TokenListed
from integrations.connect.sources import find_integration, source
from integrations.services.access_tokens import (
    TokenAlreadyRevoked,
    TokenLimitReached,
    create_access_token,
    revoke_access_token,
)
from integrations.services.locking import IntegrationDeleted

router = Router(tags=["Import API access tokens"])
ERRORS = {400: SourceError, 401: PlainError, 404: PlainError}


@router.get(
    "sources/{int:source_id}/tokens",
    response={200: list[TokenListed]} | ERRORS,
    summary="List active tokens",
    url_name="source-tokens",
)
def token_list(request: HttpRequest, source_id: int):
    """The active tokens, newest first."""
    tokens = find_integration(request, source_id).access_tokens.active().order_by("-pk")
    return [{"token_id": token.pk, "created_at": timestamp(token.created_at)} for token in tokens]


@router.post(
    "sources/{int:source_id}/tokens",
    response={200: TokenCreated} | ERRORS,
    summary="Create a token",
    url_name="source-tokens",
)
def token_create(request: HttpRequest, source_id: int):
    """A token that writes into this source only. At most two are active at once."""
    try:
        token, secret = create_access_token(
            integration=find_integration(request, source_id),
            actor=request.api_key.owner,
            api_key=request.api_key,
        )
    except TokenLimitReached as error:
        raise refusal(
            "TooManyTokens", f"source ({source_id}) already has the maximum of 2 active tokens"
        ) from error
    except IntegrationDeleted as error:
        raise unknown_source(source_id) from error
    return {"id": token.pk, "access_token": secret}


@router.delete(
    "sources/{int:source_id}/tokens/{int:token_id}",
    response={200: Source} | ERRORS,
    summary="Revoke a token",
    url_name="source-token",
)
def token_revoke(request: HttpRequest, source_id: int, token_id: int):
    """Requests with it are refused from now on; this cannot be undone."""
    integration = find_integration(request, source_id)
    token = integration.access_tokens.active().filter(pk=token_id).first()
    if token is None:
        raise responses.Refusal(404, responses.NOT_FOUND)
    try:
        revoke_access_token(token=token, actor=request.api_key.owner, api_key=request.api_key)
    except TokenAlreadyRevoked as error:  # by another request, between the two statements
        raise responses.Refusal(404, responses.NOT_FOUND) from error
    return source(find_integration(request, source_id))
