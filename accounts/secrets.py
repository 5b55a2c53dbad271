"""The form of API access keys and Import API access tokens (decision D8, promises P1, P2, P4).

A secret is a prefix, 40 random base62 characters (more than 230 bits) and 6 base62 characters of CRC32 over
what stands before them. The checksum spares a query for a typo; what admits is the SHA-256 in the database.
"""

import hashlib
import secrets
import string
import zlib

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
API_KEY_PREFIX = "ac_stitch"
ACCESS_TOKEN_PREFIX = "at_stitch"  # noqa: S105 - a public prefix
HOOK_SECRET_PREFIX = "hs_stitch"  # noqa: S105 - a public prefix
RANDOM_LENGTH = 40
CHECKSUM_LENGTH = 6


def generate(prefix: str) -> str:
    """Return a new secret beginning with `prefix`."""
    body = prefix + "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_LENGTH))
    return body + checksum(body)


def checksum(body: str) -> str:
    """Return the CRC32 of `body` as six base62 characters, most significant first."""
    number = zlib.crc32(body.encode("ascii"))
    digits = ""
    for _ in range(CHECKSUM_LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits


def is_well_formed(secret: str, prefix: str) -> bool:
    """Tell, without a query, whether `secret` can be one of ours: shape and checksum fit."""
    body, tail = secret[:-CHECKSUM_LENGTH], secret[-CHECKSUM_LENGTH:]
    return (
        len(secret) == len(prefix) + RANDOM_LENGTH + CHECKSUM_LENGTH
        and secret.startswith(prefix)
        and secret.isascii()
        and secret.isprintable()
        and secrets.compare_digest(checksum(body), tail)
    )


def digest(secret: str) -> bytes:
    """Return the 32 bytes under which a secret is stored and looked up."""
    return hashlib.sha256(secret.encode()).digest()
