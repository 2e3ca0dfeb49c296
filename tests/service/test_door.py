"""The door itself: it opens on a free port, says whether it lives and is ready, refuses strangers, and closes in time."""

import datetime
import socket
import subprocess
import sys

import pytest

from counterfoil import errors, open_books, service
from tests.service.conftest import health, serving
from tests.service.visitor import ask, raw


async def test_it_lives_and_says_which_installation_it_is(office):
    """/healthz needs neither the database nor a runtime, and names the installation by a word that means nothing else."""
    async with serving(office, state=lambda: None) as (_books, door):
        answer = await ask(door.port, path="/healthz")
    assert (answer.status, answer.json["alive"], len(answer.json["installation"])) == (200, True, 16)


async def test_every_answer_carries_the_headers_of_caution(office):
    """Pages, JSON and refusals alike; and nobody is told which server this is."""
    async with serving(office) as (_books, door):
        for path in ("/healthz", "/connect", "/nowhere", "/style.css"):
            answer = await ask(door.port, path=path, Accept="text/html")
            assert "server" not in answer.headers
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["x-frame-options"] == "DENY"
            assert answer.headers["referrer-policy"] == "same-origin"
            assert "default-src 'none'" in answer.headers["content-security-policy"]
            assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


async def test_a_connected_and_working_service_is_ready(firm):
    """Database, key, consents and sweeps are as they should be."""
    async with serving(firm) as (_books, door):
        answer = await ask(door.port, path="/readyz")
    assert (answer.status, answer.json) == (200, {"ready": True, "reasons": []})


async def reasons(office, state=health):
    """The codes of /readyz, with what they are about."""
    async with serving(office, state=state) as (_books, door):
        answer = await ask(door.port, path="/readyz")
    assert answer.status == (503 if answer.json["reasons"] else 200)
    return [(one["code"], one["about"]) for one in answer.json["reasons"]]


async def test_a_runtime_that_does_not_work_is_a_reason(office):
    """There is none yet, it is ending, or it has not looked for work for minutes."""
    old = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=4)
    assert await reasons(office, lambda: None) == [("runtime", None)]
    assert await reasons(office, lambda: health(ready=False)) == [("runtime", None)]
    assert await reasons(office, lambda: health(sweeps={"finish": old})) == [("sweep", "finish")]


async def test_a_missing_key_is_a_reason(office):
    """Nothing could be refreshed or posted."""
    (office.folder / "counterfoil.key").unlink()
    assert ("key", None) in await reasons(office)


async def test_a_lost_consent_is_a_reason_for_its_entities_alone(firm):
    """By the user's own key; the organisation's name is not told."""
    async with serving(firm) as (books, door):
        await books.database.run(lambda conn: conn.exec_driver_sql("UPDATE grants SET lost = 'gone'"))
        answer = await ask(door.port, path="/readyz")
    assert [one["about"] for one in answer.json["reasons"]] == ["acme-au", "acme-uk"]
    assert "Fernhill" not in answer.text


async def test_a_taken_port_is_told_with_what_to_change(office):
    """A usage error that names the port and the key of the configuration."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        async with open_books(office.folder / "counterfoil.toml") as books:
            with pytest.raises(errors.PortTaken, match=str(port)) as caught:
                async with service.open_door(books, host="127.0.0.1", port=port, health=health):
                    pass
    assert (caught.value.exit_code, "[service] listen" in caught.value.remedy) == (2, True)


async def test_two_doors_take_no_port_from_each_other(office):
    """A second service on the same port is told so at once, though both allow addresses to be used again."""
    async with serving(office) as (books, door):
        with pytest.raises(errors.PortTaken):
            async with service.open_door(books, host="127.0.0.1", port=door.port, health=health):
                pass
        assert (await ask(door.port, path="/healthz")).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "xn--lcalhost-c3a",
        "",
        "169.254.1.1",
        "a" * 300,
    ],
)
async def test_a_strangers_name_is_refused(office, host):
    """Whoever has their own name lead to this machine gets nothing, on any path."""
    async with serving(office) as (_books, door):
        for path in ("/healthz", "/connect", "/metrics"):
            answer = await ask(door.port, path=path, Host=host and f"{host}:{door.port}")
            assert answer.status in (400, 421)  # without a name it is no HTTP at all
            assert "Connect to Xero" not in answer.text


async def test_two_host_headers_are_refused(office):
    """Who sends two means to deceive somebody."""
    async with serving(office) as (_books, door):
        answer = await raw(door.port, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n")
    assert answer.status in (400, 421)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:9", "[::1]:80", "books.example", "metrics"])
async def test_its_own_names_are_taken(office, host):
    """Loopback names, that of public_url, and those of [service] hosts, whatever the port."""
    text = (office.folder / "counterfoil.toml").read_text()
    more = '[service]\npublic_url = "https://books.example/x"\nhosts = ["metrics"]\n'
    (office.folder / "counterfoil.toml").write_text(text + more)
    async with serving(office) as (_books, door):
        assert (await ask(door.port, path="/healthz", Host=host)).status == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("POST", "/healthz", 405),
        ("DELETE", "/connect", 405),
        ("TRACE", "/", 405),
        ("GET", "/p/%00", 404),
        ("GET", "/../etc/passwd", 404),
    ],
)
async def test_what_is_not_there_is_told_in_our_words(office, method, path, status):
    """As JSON for a program and as a page for a browser; no word of the framework's."""
    async with serving(office) as (_books, door):
        plain = await ask(door.port, method, path)
        page = await ask(door.port, method, path, Accept="text/html,*/*")
    assert (plain.status, page.status) == (status, status)
    assert set(plain.json["error"]) == {"code", "message", "remedy"}
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert not any(word in plain.text + page.text for word in ("Traceback", "litestar", "detail", "Method Not"))


async def test_head_is_get_without_a_body(office):
    """As probes of load balancers ask."""
    async with serving(office) as (_books, door):
        answer = await ask(door.port, "HEAD", "/healthz")
    assert (answer.status, answer.body) == (200, b"")


async def test_an_unforeseen_failure_is_told_in_our_words(office, monkeypatch):
    """500 without a trace of the code; the next request is answered."""
    from counterfoil.app import connecting

    async def broken(_books):
        raise RuntimeError("/secret/place")

    async with serving(office) as (_books, door):
        monkeypatch.setattr(connecting, "whose", broken)
        answer = await ask(door.port, path="/connect", Accept="text/html")
        assert (answer.status, "secret" in answer.text, "did not foresee" in answer.text) == (500, False, True)
        assert (await ask(door.port, path="/healthz")).status == 200


@pytest.mark.parametrize("module", ["counterfoil.app", "counterfoil.cli.run", "counterfoil.service"])
def test_nobody_else_waits_for_the_web_framework(module):
    """Neither the composition root, nor `run`, nor the service before its door opens, imports it."""
    code = f"import sys, {module}; print([one for one in ('litestar', 'uvicorn', 'prometheus_client') if one in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_where_to_listen_is_read_from_the_configuration():
    """Host and port, an IPv6 host without brackets."""
    assert [service.address(one) for one in ("127.0.0.1:8321", "[::1]:80", "0.0.0.0:1")] == [
        ("127.0.0.1", 8321),
        ("::1", 80),
        ("0.0.0.0", 1),
    ]
