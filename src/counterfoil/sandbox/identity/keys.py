"""Signed tokens: RS256 access and id tokens with Xero's claims, the JWKS, and reading an access token back (facts 1.4).

Called by `identity.token` (sign) and `gate` (read). The key is made at the first start and kept in the state file.
"""

import base64
import hashlib
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from counterfoil.sandbox import wire
from counterfoil.sandbox.world import World

KEY_BITS = 2048
READ_MAX = 10_000  # access tokens whose signature is remembered as good


class BadToken(Exception):
    """Not a token of ours."""


class Signer:
    """Signs and reads tokens with the world's key."""

    def __init__(self, world: World) -> None:
        row = world.meta.get("signing_key")
        if row is None:
            key: Any = rsa.generate_private_key(public_exponent=65_537, key_size=KEY_BITS)
            pem = key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            world.meta.put("signing_key", {"pem": pem.decode()})
        else:
            key = serialization.load_pem_private_key(row["pem"].encode(), password=None)
        assert isinstance(key, rsa.RSAPrivateKey)
        self._key = key
        self._public = key.public_key()
        numbers = self._public.public_numbers()
        modulus = numbers.n.to_bytes(KEY_BITS // 8)
        self._kid = hashlib.sha256(modulus).hexdigest()[:40].upper()
        self.jwks: dict[str, Any] = {
            "keys": [
                {
                    "kty": "RSA",
                    "use": "sig",
                    "kid": self._kid,
                    "e": _base64(numbers.e.to_bytes(3)),
                    "n": _base64(modulus),
                    "alg": "RS256",
                }
            ]
        }
        self._read: dict[str, dict[str, Any]] = {}

    def sign(self, claims: dict[str, Any], type: str) -> str:
        """A JWT; `type` is "at+jwt" for access tokens, "JWT" for id tokens."""
        head = wire.compact({"alg": "RS256", "kid": self._kid, "typ": type})
        signed = f"{_base64(head)}.{_base64(wire.compact(claims))}"
        return f"{signed}.{_base64(self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def read(self, token: str) -> dict[str, Any]:
        """The claims of an access token that we signed, expired or not. Raises BadToken."""
        claims = self._read.get(token)
        if claims is None:
            claims = self._verified(token)
            if len(self._read) >= READ_MAX:
                self._read.clear()
            self._read[token] = claims
        return claims

    def _verified(self, token: str) -> dict[str, Any]:
        try:
            signed, _, signature = token.rpartition(".")
            self._public.verify(_bytes(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
            head, _, body = signed.partition(".")
            if msgspec.json.decode(_bytes(head)).get("typ") != "at+jwt":
                raise BadToken
            claims: dict[str, Any] = msgspec.json.decode(_bytes(body))
        except (ValueError, InvalidSignature, msgspec.DecodeError) as error:
            raise BadToken from error
        return claims


def left_half_hash(token: str) -> str:
    """The at_hash claim: the left half of the token's SHA-256."""
    return _base64(hashlib.sha256(token.encode()).digest()[:16])


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
