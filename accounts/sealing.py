"""Secrets that must be read again, at rest: sealed with CREDENTIAL_KEY, opened only where they are used (decision D14).

The cipher key is derived from CREDENTIAL_KEY and the use alone, so rotating SECRET_KEY touches nothing and what is
sealed for one use opens for no other. AES-GCM binds a secret to its owner: a value copied into another owner's row
does not open. The prefix names the scheme, so that a later one can stand beside it.
"""

from __future__ import annotations

import base64
import binascii
import os
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

SCHEME = "v1:"
NONCE_BYTES = 12


class Unreadable(Exception):
    """What is stored was sealed with another key, for another use or for another owner."""


def seal(secret: str, *, use: bytes, owner: bytes = b"") -> str:
    """Return the secret as it may be stored."""
    nonce = os.urandom(NONCE_BYTES)
    sealed = nonce + cipher(use).encrypt(nonce, secret.encode(), owner)
    return SCHEME + base64.b64encode(sealed).decode("ascii")


def unseal(stored: str, *, use: bytes, owner: bytes = b"") -> str:
    """Return a stored secret in clear. Raises Unreadable."""
    if not stored.startswith(SCHEME):
        raise Unreadable
    try:
        sealed = base64.b64decode(stored.removeprefix(SCHEME), validate=True)
        return cipher(use).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], owner).decode()
    except (InvalidTag, ValueError, binascii.Error) as error:
        raise Unreadable from error


def cipher(use: bytes) -> AESGCM:
    """Return the cipher of this server's CREDENTIAL_KEY for one use."""
    return derived(settings.CREDENTIAL_KEY, use)


@lru_cache(maxsize=16)
def derived(key: str, use: bytes) -> AESGCM:
    """Derive a use's cipher once: a list of sources opens hundreds of secrets of one use."""
    derive = HKDF(SHA256(), length=32, salt=None, info=use)
    return AESGCM(derive.derive(key.encode()))
