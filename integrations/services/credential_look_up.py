"""Tell staff whose a pasted key or token is, and why a request with it would be refused now (decision D19)."""

from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from accounts import secrets
from accounts.audit import Event, record
from accounts.models import Account, ApiKey, User
from accounts.services import key_authentication
from integrations.models import AccessToken
from integrations.services import token_authentication


@dataclass(frozen=True, slots=True)
class Finding:
    """What is known about a credential. `refusal` is empty when a request with it would be admitted."""

    kind: str
    refusal: str
    account: Account | None = None
    credential: ApiKey | AccessToken | None = None
    state: str = ""


@sensitive_variables("secret")
@transaction.atomic
def look_up_credential(*, secret: str, actor: User) -> Finding:
    """Find the key or token with this secret; the look-up stands in the trail of the account it belongs to."""
    finding = find_key(secret) or find_token(secret) or unknown(secret)
    record(
        Event.CREDENTIAL_LOOKED_UP,
        account=finding.account,
        actor=actor,
        target=finding.credential,
        target_name=name_of(finding.credential),
        by_staff=True,
        kind=finding.kind,
        found=finding.credential is not None,
    )
    return finding


@sensitive_variables("secret")
def find_key(secret: str) -> Finding | None:
    """Return what is known about an API access key."""
    key = key_authentication.find_api_key(secret)
    if key is None:
        return None
    reason = key_authentication.reason_to_refuse(key, now=timezone.now())
    return Finding(
        kind="API access key",
        refusal=reason.sentence if reason is not None else "",
        account=key.account,
        credential=key,
        state="Enabled" if key.is_enabled else "Disabled",
    )


@sensitive_variables("secret")
def find_token(secret: str) -> Finding | None:
    """Return what is known about an Import API access token."""
    token = token_authentication.find_access_token(secret)
    if token is None:
        return None
    reason = token_authentication.reason_to_refuse(token, now=timezone.now())
    return Finding(
        kind="Import API access token",
        refusal=reason.sentence if reason is not None else "",
        account=token.account,
        credential=token,
        state="Active" if token.is_active else "Revoked",
    )


@sensitive_variables("secret")
def unknown(secret: str) -> Finding:
    """Say what is wrong with a secret that nothing here has."""
    kinds = (
        ("API access key", secrets.API_KEY_PREFIX, key_authentication.RefusalReason),
        ("Import API access token", secrets.ACCESS_TOKEN_PREFIX, token_authentication.TokenRefusalReason),
    )
    for kind, prefix, reasons in kinds:
        if secret.startswith(prefix):
            well_formed = secrets.is_well_formed(secret, prefix)
            return Finding(
                kind=kind, refusal=(reasons.UNKNOWN if well_formed else reasons.MALFORMED).sentence
            )
    return Finding(kind="Neither", refusal="It is neither an API access key nor an Import API access token.")


def name_of(credential: ApiKey | AccessToken | None) -> str:
    """Return what the account's members know the credential by."""
    if credential is None:
        return ""
    if isinstance(credential, ApiKey):
        return credential.description
    return credential.integration.display_name
