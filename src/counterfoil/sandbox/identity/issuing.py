"""New tokens with Xero's claims: for a grant of a user's, or for an app by itself (facts 1.4).

Called by `token` once it is clear that somebody may have them.
"""

from typing import Any

from counterfoil.sandbox.identity import scopes
from counterfoil.sandbox.identity.keys import Signer, left_half_hash
from counterfoil.sandbox.world import World

ID_TOKEN_LIFE_S = 300
REFRESH_LIFE_S = 60 * 86_400


class Issued:
    """Makes tokens over one world; `issuer` is the sandbox's own origin."""

    def __init__(self, world: World, signer: Signer, issuer: str) -> None:
        self._world = world
        self._signer = signer
        self._issuer = issuer

    def for_app(self, client_id: str, scope: list[str]) -> dict[str, Any]:
        """An access token of nobody's, without a refresh token."""
        claims = self._claims(client_id, int(self._world.clock.seconds()))
        token = self._signer.sign(claims | {"jti": self._world.ids.guid(), "scope": scope}, "at+jwt")
        return {"access_token": token, "expires_in": self._life(), "token_type": "Bearer", "scope": " ".join(scope)}

    def for_grant(self, grant_id: str, event_id: str, nonce: str | None = None) -> dict[str, Any]:
        """The tokens that this grant's scopes call for; a code's id token repeats the nonce of its consent."""
        world = self._world
        grant = world.grants.rows[grant_id]
        user = world.user(grant["email"])
        now = int(world.clock.seconds())
        session = {
            "sub": user.user_id.replace("-", ""),
            "auth_time": grant["auth_time"],
            "xero_userid": user.user_id,
            "global_session_id": grant["session"].replace("-", ""),
        }
        held = scopes.still_held(grant["scopes"], world.apps[grant["client_id"]])
        access_token = self._signer.sign(
            self._claims(grant["client_id"], now)
            | session
            | {"jti": world.ids.guid().replace("-", "").upper(), "authentication_event_id": event_id, "scope": held},
            "at+jwt",
        )
        answer: dict[str, Any] = {}
        if "openid" in held:
            id_claims = {
                "nbf": now,
                "exp": now + ID_TOKEN_LIFE_S,
                "iss": self._issuer,
                "aud": grant["client_id"],
                "iat": now,
                "at_hash": left_half_hash(access_token),
                "sid": session["global_session_id"],
                **session,
                "preferred_username": user.email,
                "email": user.email,
                "given_name": user.given_name,
                "family_name": user.family_name,
                "name": f"{user.given_name} {user.family_name}",
                "amr": ["pwd", "mfa"],
            } | ({} if nonce is None else {"nonce": nonce})
            answer["id_token"] = self._signer.sign(id_claims, "JWT")
        answer |= {"access_token": access_token, "expires_in": self._life(), "token_type": "Bearer"}
        if "offline_access" in held:
            answer["refresh_token"] = self._new_refresh_token(grant_id, grant["client_id"], event_id)
        answer["scope"] = " ".join(held)
        return answer

    def _claims(self, client_id: str, now: int) -> dict[str, Any]:
        return {
            "nbf": now,
            "exp": now + self._life(),
            "iss": self._issuer,
            **({} if self._world.unknowns.plays("token-audience", "absent") else {"aud": f"{self._issuer}/resources"}),
            "client_id": client_id,
        }

    def _life(self) -> int:
        return max(1, round(self._world.options.access_token_ttl_s))

    def _new_refresh_token(self, grant_id: str, client_id: str, event_id: str) -> str:
        token = self._world.ids.token()
        self._world.refresh_tokens.put(
            token,
            {
                "token": token,
                "grant": grant_id,
                "client_id": client_id,
                "event_id": event_id,
                "expires_ms": int((self._world.clock.seconds() + REFRESH_LIFE_S) * 1000),
                "replaced_ms": None,
            },
        )
        return token
