"""Whose consent it was: an id token is believed only when Xero signed it, for us, for this consent, now.

Called by consent. OpenID Connect Core 1.0 §3.1.3.7: the signature by one of the identity server's published keys, with
RS256 and nothing else (so neither `none` nor a key taken for a shared secret), issuer, audience, expiry, nonce, and the
access token that it came with. xero-facts §1.1, §1.4.
"""

import base64
import datetime
import hashlib
import hmac
from typing import Any, Final

import msgspec

from counterfoil import errors
from counterfoil.model.hidden import HiddenText
from counterfoil.xero import answers, identity
from counterfoil.xero.answers import Answer
from counterfoil.xero.identity import App
from counterfoil.xero.transport import Transport

ALGORITHM: Final = "RS256"
LEEWAY_S: Final = 60  # Xero's time is known to a second or two; its own machines may differ
LENGTH_MAX: Final = 16 * 1024
REMEDY: Final = "Run `counterfoil connect` again; if it stays so, check [xero] identity_url and what stands between."


class Issuer(msgspec.Struct, frozen=True):
    """Who signs, and with which keys (a JWKS)."""

    name: str
    keys: dict[str, Any]


async def issuer(transport: Transport) -> Issuer:
    """Ask the identity server for its keys. Two calls. Raises ConfigurationError, XeroUnavailable, Unclear."""
    found = identity.discovered(await identity.perform(transport, identity.discovery()))
    return Issuer(found.issuer, _keys(await identity.perform(transport, identity.keys(found, transport.identity_url))))


def user_of(token: str, access_token: str, by: Issuer, app: App, nonce: str, now: datetime.datetime) -> str:
    """The xero_userid of a good id token. `now`: by Xero's clock. Raises NoConsent that says what is wrong, and no more."""
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet

    token, access_token = HiddenText(token), HiddenText(access_token)
    registry = jwt.JWTClaimsRegistry(
        now=int(now.timestamp()),
        leeway=LEEWAY_S,
        iss={"essential": True, "value": by.name},
        aud={"essential": True, "value": app.client_id},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True, "value": nonce},
    )
    if not token or len(token) > LENGTH_MAX:
        raise _refused("it is missing" if not token else "it is too long")
    try:
        keys = KeySet.import_key_set({"keys": _signing(by.keys)})
        claims = jwt.decode(token, keys, algorithms=[ALGORITHM]).claims
        registry.validate(claims)
    # The library says which; its words may name what a stranger sent.
    except (JoseError, ValueError, TypeError, LookupError, RecursionError) as cause:
        raise _refused(_why(cause)) from None
    if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and claims.get("azp") != app.client_id:
        raise _refused("it is for others, too")
    if "at_hash" in claims and not _is_of(access_token, str(claims["at_hash"])):
        raise _refused("it belongs to another access token")
    user = claims.get("xero_userid")
    if not isinstance(user, str) or not user:
        raise _refused("it names no user")
    return user


def _refused(why: str) -> errors.NoConsent:
    said = f"Xero's id token cannot be believed: {why}. Nothing was stored."
    return errors.NoConsent(said, remedy=REMEDY, why="id-token")


def _why(cause: Exception) -> str:
    """What is wrong, in words of ours: the claim or the check that failed."""
    claim = getattr(cause, "claim", None)
    words = {
        "iss": "another server issued it",
        "aud": "it is for another app",
        "nonce": "it belongs to another consent",
        "exp": "it has expired, or the clock of this machine is wrong",
        "iat": "it comes from the future, or the clock of this machine is wrong",
        "nbf": "it comes from the future, or the clock of this machine is wrong",
    }
    kind = type(cause).__name__.removesuffix("Error")
    by_kind = {
        "BadSignature": "its signature is not Xero's",
        "InvalidKeyId": "its signature is not Xero's",
        "UnsupportedAlgorithm": f"it is not signed with {ALGORITHM}",
    }
    named = [words[name] for name in words if isinstance(claim, str) and name in claim.split(",")]
    return named[0] if named else by_kind.get(kind, f"it is malformed ({kind})")


def _signing(found: dict[str, Any]) -> list[dict[str, Any]]:
    """The keys that may sign: RSA, and not for encryption."""
    keys = [one for one in found["keys"] if isinstance(one, dict)]
    return [one for one in keys if one.get("kty") == "RSA" and one.get("use", "sig") == "sig"]


def _keys(answer: Answer) -> dict[str, Any]:
    problem = answers.explain(answer)
    if problem is not None:
        raise problem
    try:
        found = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("keys"), list):
        raise errors.Unclear("The identity server's keys cannot be read.")
    return found


def _is_of(access_token: str, at_hash: str) -> bool:
    half = hashlib.sha256(access_token.encode()).digest()[:16]
    return hmac.compare_digest(base64.urlsafe_b64encode(half).rstrip(b"="), at_hash.encode())
