"""A destination's password at rest (decisions D11, D14; issue 3 D)."""

import base64
import secrets

import pytest

from accounts import sealing
from integrations.services.credentials import CredentialUnreadable, seal, unseal
from tests.factories import make_account

pytestmark = pytest.mark.django_db


@pytest.fixture
def password():
    return secrets.token_urlsafe(20) + " naïve 🔑"


def test_what_is_sealed_opens_again_and_shows_nothing(account, password):
    stored = seal(password, account=account)
    assert unseal(stored, account=account) == password
    assert stored.startswith("v1:")
    assert password not in stored
    assert password.encode() not in base64.b64decode(stored.removeprefix("v1:"))
    assert seal(password, account=account) != stored  # two alike do not look alike


def test_rotating_SECRET_KEY_touches_nothing(account, password, settings):
    stored = seal(password, account=account)
    settings.SECRET_KEY = secrets.token_urlsafe(50)
    assert unseal(stored, account=account) == password


def test_another_CREDENTIAL_KEY_is_a_clear_refusal(account, password, settings):
    stored = seal(password, account=account)
    settings.CREDENTIAL_KEY = secrets.token_urlsafe(50)
    with pytest.raises(CredentialUnreadable, match="CREDENTIAL_KEY"):
        unseal(stored, account=account)


def test_P11_a_password_copied_into_another_accounts_row_does_not_open(account, password):
    with pytest.raises(CredentialUnreadable):
        unseal(seal(password, account=account), account=make_account())


@pytest.mark.parametrize("stored", ["", "v1:", "v1:AAAA", "v1:!", "v2:AAAA", "plain", "v1:é"])
def test_what_was_tampered_with_is_refused(account, stored):
    with pytest.raises(CredentialUnreadable):
        unseal(stored, account=account)


def test_one_changed_bit_is_noticed(account, password):
    sealed = bytearray(base64.b64decode(seal(password, account=account).removeprefix(sealing.SCHEME)))
    sealed[-1] ^= 1
    with pytest.raises(CredentialUnreadable):
        unseal(sealing.SCHEME + base64.b64encode(sealed).decode(), account=account)
