"""`webhooks check` plays Xero's intent to receive, and says of every wrong answer what it is and what to do."""

import asyncio
import contextlib
import http.server
import json
import threading

import pytest

from counterfoil import open_books, service
from counterfoil.app import webhook_check
from tests.cli.office import Office
from tests.service.conftest import health
from tests.webhook_receiver import Receiver, signature
from tests.webhooks.sender import KEY


@pytest.fixture
def office(tmp_path):
    made = Office(tmp_path)
    made.write()
    made.key()
    path = tmp_path / "counterfoil.toml"
    path.write_text(path.read_text().replace("[xero]\n", f'[xero]\nwebhook_keys = ["{KEY}"]\n'))
    return made


@pytest.fixture
def receiver():
    """Somebody else's address, which answers as it is told."""
    made = Receiver(KEY)
    yield made
    made.close()


def checked(office, url):
    ended = office("webhooks", "check", url, "--json")
    return ended.code, ended.value


def problems(office, receiver, path="/hooks"):
    code, value = checked(office, receiver.url.removesuffix("/hooks") + path)
    assert code == (0 if value["ok"] else 1)
    return {one["check"]: one["problem"] for one in value["checks"] if one["problem"]}


async def test_our_own_door_passes(office):
    """With every key, rightly and wrongly signed, and with bytes that no program would write again so."""
    path = office.folder / "counterfoil.toml"
    path.write_text(path.read_text().replace(f'["{KEY}"]', f'["{KEY}", "another-key"]'))
    async with (
        open_books(path) as books,
        service.open_door(books, host="127.0.0.1", port=0, health=health) as door,
    ):
        one = await webhook_check.check(books, f"{door.url}/webhooks/xero")
        ended = await asyncio.to_thread(office.process, "webhooks", "check", f"{door.url}/webhooks/xero")
    assert (one.ok, one.hints) == (True, ())
    assert [(each.check, each.status) for each in one.checks] == [
        ("signed with key 1 of 2", 200), ("signed with key 2 of 2", 200), ("signed wrongly", 401), ("bytes", 200),
    ]  # fmt: skip
    assert (ended.code, ended.out.count(" ok\n"), "NOT OK" in ended.out) == (0, 4, False)


def test_the_address_that_is_checked_is_the_public_one(office):
    """Nobody listens there: exit 1, and what to do."""
    ended = office("webhooks", "check", "--json")
    assert (ended.code, ended.value["url"]) == (1, "http://localhost:8321/webhooks/xero")


def test_a_cookie_and_a_body_and_another_refusal(office, receiver):
    """Each is what Xero's portal would complain of."""
    receiver.headers = {"Set-Cookie": "proxy=1"}
    assert "cookie" in problems(office, receiver)["signed"]
    receiver.headers, receiver.body = {}, b"{}"
    assert "body" in problems(office, receiver)["signed"]
    receiver.body, receiver.answer_bad = b"", 400
    assert problems(office, receiver) == {"signed wrongly": "it answers 400 instead of 401, and Xero wants exactly 401"}
    receiver.answer_bad = 200
    assert "signed by nobody" in problems(office, receiver)["signed wrongly"]


def test_a_redirect_is_not_followed(office, receiver):
    """Xero follows none."""
    receiver.headers, receiver.answer, receiver.answer_bad = {"Location": "https://example.com/"}, 308, 401
    assert "308" in problems(office, receiver)["signed"]


def test_another_key_and_a_server_error(office, receiver):
    """What the running service knows is not what the configuration says; or nothing runs behind the proxy."""
    receiver.key = "an older key"
    assert "another key" in problems(office, receiver)["signed"]
    receiver.key, receiver.answer = KEY, 502
    assert "502" in problems(office, receiver)["signed"]
    receiver.answer = 404
    assert problems(office, receiver) == {"signed": "it answers 404 instead of 200"}


@contextlib.contextmanager
def proxy(change):
    """Reads JSON and writes it again before it looks at the signature."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = change(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200 if signature(KEY, body) == self.headers["x-xero-signature"] else 401)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            """Be quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/webhooks/xero"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    "change",
    [lambda body: body.rstrip(), lambda body: body.replace(b"\r\n", b"\n"), lambda body: body.replace(b"\\u00e9", "é".encode())],
    ids=["trims", "line ends", "escapes"],
)  # fmt: skip
def test_a_proxy_that_changes_the_body_is_found_out(office, change):
    """Also one that leaves Xero's plainest bytes alone."""
    with proxy(change) as url:
        code, value = checked(office, url)
    found = {one["check"]: one["problem"] for one in value["checks"] if one["problem"]}
    assert (code, list(found), "changed on its way" in found["bytes"]) == (1, ["bytes"], True)


def test_a_proxy_that_writes_json_anew_is_found_out(office):
    """Every signature is wrong then."""
    with proxy(lambda body: json.dumps(json.loads(body)).encode()) as url:
        code, value = checked(office, url)
    assert (code, "changed on its way" in value["checks"][0]["problem"]) == (1, True)


def test_without_a_key_or_an_address_there_is_nothing_to_play(office, tmp_path):
    """Usage, with what to do."""
    assert office("webhooks", "check", "books.example.com", "--json").code == 2
    assert office("webhooks", "check", "http://[", "--json").code == 2
    path = office.folder / "counterfoil.toml"
    path.write_text(path.read_text().replace(f'webhook_keys = ["{KEY}"]\n', ""))
    ended = office("webhooks", "check", "--json")
    assert (ended.code, "webhook_keys" in ended.value["error"]["message"]) == (2, True)


def test_what_xero_itself_minds_is_said(office):
    """For Xero itself: https and port 443."""
    path = office.folder / "counterfoil.toml"
    path.write_text(path.read_text().replace('api_url = "http://127.0.0.1:9"', 'api_url = "https://api.xero.com"'))
    _code, value = checked(office, "http://127.0.0.1:9/elsewhere")
    assert ["/webhooks/xero" in value["hints"][0], "443" in value["hints"][1]] == [True, True]
