"""/connect by hand: the checks of the command line, one use, one browser; forms of ours alone; and who may see it at all."""

import asyncio
import datetime
import json
import urllib.parse

import pytest

from counterfoil.app import consenting
from counterfoil.store import grants
from tests import sandbox_process
from tests.cli.office import Office
from tests.service.conftest import serving
from tests.service.visitor import Browser, ask, fields, path_of

TOKEN = "a-connect-token-of-the-tests-Yt5"


async def xeros_answer(sandbox, url):
    """Xero's page consents at once; → where it sends the browser."""
    reply = await asyncio.to_thread(sandbox.request, "GET", path_of(url))
    assert reply.status in (302, 303)
    return reply.headers["Location"]


async def usable(books):
    """How many living consents there are."""
    return len(await books.database.read(lambda conn: grants.usable(conn, books.settings.xero.client_id)))


async def test_from_the_page_to_connected_and_bound(office, sandbox):
    """The button leads to Xero with state, nonce and PKCE; the answer is stored, bound when asked, audited, and told."""
    async with serving(office) as (books, door):
        browser = Browser(door.port)
        page = await browser.open("/connect?entity=acme-uk")
        assert (page.status, "Fernhill Trading Ltd" in page.text, "Wattle" in page.text) == (200, True, False)
        to_xero = await browser.send("/connect", fields(page))
        asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(to_xero.headers["location"]).query))
        assert (to_xero.status, asked["code_challenge_method"]) == (303, "S256")
        assert all(len(asked[name]) > 30 for name in ("state", "nonce", "code_challenge"))
        assert asked["redirect_uri"] == f"http://localhost:{door.port}/oauth/callback"
        back = await xeros_answer(sandbox, to_xero.headers["location"])
        answer = await browser.open(path_of(back))
        assert (answer.status, answer.headers["location"]) == (303, "/connected")  # the code leaves the address
        done = await browser.open("/connected")
        assert (done.status, "It is bound to <strong>Fernhill" in done.text) == (200, True)
        binding = await books.binding("acme-uk")
        assert binding.fingerprint.name == "Fernhill Trading Ltd"
        acts = await books.database.read(lambda conn: conn.exec_driver_sql("SELECT entity, act FROM audit").all())
        assert {("", "consented"), ("acme-uk", "bound")} <= {tuple(one) for one in acts}


async def test_an_answer_is_used_once(office, sandbox):
    """The same again, by the same browser, is nobody's; what was stored stays."""
    async with serving(office) as (books, door):
        browser = Browser(door.port)
        back = path_of(await xeros_answer(sandbox, (await browser.begin()).headers["location"]))
        assert (await browser.open(back)).status == 303
        again = await browser.open(back)
        assert (again.status, "another attempt" in again.text, await usable(books)) == (400, True, 1)


async def test_another_browser_cannot_bring_the_answer(office, sandbox):
    """A stranger's answer, put before somebody, connects nothing; the one who asked still can."""
    async with serving(office) as (books, door):
        browser, other, bare = Browser(door.port), Browser(door.port), Browser(door.port)
        back = path_of(await xeros_answer(sandbox, (await browser.begin()).headers["location"]))
        await other.open("/connect")
        for one in (other, bare):
            assert ((await one.open(back)).status, await usable(books)) == (400, 0)
        assert (await browser.open(back)).status == 303


async def failed(books):
    """Why consents came to nothing, as the audit log has it."""
    rows = await books.database.read(
        lambda conn: (
            conn.exec_driver_sql("SELECT data FROM audit WHERE act = 'consent failed' ORDER BY seq").scalars().all()
        )
    )
    return [json.loads(one)["why"] for one in rows]


async def test_a_question_that_nobody_answers_is_on_record(office, monkeypatch):
    """When its time is over; one that is left by a service which stopped, when another question is asked after that."""
    async with serving(office) as (books, door):
        consents = consenting.Consents(books, "http://localhost/oauth/callback")
        monkeypatch.setattr(consenting, "PENDING", datetime.timedelta(0))
        await consents.begin("somebody")
        await asyncio.gather(*consents._waiting)
        assert await failed(books) == ["unanswered"]
        await consents.begin("somebody")
        await consents.end()
        assert await failed(books) == ["unanswered"]
        await consents.begin("somebody")
        assert await failed(books) == ["unanswered", "unanswered"]
        await consents.end()
        lost = await Browser(door.port).open("/oauth/callback?state=of-before&code=1")
        assert "its answer came too late" in lost.text


async def test_a_restart_in_the_middle_of_a_consent_costs_nothing(office, sandbox):
    """The next service takes the answer, once and from the same browser; nothing that was asked can be read in the database."""
    async with serving(office) as (_books, door):
        browser = Browser(door.port)
        to_xero = (await browser.begin()).headers["location"]
        back = await xeros_answer(sandbox, to_xero)
    state = urllib.parse.parse_qs(urllib.parse.urlsplit(to_xero).query)["state"][0]
    assert not any(state.encode() in file.read_bytes() for file in office.folder.glob("counterfoil.db*"))
    async with serving(office) as (books, door):
        stranger, query = Browser(door.port), urllib.parse.urlsplit(back).query
        assert (await stranger.open(f"/oauth/callback?{query}")).status == 400
        browser.port = door.port
        answer = await browser.open(f"/oauth/callback?{query}")
        assert (answer.status, answer.headers["location"], await usable(books)) == (303, "/connected", 1)
        assert (await browser.open(f"/oauth/callback?{query}")).status == 400


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"state": "another"}, "another attempt"),
        ({"state": ""}, "another attempt"),
        ({"iss": "https://evil.example"}, "another server"),
        ({"error": "access_denied"}, "was cancelled"),
        ({"error": "<script>alert(1)</script>"}, "&lt;script&gt;"),
        ({"code": ""}, "holds no code"),
        ({"code": "nonsense"}, "no longer accepts"),
    ],
)
async def test_answers_that_are_refused(office, sandbox, change, words):
    """The command line's own refusals, on a page that offers to begin again; nothing is stored."""
    async with serving(office) as (books, door):
        browser = Browser(door.port)
        back = urllib.parse.urlsplit(await xeros_answer(sandbox, (await browser.begin()).headers["location"]))
        query = dict(urllib.parse.parse_qsl(back.query)) | change
        page = await browser.open(f"{back.path}?{urllib.parse.urlencode({k: v for k, v in query.items() if v})}")
        assert (page.status, words in page.text, await usable(books)) == (400, True, 0)
        assert "<script" not in page.text
        if "iss" not in change and "nonsense" not in change.values() and "error" not in change:
            assert 'href="/connect"' in page.text


async def test_an_answer_that_comes_too_late_is_refused(office, sandbox, monkeypatch):
    """A question lives for a quarter of an hour."""
    monkeypatch.setattr(consenting, "PENDING", datetime.timedelta(0))
    async with serving(office) as (books, door):
        browser = Browser(door.port)
        back = path_of(await xeros_answer(sandbox, (await browser.begin()).headers["location"]))
        page = await browser.open(back)
        assert (page.status, "too late" in page.text, await usable(books)) == (400, True, 0)


async def test_open_questions_are_few(office, monkeypatch):
    """The oldest is forgotten for another."""
    monkeypatch.setattr(consenting, "PENDING_MAX", 2)
    async with serving(office) as (books, _door):
        consents = consenting.Consents(books, "http://localhost:1/oauth/callback")
        for _ in range(4):
            await consents.begin("a browser")
        left = await books.database.read(lambda conn: conn.exec_driver_sql("SELECT count(*) FROM questions").scalar())
        assert (left, await failed(books)) == (2, ["overtaken"] * 2)
        await consents.end()


async def test_forms_of_others_are_refused(office):
    """Without the key of the form, with another browser's, from another origin, from another site, in another encoding."""
    async with serving(office) as (_books, door):
        browser, other = Browser(door.port), Browser(door.port)
        good, foreign = fields(await browser.open("/connect")), fields(await other.open("/connect"))
        attempts = [
            await browser.send("/connect", {}),
            await browser.send("/connect", foreign),
            await browser.send("/connect", good, Origin="https://evil.example"),
            await browser.send("/connect", good, Origin="null"),
            await browser.send("/connect", good, Sec_Fetch_Site="cross-site"),
            await browser.ask("POST", "/connect", json.dumps(good).encode(), Content_Type="application/json"),
            await Browser(door.port).send("/connect", good),
        ]
        assert {one.status for one in attempts} == {400}
        assert (await browser.send("/connect", good)).status == 303


async def test_an_entity_that_is_not_configured(office):
    """Is told with the nearest one, before anybody is asked."""
    async with serving(office) as (_books, door):
        page = await Browser(door.port).open("/connect?entity=acme-ukk")
    assert (page.status, "acme-uk" in page.text) == (400, True)


async def test_what_is_lost_or_lacks_a_scope_is_said(firm):
    """Per entity: the consent that ended, and the flow whose scope is missing with what for."""
    async with serving(firm) as (books, door):
        browser = Browser(door.port)
        assert "Everything is connected" in (await browser.open("/connect")).text
        await books.database.run(
            lambda conn: conn.exec_driver_sql("UPDATE grants SET scopes = replace(scopes, 'accounting.payments', '')")
        )
        lacks = (await browser.open("/connect")).text
        assert ("Lacks a scope" in lacks, "lacks accounting.payments" in lacks, "flow shop" in lacks) == (
            True,
            True,
            True,
        )
        await books.database.run(lambda conn: conn.exec_driver_sql("UPDATE grants SET lost = 'gone'"))
        assert "Consent lost" in (await browser.open("/connect")).text


async def test_a_copy_whose_scope_is_missing_is_said(firm):
    """`status` sent people to a page that said that everything was connected."""
    config = firm.folder / "counterfoil.toml"
    config.write_text(config.read_text() + '[mirror]\nresources = ["BankTransactions"]\n')
    async with serving(firm) as (_books, door):
        page = (await Browser(door.port).open("/connect")).text
    assert ("Everything is connected" in page, "Lacks a scope" in page) == (False, True)
    assert "does not cover BankTransactions" in page


async def test_consenting_again_mends_what_was_lost(firm, sandbox):
    """The same grant lives again, its entities go on with it, and the notice is over."""
    async with serving(firm) as (books, door):
        await books.database.run(lambda conn: conn.exec_driver_sql("UPDATE grants SET lost = 'gone'"))
        assert (await ask(door.port, path="/readyz")).status == 503
        browser = Browser(door.port)
        back = path_of(await xeros_answer(sandbox, (await browser.begin()).headers["location"]))
        assert (await browser.open(back)).status == 303
        assert "Nothing is missing" in (await browser.open("/connected")).text


async def test_one_organisation_at_a_time(tmp_path):
    """Below the Advanced tier the page says which one to choose, and after it which comes next."""
    with sandbox_process.start("--auto-consent", "--no-limits", "--one-per-consent") as sandbox:
        office = Office(tmp_path, sandbox)
        office.write()
        office.key()
        async with serving(office) as (_books, door):
            browser = Browser(door.port)
            first = await browser.open("/connect")
            assert "Begin with <strong>Fernhill Trading Ltd</strong>" in first.text
            to_xero = await browser.send("/connect", fields(first))
            await browser.open(path_of(await xeros_answer(sandbox, to_xero.headers["location"])))
            done = await browser.open("/connected")
            assert ("Still to be connected: <strong>Wattle" in done.text, 'href="/connect"' in done.text) == (
                True,
                True,
            )


async def test_a_redirect_that_leads_elsewhere_is_said(office):
    """No button that could not be answered; what to write instead."""
    config = office.folder / "counterfoil.toml"
    config.write_text(config.read_text().replace("localhost:0/oauth", "localhost:9/oauth"))
    async with serving(office) as (_books, door):
        page = await Browser(door.port).open("/connect")
        assert ("<button" in page.text, "does not lead here" in page.text) == (False, True)
        assert (await ask(door.port, path="/oauth/callback?code=c&state=s")).status == 404


async def test_the_page_moves_to_the_name_that_xero_sends_to(office):
    """A cookie belongs to one name: 127.0.0.1 is not localhost."""
    async with serving(office) as (_books, door):
        moved = await ask(door.port, path="/connect?entity=acme-uk", Host=f"127.0.0.1:{door.port}")
    assert moved.headers["location"] == f"http://localhost:{door.port}/connect?entity=acme-uk"


@pytest.mark.parametrize("how", ["listens to all", "has a public address", "is behind a proxy"])
async def test_whom_others_can_reach_shows_nothing_without_a_token(office, how):
    """The page says what to set; neither organisation nor entity is on it, and no form is taken."""
    config = office.folder / "counterfoil.toml"
    if how == "has a public address":
        config.write_text(config.read_text() + '[service]\npublic_url = "https://books.example"\n')
    forwarded = {"X_Forwarded_For": "203.0.113.9"} if how == "is behind a proxy" else {}
    async with serving(office, host="0.0.0.0" if how == "listens to all" else "127.0.0.1") as (_books, door):
        browser = Browser(door.port, **forwarded)
        for path in ("/connect", "/connect?token=guess"):
            page = await browser.open(path)
            assert (page.status, "connect_token" in page.text) == (403, True)
            assert not any(word in page.text for word in ("Fernhill", "acme-uk", "<form"))
        assert (await browser.send("/connect", {"key": "x"})).status == 403


async def test_the_token_opens_the_page_once_and_is_kept_as_a_cookie(office, caplog):
    """The address loses it at once, the cookie is not the token, a wrong one is told; and no log has it."""
    config = office.folder / "counterfoil.toml"
    config.write_text(config.read_text() + f'[service]\nconnect_token = "{TOKEN}"\n')
    async with serving(office, host="0.0.0.0") as (_books, door):
        browser = Browser(door.port)
        assert (await browser.open("/connect")).status == 403
        assert "not the right one" in (await browser.open(f"/connect?token={TOKEN}x")).text
        moved = await browser.open(f"/connect?entity=acme-uk&token={TOKEN}")
        assert (moved.status, moved.headers["location"]) == (303, "/connect?entity=acme-uk")
        assert "HttpOnly" in moved.headers["set-cookie"]
        assert TOKEN not in moved.headers["set-cookie"]
        assert (await browser.open("/connect?entity=acme-uk")).status == 200
        assert (await browser.begin()).status == 303
    assert TOKEN not in caplog.text


async def test_a_short_token_is_a_mistake_in_the_configuration(office):
    """It could be guessed."""
    config = office.folder / "counterfoil.toml"
    config.write_text(config.read_text() + '[service]\nconnect_token = "kurz"\n')
    ended = office.process("config", "check", "--json")
    assert (ended.code, "connect_token" in ended.out, "kurz" in ended.out) == (2, True, False)
