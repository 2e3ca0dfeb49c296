"""A real sandbox process for tests of anything: started on a free port, controlled over HTTP, ended by its own id.

Standard library only (and what forks it), so that it never shares a fault with what it tests:

    sandbox = sandbox_process.start("--auto-consent", "--no-limits")
    tokens = sandbox.connect()
    sandbox.fault("lost_answer", method="PUT", path="/api.xro/2.0/Invoices")
    sandbox.ledger(sandbox.tenant(1))["Invoices"]
    sandbox.stop()
"""

import base64
import contextlib
import hashlib
import json
import os
import secrets
import signal
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from tests import warm

START_TIMEOUT_S = 30.0
ANSWER_TIMEOUT_S = 60.0
TELLING = Path(__file__).parent / "leaks" / "telling_sandbox.py"  # the same, and the session knows its tokens
REDIRECT_URI = "http://localhost:8321/oauth/callback"
SCOPES = (
    "openid profile email offline_access accounting.invoices accounting.payments accounting.contacts accounting.settings "
    "accounting.attachments"
)


@dataclass
class Reply:
    """An answer of Xero's side: nothing is raised for a status."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Let the caller see the redirect."""


_OPENER = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))


@dataclass
class SandboxProcess:
    """One running sandbox. `ready` is its ready line, `url` its only origin, `arguments` what it was started with."""

    process: "subprocess.Popen[bytes]"
    ready: dict[str, Any]
    arguments: tuple[str, ...]
    url: str = field(init=False)

    def __post_init__(self) -> None:
        self.url = self.ready["url"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def tenant(self, number: int) -> str:
        """The tenant id of organisation 1, 2, 3 …"""
        return self.ready["organisations"][number - 1]["tenant_id"]

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Reply:
        """Any request, as it is; raises OSError or http.client.HTTPException for what is not a whole answer."""
        request = urllib.request.Request(self.url + path, data=body, headers=headers or {}, method=method)
        try:
            with _OPENER.open(request, timeout=ANSWER_TIMEOUT_S) as response:
                return Reply(response.status, dict(response.headers), response.read())
        except urllib.error.HTTPError as error:
            with error:
                return Reply(error.code, dict(error.headers), error.read())

    def post(self, path: str, json_body: Any = None) -> Any:
        """POST JSON to a control path (e.g. "/_sandbox/clock"); raises AssertionError with the answer if refused."""
        body = json.dumps({} if json_body is None else json_body).encode()
        return _good(self.request("POST", path, body, {"Content-Type": "application/json"}))

    def get(self, path: str) -> Any:
        """GET JSON from a control path."""
        return _good(self.request("GET", path))

    def delete(self, path: str) -> Any:
        """DELETE a control path."""
        return _good(self.request("DELETE", path))

    def ledger(self, tenant: str) -> dict[str, list[dict[str, Any]]]:
        """Everything a tenant's books hold, by Xero's plurals."""
        return self.get(f"/_sandbox/ledger/{tenant}")

    def requests(self, after: int = 0) -> list[dict[str, Any]]:
        """The request log after number n, oldest first."""
        return self.get(f"/_sandbox/requests?after={after}")

    def fault(self, fault: str, **fields: Any) -> int:
        """Register a fault (method, path, tenant, count, probability, seed, delay_s); returns its id."""
        return self.post("/_sandbox/faults", {"fault": fault, **fields})["id"]

    def clear_faults(self) -> None:
        """Forget all faults."""
        self.delete("/_sandbox/faults")

    def advance(self, seconds: float) -> None:
        """Move the sandbox's clock forward."""
        self.post("/_sandbox/clock", {"advance_s": seconds})

    def organisation(self, tenant: str, **fields: Any) -> dict[str, Any]:
        """Change an organisation at Xero's screen; the answer's tenant_id is new after reset=True."""
        return self.post(f"/_sandbox/organisation/{tenant}", fields)

    def edit(self, tenant: str, id: str, **fields: Any) -> dict[str, Any]:
        """A person edits a document at Xero's screen: wire fields, e.g. Status="VOIDED"."""
        return self.post(f"/_sandbox/document/{tenant}/{id}", {"set": fields})

    def make(self, tenant: str, resource: str, *elements: dict[str, Any]) -> list[dict[str, Any]]:
        """A person makes documents (resource "Invoices", "Payments" …), by Xero's rules but without a token."""
        return self.post(f"/_sandbox/document/{tenant}", {resource: list(elements)})[resource]

    def person(self, tenant: str, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """A bookkeeper does what the API's rules allow, e.g. ("POST", "Invoices/ID", {"Status": "VOIDED"}).

        No token, limits, faults or log. Returns {"status", "answer"}: a refusal is an answer, too.
        """
        sent = {"method": method, "path": path} | ({} if body is None else {"body": body})
        return self.post(f"/_sandbox/person/{tenant}", sent)

    def connect(self, scope: str = SCOPES, *, public: bool = False, user: str | None = None) -> dict[str, Any]:
        """The token answer of a whole consent with PKCE; needs --auto-consent."""
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        client_id = self.ready["public_client_id" if public else "client_id"]
        query = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": REDIRECT_URI,
            "scope": scope,
            "state": "s",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        if user is not None:
            query["login_hint"] = user
        back = self.request("GET", "/identity/connect/authorize?" + urllib.parse.urlencode(query))
        code = urllib.parse.parse_qs(urllib.parse.urlsplit(back.headers["Location"]).query)["code"][0]
        form = {
            "grant_type": "authorization_code",
            "client_id": client_id,
            "code": code,
            "redirect_uri": REDIRECT_URI,
            "code_verifier": verifier,
        }
        if not public:
            form["client_secret"] = self.ready["client_secret"]
        return _good(self.form("/connect/token", form))

    def form(self, path: str, fields: dict[str, str]) -> Reply:
        """POST a form."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.request("POST", path, urllib.parse.urlencode(fields).encode(), headers)

    def api(self, method: str, path: str, token: str, tenant: str, body: Any = None, **headers: str) -> Reply:
        """A call to /api.xro/2.0/`path`; header names with _ for -."""
        sent = {"Authorization": f"Bearer {token}", "Xero-Tenant-Id": tenant, "Accept": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        data = None
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        return self.request(method, f"/api.xro/2.0/{path}", data, sent)

    def kill(self) -> None:
        """kill -9, for tests of its state file."""
        self.process.kill()
        self._reaped()

    def stop(self) -> int:
        """End it and return its exit code; safe to call twice."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        return self._reaped()

    def _reaped(self) -> int:
        try:
            return self.process.wait(timeout=START_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
        finally:
            if self.process.stdout is not None:
                self.process.stdout.close()


def start(*arguments: str) -> SandboxProcess:
    """Start `python -m counterfoil.sandbox --port 0 …` and wait for its ready line. Raises RuntimeError if it ends.

    Give `--port N` among the arguments for a fixed port.
    """
    port = () if "--port" in arguments else ("--port", "0")
    module = ["-P", str(TELLING)] if "TOLD_TOKENS" in os.environ else ["-m", "counterfoil.sandbox"]
    process = warm.start(*module, *port, *arguments, stdout=subprocess.PIPE)
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        code = process.wait(timeout=START_TIMEOUT_S)
        process.stdout.close()
        raise RuntimeError(f"the sandbox ended with exit code {code}: {' '.join(arguments)}")
    return SandboxProcess(process, json.loads(line), arguments)


def _good(reply: Reply) -> Any:
    assert reply.status == 200, f"{reply.status}: {reply.body.decode('utf-8', 'replace')}"
    return reply.json
