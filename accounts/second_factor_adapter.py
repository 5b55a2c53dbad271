"""What the product does differently from django-allauth's second factors: their secrets are sealed at rest."""

from allauth.mfa.adapter import DefaultMFAAdapter
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser

from accounts import sealing

USE = b"stitchapp second factors v1"


class SecondFactorAdapter(DefaultMFAAdapter):
    """Seals what authenticator apps and recovery codes are made from; names the product to devices."""

    def encrypt(self, text: str) -> str:
        return sealing.seal(text, use=USE)

    def decrypt(self, encrypted_text: str) -> str:
        return sealing.unseal(encrypted_text, use=USE)

    def get_totp_issuer(self) -> str:
        return settings.PRODUCT_NAME

    def _get_site_name(self) -> str:
        return settings.PRODUCT_NAME

    def get_public_key_credential_user_entity(self, user: AbstractBaseUser) -> dict:
        """Browsers show the name when they ask which passkey to use."""
        return super().get_public_key_credential_user_entity(user) | {"display_name": user.get_full_name()}
