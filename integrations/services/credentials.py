"""A destination's password at rest: sealed for its account, opened only where it is used (decision D14)."""

from __future__ import annotations

from accounts import sealing
from accounts.errors import DomainError
from accounts.models import Account

USE = b"stitchapp destination credentials v1"


class CredentialUnreadable(DomainError):
    """What is stored does not open with this server's CREDENTIAL_KEY."""

    code, status = "credential_unreadable", 409
    message = (
        "The stored password cannot be read: it was stored under another CREDENTIAL_KEY than the one this server "
        "runs with. Type the password again and save, or ask the people who run this server to bring the key back."
    )


def seal(secret: str, *, account: Account) -> str:
    """Return the secret as it may be stored for the account."""
    return sealing.seal(secret, use=USE, owner=purpose(account))


def unseal(stored: str, *, account: Account) -> str:
    """Return a stored secret of the account in clear. Raises CredentialUnreadable."""
    try:
        return sealing.unseal(stored, use=USE, owner=purpose(account))
    except sealing.Unreadable as error:
        raise CredentialUnreadable from error


def purpose(account: Account) -> bytes:
    """Return what a sealed secret is bound to."""
    return f"destination of account {account.pk}".encode()
