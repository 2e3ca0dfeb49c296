"""Bytes that no client library would send: an answer below 500 for each, and a sandbox that is well afterwards."""

import contextlib
import gzip
import json
import socket
from urllib.parse import urlencode, urlsplit

import pytest

from tests.sandbox.conftest import Ledger

API = b"/api.xro/2.0/Contacts"
DEEP = b"[" * 100_000


def talked(ledger: Ledger, start: bytes, headers: bytes = b"", body: bytes = b"", *, leave: bool = False) -> bytes:
    """Everything that the sandbox says to these bytes, after a good token. `leave`: the client hangs up first."""
    own = (
        f"Host: localhost\r\nConnection: close\r\nAccept: application/json\r\nAuthorization: Bearer {ledger.token}\r\n"
        f"Xero-Tenant-Id: {ledger.tenant}\r\n"
    )
    parts = urlsplit(ledger.sandbox.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=20) as connection:
        connection.sendall(start + b" HTTP/1.1\r\n" + own.encode() + headers + b"\r\n" + body)
        if leave:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := connection.recv(65_536):
                answer += piece
    return answer


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def sized(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n" % len(body)


@pytest.mark.parametrize(
    "header",
    [
        b"Idempotency-Key: \xff\xfe",
        b"Xero-Tenant-Id: \xff\xfe",
        b"If-Modified-Since: \xff",
        b"If-Modified-Since: 0001-01-01T00:00:00+14:00",
        b"If-Modified-Since: 9999-12-31T23:59:59-14:00",
        b"Authorization: Bearer \xff.\xfe.",
    ],
)
def test_headers_of_any_bytes_are_answered_and_logged(ledger, header):
    """What cannot be text does not stop the log, its page or the next request either."""
    body = b'{"Name": "Blue Fern Ltd"}'
    answer = talked(ledger, b"PUT " + API, header + b"\r\n" + sized(body), body)
    assert status(answer) < 500
    assert status(talked(ledger, b"GET " + API, header + b"\r\n")) < 500
    assert len(ledger.sandbox.requests()) == 4  # the consent took two
    assert [ledger.sandbox.request("GET", path).status for path in ("/requests", "/", "/live")] == [200, 200, 200]


@pytest.mark.parametrize("path", ["faults", "clock", "organisation/T", "person/T", "document/T"])
def test_a_deeply_nested_body_is_the_callers_fault(ledger, path):
    """At Xero's address and at every control."""
    assert status(talked(ledger, b"PUT " + API, sized(DEEP), DEEP)) == 400
    control = f"/_sandbox/{path}".replace("/T", f"/{ledger.tenant}").encode()
    assert status(talked(ledger, b"POST " + control, sized(DEEP), DEEP)) == 400


@pytest.mark.parametrize("path", [API, b"/_sandbox/faults", b"/connect/token"])
def test_a_body_that_is_not_in_its_encoding_is_refused(ledger, path):
    """Bytes that say gzip and are not are a 400; a small file of very many zeros is too large."""
    method = b"PUT " if path == API else b"POST "
    assert status(talked(ledger, method + path, b"Content-Encoding: gzip\r\n" + sized(b"abcde"), b"abcde")) == 400
    if path == API:
        bomb = gzip.compress(b"0" * 30_000_000)
        assert status(talked(ledger, b"PUT " + API, b"Content-Encoding: gzip\r\n" + sized(bomb), bomb)) == 413


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (b"Content-Length: 500\r\n", b'{"Nam'),
        (b"Transfer-Encoding: chunked\r\n", b'5\r\n{"Nam'),
    ],
)
def test_half_a_request_does_nothing(ledger, headers, body):
    """The client left in the middle of its body: no contact, no answer, no damage."""
    assert talked(ledger, b"PUT " + API, headers, body, leave=True) == b""
    assert ledger.get("Contacts")["Contacts"] == []


def test_an_address_may_name_the_host(ledger):
    """As proxies ask: GET http://host/path."""
    assert status(talked(ledger, b"GET http://localhost" + API)) == 200


@pytest.mark.parametrize(
    "uri",
    [
        "http://localhost:1/a\r\nSet-Cookie: x=y",
        "http://loc\nalhost:1/",
        "http://localhost:1\\@evil.example/",
        "http://localhost@evil.example/",
        "http://evil@localhost:1/",
        "http://localhost:1/#",
        "http://localhost.evil.example/",
        "http://localhost:1/ x",
        "https://localhost:1/",
        "javascript:alert(1)",
        "//localhost:1/",
    ],
)
def test_nobody_is_sent_to_an_odd_address(sandbox, uri):
    """A redirect_uri that a browser might read otherwise than we do is refused on a page, not redirected to."""
    query = {"response_type": "code", "client_id": sandbox.ready["client_id"], "redirect_uri": uri, "scope": "openid"}
    reply = sandbox.request("GET", "/identity/connect/authorize?" + urlencode(query))
    assert (reply.status, reply.headers.get("Location")) == (400, None)


def test_ten_thousand_elements_are_one_request(ledger):
    """And so are three and a half megabytes: every element is answered, in order."""
    names = [f"Contact number {n} {'x' * 200}" for n in range(10_000)]
    body = json.dumps({"Contacts": [{"Name": name, "FirstName": "y" * 100} for name in names]}).encode()
    assert len(body) > 3_500_000
    reply = ledger.call("PUT", "Contacts", body)
    assert reply.status == 200
    assert names == [contact["Name"] for contact in reply.json["Contacts"]]


@pytest.mark.parametrize("path", ["organisations/!xxxxx/disconnect", "webhooks/intent"])
@pytest.mark.parametrize(
    "kind", ["multipart/form-data; boundary=x", "application/json", "application/x-www-form-urlencoded"]
)
def test_a_body_that_is_no_form_presses_no_button(sandbox, path, kind):
    """Whatever it says it is: there is no such organisation, app or webhook."""
    for body in (b"", b"\xff=\xff", b"client_id=%00", b"&" * 5_000):
        assert sandbox.request("POST", f"/{path}", body, {"Content-Type": kind}).status == 404


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "reset"), ("POST", "clock"), ("DELETE", "faults"), ("DELETE", "webhooks")]
)
def test_another_sites_page_moves_no_control(ledger, method, path):
    """A browser says where a request comes from; a page that somebody looks at cannot reset their sandbox."""
    ledger.contact("Still here")
    for site in ("cross-site", "same-site"):
        reply = ledger.sandbox.request(method, f"/_sandbox/{path}", b"{}", {"Sec-Fetch-Site": site})
        assert reply.status == 403
    assert [row["Name"] for row in ledger.stored("Contacts")] == ["Still here"]
    assert ledger.sandbox.request("POST", "/_sandbox/clock", b"{}", {"Sec-Fetch-Site": "same-origin"}).status == 200
