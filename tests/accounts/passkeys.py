"""A passkey in software, for tests: it answers what a browser would answer for it."""

import hashlib
import json
import re
from html import unescape

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    Aaguid,
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)

FLAG = AuthenticatorData.FLAG


class Passkey:
    """One key pair of one person at one server."""

    def __init__(self, origin: str = "http://localhost", verifies: bool = True):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.credential_id = hashlib.sha256(
            self.key.private_numbers().private_value.to_bytes(32, "big")
        ).digest()
        self.origin = origin
        self.flags = FLAG.UP | (FLAG.UV if verifies else 0)
        self.user_handle = ""

    def client_data(self, kind: str, challenge: str) -> CollectedClientData:
        return CollectedClientData.create(kind, websafe_decode(challenge), self.origin)

    def authenticator_data(self, rp_id: str, made: AttestedCredentialData | None = None) -> AuthenticatorData:
        flags = self.flags | (FLAG.AT if made else 0)
        return AuthenticatorData.create(hashlib.sha256(rp_id.encode()).digest(), flags, 0, made or b"")

    def make(self, options: dict) -> str:
        """Answer navigator.credentials.create."""
        public = options["publicKey"]
        self.user_handle = public["user"]["id"]
        made = AttestedCredentialData.create(
            Aaguid.NONE, self.credential_id, ES256.from_cryptography_key(self.key.public_key())
        )
        data = self.authenticator_data(public["rp"]["id"], made)
        response = {
            "clientDataJSON": self.client_data("webauthn.create", public["challenge"]).b64,
            "attestationObject": websafe_encode(AttestationObject.create("none", data, {})),
        }
        return self.packed(response)

    def show(self, options: dict) -> str:
        """Answer navigator.credentials.get."""
        public = options["publicKey"]
        data = self.authenticator_data(public["rpId"])
        client_data = self.client_data("webauthn.get", public["challenge"])
        signature = self.key.sign(data + client_data.hash, ec.ECDSA(hashes.SHA256()))
        response = {
            "clientDataJSON": client_data.b64,
            "authenticatorData": websafe_encode(data),
            "signature": websafe_encode(signature),
            "userHandle": self.user_handle,
        }
        return self.packed(response)

    def packed(self, response: dict) -> str:
        identity = websafe_encode(self.credential_id)
        extensions = {"credProps": {"rk": True}}
        return json.dumps(
            {
                "id": identity,
                "rawId": identity,
                "type": "public-key",
                "clientExtensionResults": extensions,
                "response": response,
            }
        )


def options_on(page: str) -> dict:
    """Return what the page asks of the browser."""
    return json.loads(unescape(re.search(r'data-options="([^"]*)"', page)[1]))


def add_passkey(client, name: str = "Laptop", **how):
    """Add a passkey through the pages of a signed-in client at localhost; return it and the answer."""
    passkey = Passkey(**how)
    credential = passkey.make(options_on(client.get("/security/passkeys/new").content.decode()))
    return passkey, client.post("/security/passkeys/new", {"name": name, "credential": credential})


def ask(client) -> dict:
    """Return what the sign-in page asks of the browser."""
    return client.post("/session/passkey/options").json()
