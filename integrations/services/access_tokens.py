"""Generate and revoke Import API access tokens; pages, the Connect API and the admin share these."""

import uuid

from django.db import transaction
from django.utils import timezone

from accounts import secrets
from accounts.audit import Event, record
from accounts.errors import DomainError
from accounts.models import ApiKey, User
from integrations.models import MAX_ACTIVE_TOKENS, AccessToken, Integration
from integrations.services.locking import lock_integration, save_changed


class TokenLimitReached(DomainError):
    """Two tokens are active already (T-31)."""

    code, status = "token_limit", 409
    message = "This integration has two active API access tokens. Revoke one to generate another."


class TokenAlreadyGenerated(DomainError):
    """The same form came twice; its token was shown the first time."""

    code, status = "token_already_generated", 409
    message = (
        "This form was sent twice. One token was generated and shown the first time. If you do not have it, "
        "generate a replacement and revoke that one."
    )


class TokenAlreadyRevoked(DomainError):
    """The token was revoked before; that cannot be undone or repeated."""

    code, status = "token_already_revoked", 409
    message = "This API access token was revoked already."


@transaction.atomic
def create_access_token(
    *,
    integration: Integration,
    actor: User,
    form_id: uuid.UUID | None = None,
    api_key: ApiKey | None = None,
) -> tuple[AccessToken, str]:
    """Generate a token; return it with its secret, which is never readable again.

    Raises TokenLimitReached at two active tokens, and TokenAlreadyGenerated for a form sent twice.
    """
    current = lock_integration(integration)  # makes the count below safe
    if form_id is not None and current.access_tokens.filter(form_id=form_id).exists():
        raise TokenAlreadyGenerated
    if current.access_tokens.active().count() >= MAX_ACTIVE_TOKENS:
        raise TokenLimitReached
    secret = secrets.generate(secrets.ACCESS_TOKEN_PREFIX)
    token = AccessToken.objects.create(
        account=current.account,
        integration=current,
        digest=secrets.digest(secret),
        created_by=actor,
        form_id=form_id,
    )
    save_changed(current)
    record(
        Event.ACCESS_TOKEN_CREATED,
        account=current.account,
        actor=actor,
        target=token,
        target_name=current.display_name,
        api_key=api_key,
        integration=current.pk,
    )
    return token, secret


@transaction.atomic
def revoke_access_token(
    *,
    token: AccessToken,
    actor: User,
    api_key: ApiKey | None = None,
    by_staff: bool = False,
    reason: str = "",
) -> AccessToken:
    """Revoke the token: the next request with it is refused (promise P7). The row stays for the audit trail."""
    integration = lock_integration(token.integration, even_deleted=True)
    current = AccessToken.objects.get(pk=token.pk)
    if not current.is_active:
        raise TokenAlreadyRevoked
    current.revoked_at, current.revoked_by = timezone.now(), actor
    current.save(update_fields=["revoked_at", "revoked_by"])
    save_changed(integration)
    record(
        Event.ACCESS_TOKEN_REVOKED,
        account=integration.account,
        actor=actor,
        target=current,
        target_name=integration.display_name,
        by_staff=by_staff,
        api_key=api_key,
        integration=integration.pk,
        **({"reason": reason} if reason else {}),
    )
    return current
