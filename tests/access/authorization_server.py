"""An authorization server that is not ours: Authlib's, over HTTP on this machine, with the paths that Xero has.

PKCE is enforced and every code works once; the tests bend what it says. The access token is a JWT with Xero's claims,
signed by the server's key, and `/connections` names one organisation.
"""

# ruff: noqa: D102, N815 - the methods are those that Authlib and the standard library ask for

import base64
import datetime
import functools
import hashlib
import hmac
import json
import secrets
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

from authlib.oauth2.rfc6749 import AuthorizationServer, ClientMixin, OAuth2Request, TokenMixin, grants
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import UserInfo
from authlib.oidc.core.grants import OpenIDCode
from authlib.oidc.core.models import AuthorizationCodeMixin
from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET, USER, EVENT = "app-1", "s3cret+/", "user-1", "event-1"
KEY_ID = "key-1"
TOKEN, AUTHORIZE, DISCOVERY = "/connect/token", "/identity/connect/authorize", "/.well-known/openid-configuration"
JWKS = f"{DISCOVERY}/jwks"


class Registered(ClientMixin):
    """The one app: any loopback redirect, a secret or none."""

    def __init__(self, secret):
        self.secret = secret

    def get_client_id(self):
        return CLIENT

    def get_default_redirect_uri(self):
        return None

    def get_allowed_scope(self, scope):
        return scope

    def check_redirect_uri(self, redirect_uri):
        return urllib.parse.urlsplit(redirect_uri).hostname == "localhost"

    def check_client_secret(self, client_secret):
        return self.secret is not None and hmac.compare_digest(self.secret, client_secret)

    def check_endpoint_auth_method(self, method, endpoint):
        return method == ("none" if self.secret is None else "client_secret_basic")

    def check_response_type(self, response_type):
        return response_type == "code"

    def check_grant_type(self, grant_type):
        return grant_type in {"authorization_code", "refresh_token"}


class Code(SimpleNamespace, AuthorizationCodeMixin):
    """One code and what it was given for."""

    def get_redirect_uri(self):
        return self.redirect_uri

    def get_scope(self):
        return self.scope

    def get_nonce(self):
        return self.nonce

    def get_auth_time(self):
        return self.auth_time

    def get_acr(self):
        return None

    def get_amr(self):
        return ["pwd"]


class Refreshing(SimpleNamespace, TokenMixin):
    """One refresh token."""

    def check_client(self, client):
        return client.get_client_id() == CLIENT

    def get_scope(self):
        return self.scope


class CodeGrant(grants.AuthorizationCodeGrant):
    """Codes in memory, each for one exchange within their life."""

    TOKEN_ENDPOINT_AUTH_METHODS = ("none", "client_secret_basic")

    def save_authorization_code(self, code, request):
        data = request.payload.data
        self.server.codes[code] = Code(
            code=code, redirect_uri=data["redirect_uri"], scope=data["scope"], nonce=data.get("nonce"),
            auth_time=int(time.time()), expires_at=time.time() + self.server.code_life_s,
            code_challenge=data.get("code_challenge"), code_challenge_method=data.get("code_challenge_method"),
        )  # fmt: skip

    def query_authorization_code(self, code, client):
        found = self.server.codes.get(code)
        return found if found is not None and found.expires_at > time.time() else None

    def delete_authorization_code(self, authorization_code):
        del self.server.codes[authorization_code.code]

    def authenticate_user(self, authorization_code):
        return USER


class RefreshGrant(grants.RefreshTokenGrant):
    """Refresh tokens in memory; each works once and brings the next."""

    TOKEN_ENDPOINT_AUTH_METHODS = ("none", "client_secret_basic")
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token):
        return self.server.refreshing.get(refresh_token)

    def authenticate_user(self, credential):
        return USER

    def revoke_old_credential(self, credential):
        del self.server.refreshing[credential.token]


class SignIn(OpenIDCode):
    """Id tokens of this server; `claims` and `forge` of the server bend them."""

    def __init__(self, server):
        super().__init__(require_nonce=True)
        self._server = server

    def exists_nonce(self, nonce, request):
        return any(code.nonce == nonce for code in self._server.codes.values())

    def resolve_client_private_key(self, client):
        return self._server.key

    def get_encode_header(self, client):
        return {"alg": "RS256", "kid": KEY_ID}

    def get_client_claims(self, client):
        return {"iss": self._server.url, "aud": CLIENT}

    def generate_user_info(self, user, scope):
        return UserInfo(**{"sub": "sub-1", "xero_userid": USER} | self._server.claims)

    def encode_id_token(self, token, request):
        honest = super().encode_id_token(token, request)
        return self._server.forge(honest) if self._server.forge else honest


@functools.cache
def _key():
    """What every server of this process signs with: making one takes longer than all that a test does with it."""
    return RSAKey.generate_key(2048, {"kid": KEY_ID, "use": "sig", "alg": "RS256"})


class Stranger(AuthorizationServer):
    """The server. `claims` overrides the id token's, `forge(token)` replaces it; `refused`: what it refused, and why.

    `before_exchange`: called when a token is asked for; `code_life_s`: how long a code lives.
    """

    def __init__(self, *, secret=SECRET):
        super().__init__()
        self.client = Registered(secret)
        self.key = _key()
        self.codes, self.refreshing, self.refused, self.claims = {}, {}, [], {}
        self.forge = None
        self.before_exchange = None
        self.code_life_s = 300
        self.discovered = {}
        self.register_token_generator("default", self._token)
        self.register_grant(CodeGrant, [CodeChallenge(required=True), SignIn(self)])
        self.register_grant(RefreshGrant)
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def query_client(self, client_id):
        return self.client if client_id == CLIENT else None

    def save_token(self, token, request):
        pass

    def send_signal(self, name, *args, **kwargs):
        pass

    def create_oauth2_request(self, request):
        return request

    def handle_response(self, status, body, headers):
        if isinstance(body, dict) and "error" in body:
            self.refused.append(body.get("error_description", body["error"]))
        return status, body, dict(headers)

    def _token(self, grant_type, client, user=None, scope=None, expires_in=None, include_refresh_token=True):
        now = int(time.time())
        claims = {
            "iss": self.url, "exp": now + 1800, "iat": now, "client_id": CLIENT, "xero_userid": USER,
            "authentication_event_id": EVENT, "scope": scope.split(), "jti": secrets.token_hex(8),
        }  # fmt: skip
        access = jwt.encode({"alg": "RS256", "kid": KEY_ID}, claims, self.key, default_type="at+jwt")
        refresh = secrets.token_urlsafe()
        self.refreshing[refresh] = Refreshing(token=refresh, scope=scope)
        return {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": 1800,
            "scope": scope,
            "refresh_token": refresh,
        }

    def answer(self, method, path, query, form, headers):
        """(status, body, headers) of any request."""
        if path == DISCOVERY:
            return 200, {"issuer": self.url, "jwks_uri": self.url + JWKS, **self.discovered}, {}
        if path == JWKS:
            return 200, {"keys": [self.key.as_dict(private=False)]}, {}
        if path == "/connections" and headers.get("Authorization"):
            return (
                200,
                [{"id": "c-1", "tenantId": "t-1", "tenantType": "ORGANISATION", "tenantName": "Elsewhere Ltd"}],
                {},
            )
        request = _Request(method, self.url + path, query, form, headers)
        if path == AUTHORIZE:
            grant = self.get_consent_grant(request, USER)
            return self.create_authorization_response(request, grant_user=USER, grant=grant)
        if path == TOKEN and method == "POST":
            if self.before_exchange is not None:
                self.before_exchange()
            return self.create_token_response(request)
        return 404, {}, {}


class _Request(OAuth2Request):
    """One request as Authlib wants it."""

    def __init__(self, method, uri, query, form, headers):
        super().__init__(method, uri, headers=headers)
        self._query, self._form = query, form
        self.payload = BasicOAuth2Payload(query | form)

    @property
    def args(self):
        return self._query

    @property
    def form(self):
        return self._form


def _handler(server):
    class Handler(BaseHTTPRequestHandler):
        def _serve(self):
            parts = urllib.parse.urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            form = dict(urllib.parse.parse_qsl(self.rfile.read(length).decode()))
            query = dict(urllib.parse.parse_qsl(parts.query))
            status, body, headers = server.answer(self.command, parts.path, query, form, self.headers)
            raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if "Content-Type" not in headers:
                self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = _serve

        def log_message(self, *_):
            pass

    return Handler


def seconds(number):
    """A length of time."""
    return datetime.timedelta(seconds=number)


def _base64(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unsigned(token):
    """The same claims with `alg` none and no signature."""
    return f"{_base64(json.dumps({'alg': 'none', 'typ': 'JWT'}).encode())}.{token.split('.')[1]}."


def confused(token, key):
    """The same claims, signed with HMAC by the server's public key, which everybody has, as if it were a shared secret."""
    head = _base64(json.dumps({"alg": "HS256", "typ": "JWT", "kid": KEY_ID}).encode())
    signed = f"{head}.{token.split('.')[1]}"
    secret = key.as_pem(private=False)
    return f"{signed}.{_base64(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"


def signed_by(token, key, alg="RS256", kid=KEY_ID):
    """The same claims, signed by another key under the same name."""
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    return jwt.encode({"alg": alg, "kid": kid}, claims, key, algorithms=[alg])
