"""A sandbox process for tests: started on a free port, controlled over HTTP, ended with its test session.

Called by `fixtures` and by your own code. Standard library only.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

REDIRECT_URI = "http://localhost:8321/oauth/callback"
ANSWER_TIMEOUT_S = 60.0
END_TIMEOUT_S = 10.0


class Refused(Exception):
    """The sandbox did not do what it was told: `status` and its answer `text` say why. Correct the call."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text}")
        self.status = status
        self.text = text


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Let the caller see the redirect."""


_OPENER = build_opener(_NoRedirect, ProxyHandler({}))


@dataclass
class Sandbox:
    """One running sandbox. `ready` is what it said when it was ready: URLs, client ids, organisations.

    Methods raise `Refused` for an answer that is no success and OSError if the process is gone.
    """

    process: "subprocess.Popen[bytes]" = field(repr=False)
    ready: dict[str, Any] = field(repr=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The origin of all of Xero's hosts, without a slash at its end."""
        url: str = self.ready["url"]
        return url

    @property
    def settings(self) -> dict[str, str]:
        """The [xero] table of a configuration that uses it: client_id (the PKCE app's) and the three URLs."""
        return {
            "client_id": self.ready["public_client_id"],
            **dict.fromkeys(("login_url", "identity_url", "api_url"), self.url),
        }

    def tenant(self, organisation: int | str = 1) -> str:
        """The tenant id of organisation 1, 2, 3 …, or of the one with this name or country. Raises KeyError."""
        for number, row in enumerate(self.ready["organisations"], 1):
            if organisation in {number, row["name"], row["country"]}:
                tenant_id: str = row["tenant_id"]
                return tenant_id
        raise KeyError(organisation)

    def tokens(self, scope: str, *, user: str = "alex@example.com") -> dict[str, Any]:
        """Xero's answer with access and refresh token after a whole consent of this user; needs --auto-consent."""
        client = {"client_id": self.ready["client_id"], "redirect_uri": REDIRECT_URI}
        query = {**client, "response_type": "code", "scope": scope, "state": "s", "login_hint": user}
        status, headers, body = self.request("GET", f"/identity/connect/authorize?{urlencode(query)}")
        if status != 302:
            raise Refused(status, body.decode("utf-8", "replace"))
        code = parse_qs(urlsplit(headers["Location"]).query)["code"][0]
        form = {
            **client,
            "grant_type": "authorization_code",
            "code": code,
            "client_secret": self.ready["client_secret"],
        }
        sent = {"Content-Type": "application/x-www-form-urlencoded"}
        found: dict[str, Any] = _good(*self.request("POST", "/connect/token", urlencode(form).encode(), sent))
        return found

    def token(self, scope: str, *, user: str = "alex@example.com") -> str:
        """An access token with these scopes for every organisation that the consent may take."""
        token: str = self.tokens(scope, user=user)["access_token"]
        return token

    def call(self, method: str, path: str, token: str, body: Any = None, *, tenant: str | None = None) -> Any:
        """A call of the Accounting API, e.g. ("PUT", "Contacts", token, {"Name": "A"}); the decoded answer."""
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json", "Content-Type": "application/json"}
        headers["Xero-Tenant-Id"] = tenant or self.tenant()
        data = None if body is None else json.dumps(body).encode()
        return _good(*self.request(method, f"/api.xro/2.0/{path}", data, headers))

    def ledger(self, tenant: str | None = None) -> dict[str, list[dict[str, Any]]]:
        """Everything that an organisation's books hold, by Xero's plurals."""
        found: dict[str, list[dict[str, Any]]] = self.control("GET", f"ledger/{tenant or self.tenant()}")
        return found

    def requests(self, after: int = 0) -> list[dict[str, Any]]:
        """The request log after request number `after`, oldest first."""
        found: list[dict[str, Any]] = self.control("GET", f"requests?after={after}")
        return found

    def fault(self, fault: str, **fields: Any) -> int:
        """Let something go wrong (method, path, tenant, count, probability, seed, delay_s); returns its id."""
        number: int = self.control("POST", "faults", {"fault": fault, **fields})["id"]
        return number

    def advance(self, seconds: float) -> None:
        """Move the sandbox's clock forward."""
        self.control("POST", "clock", {"advance_s": seconds})

    def person(self, method: str, path: str, body: Any = None, *, tenant: str | None = None) -> Any:
        """A bookkeeper does what Xero allows, e.g. ("POST", "Invoices/INV-0001", {"Status": "VOIDED"}).

        Returns {"status", "answer"}: a refusal is an answer, too.
        """
        given = {"method": method, "path": path} | ({} if body is None else {"body": body})
        return self.control("POST", f"person/{tenant or self.tenant()}", given)

    def reset(self) -> None:
        """Everything as at the start: books, connections, faults, log, webhooks, clock."""
        self.ready["organisations"] = self.control("POST", "reset")["organisations"]

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Any control under /_sandbox/ (docs/howto/sandbox.md); the decoded answer."""
        data = None if method == "GET" else json.dumps({} if body is None else body).encode()
        return _good(*self.request(method, f"/_sandbox/{path}", data))

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Any request: status, headers, body. No status raises; redirects are not followed."""
        request = Request(self.url + path, data=body, headers=headers or {}, method=method)  # noqa: S310 - our own URL
        try:
            with _OPENER.open(request, timeout=ANSWER_TIMEOUT_S) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except HTTPError as error:
            with error:
                return error.code, dict(error.headers), error.read()

    def stop(self) -> None:
        """End the process; safe to call twice."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


def start(*options: str) -> Sandbox:
    """Start `counterfoil sandbox` with these options on a free port (or --port N) and wait until it is ready.

    Raises RuntimeError if it does not start; what is wrong stands on stderr. It is given no variable of Counterfoil's.
    """
    port = () if "--port" in options else ("--port", "0")
    command = [sys.executable, "-m", "counterfoil.sandbox", *port, *options]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COUNTERFOIL_")}
    process = subprocess.Popen(  # noqa: S603 - this interpreter, the caller's options
        command, stdout=subprocess.PIPE, env=environment
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        process.stdout.close()
        raise RuntimeError(f"the sandbox ended with exit code {process.wait()}")
    return Sandbox(process, json.loads(line))


def _good(status: int, _: dict[str, str], body: bytes) -> Any:
    if not 200 <= status < 300:
        raise Refused(status, body.decode("utf-8", "replace"))
    return json.loads(body) if body else None
