"""A destination's password at rest: sealed with CREDENTIAL_KEY, opened only where it is used (decision D14).

The cipher key is derived from CREDENTIAL_KEY alone, so rotating SECRET_KEY touches nothing. AES-GCM binds what is
sealed to its account: a row's password that is copied into another account's row does not open. The prefix names
the scheme, so that a later one can stand beside it.
"""

from __future__ import annotations

import base64
import binascii
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from accounts.errors import DomainError
from accounts.models import Account

SCHEME = "v1:"
NONCE_BYTES = 12


class CredentialUnreadable(DomainError):
    """What is stored does not open with this server's CREDENTIAL_KEY."""

    code, status = "credential_unreadable", 409
    message = (
        "The stored password cannot be read: it was stored under another CREDENTIAL_KEY than the one this server "
        "runs with. Type the password again and save, or ask the people who run this server to bring the key back."
    )


def seal(secret: str, *, account: Account) -> str:
    """Return the secret as it may be stored for the account."""
    nonce = os.urandom(NONCE_BYTES)
    sealed = nonce + cipher().encrypt(nonce, secret.encode(), purpose(account))
    return SCHEME + base64.b64encode(sealed).decode("ascii")


def unseal(stored: str, *, account: Account) -> str:
    """Return a stored secret of the account in clear. Raises CredentialUnreadable."""
    if not stored.startswith(SCHEME):
        raise CredentialUnreadable
    try:
        sealed = base64.b64decode(stored.removeprefix(SCHEME), validate=True)
        return cipher().decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], purpose(account)).decode()
    except (InvalidTag, ValueError, binascii.Error) as error:
        raise CredentialUnreadable from error


def cipher() -> AESGCM:
    """Return the cipher of this server's CREDENTIAL_KEY."""
    derive = HKDF(SHA256(), length=32, salt=None, info=b"stitchapp destination credentials v1")
    return AESGCM(derive.derive(settings.CREDENTIAL_KEY.encode()))


def purpose(account: Account) -> bytes:
    """Return what a sealed secret is bound to."""
    return f"destination of account {account.pk}".encode()
