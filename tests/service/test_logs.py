"""Logs: one form for our lines and the libraries', the run that they belong to, and no secret in any of them."""

import base64
import io
import json
import logging
import urllib.parse

import pytest

from counterfoil import open_books, settings
from counterfoil.service import logs
from counterfoil.service.redaction import Redactor
from tests.cli.office import sale
from tests.leaks import known
from tests.service.conftest import serving
from tests.service.visitor import ask

SECRETS = {
    "client_secret": "client-secret-canary-Ty61",
    "connect_token": "connect-token-canary-Gh29aa",
    "heartbeat": "https://hc.example/ping/heartbeat-canary-Qq77",
    "hook": "https://hooks.example/url-token-canary-Kk72",
    "hook_key": base64.b64encode(b"canary-of-the-hooks-signing-key!").decode(),
    "smtp": "smtp-pass-canary-Zq81",
    "feed": "https://feeds.example/feed-token-canary-Jj55",
    "feed_key": "whsec_" + base64.b64encode(b"canary-of-a-feed's-signing-key!!").decode(),
    "feed_older_key": "whsec_" + base64.b64encode(b"canary-of-a-feed's-older-key-!!!").decode(),
    "feed_database": "database-pass-canary-Ww38",
}


@pytest.fixture
def loaded(office):
    """A configuration with a secret of every kind."""
    config = office.folder / "counterfoil.toml"
    config.write_text(
        config.read_text().replace("[xero]", f'[xero]\nclient_secret = "{SECRETS["client_secret"]}"', 1)
        + f'[service]\nconnect_token = "{SECRETS["connect_token"]}"\nheartbeat_url = "{SECRETS["heartbeat"]}"\n'
        f'[[notify]]\nwhen = ["any"]\nto = {{ webhook = "{SECRETS["hook"]}", secret = "{SECRETS["hook_key"]}" }}\n'
        f'[[notify]]\nwhen = ["any"]\nto = {{ email = "a@b.example", from = "c@d.example", smtp = "localhost:25", '
        f'user = "u", password = "{SECRETS["smtp"]}", security = "none" }}\n'
        f'[feeds.paid]\non = "invoice.paid"\n'
        f'to = {{ webhook = "{SECRETS["feed"]}", secret = ["{SECRETS["feed_key"]}", "{SECRETS["feed_older_key"]}"] }}\n'
        f'[feeds.kept]\non = "invoice.*"\nmap = {{ id = "{{id}}" }}\n'
        f'to = {{ sql = "postgresql://u:{SECRETS["feed_database"]}@localhost/shop", table = "t", key = "id" }}\n'
    )
    return settings.load(config)


def lines(loaded, work, **changes):
    """What `work` logs, line by line."""
    out = io.StringIO()
    with logs.kept(loaded, out):
        work()
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_line_has_its_facts_as_fields(loaded):
    """Ours and a library's alike: when, how bad, who, what; and whatever stands beside."""

    def work():
        logging.getLogger("counterfoil.x").info("posted", extra={"entity": "acme-uk", "count": 3})
        logging.getLogger("procrastinate.worker").warning("odd %s", "thing")

    ours, theirs = lines(loaded, work)
    assert (ours["event"], ours["level"], ours["logger"], ours["entity"], ours["count"]) == (
        "posted",
        "info",
        "counterfoil.x",
        "acme-uk",
        3,
    )
    assert ours["at"].endswith("Z")
    assert (theirs["event"], theirs["level"], theirs["logger"]) == ("odd thing", "warning", "procrastinate.worker")


def test_libraries_talk_only_when_something_is_wrong(loaded):
    """And nobody's DEBUG is heard."""

    def work():
        logging.getLogger("procrastinate").info("started")
        logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
        logging.getLogger("aiohttp.client").debug("x")
        logging.getLogger("counterfoil").debug("x")

    assert lines(loaded, work) == []


def test_no_known_secret_is_written_in_any_form(loaded):
    """In messages, arguments, fields, exceptions, nested values: as it is, in base64, in hexadecimal, as in a URL."""
    log = logging.getLogger("counterfoil.y")

    def work():
        for secret in SECRETS.values():
            log.warning("as it is: %s", secret)
            log.warning("in a field", extra={"said": {"deep": [secret, secret.encode()]}})
            log.warning(
                "hex %s b64 %s url %s",
                secret.encode().hex(),
                base64.b64encode(secret.encode()).decode(),
                urllib.parse.quote(secret, safe=""),
            )
            try:
                raise ValueError(f"it was {secret}")
            except ValueError:
                log.exception("failed")

    text = json.dumps(lines(loaded, work))
    for secret in SECRETS.values():
        for form in known.forms(secret.encode()):
            assert form.decode() not in text
    assert text.count("ValueError") >= len(SECRETS)


def test_an_api_key_is_told_by_its_prefix():
    """Whatever its secret is made of, and nothing of that."""
    assert Redactor([]).text(f"key=x cf_abcd2345_{'q' * 52}, again") == "key=x cf_abcd2345_…, again"


@pytest.mark.parametrize(
    "text",
    [
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJlLXZhbHVl",
        "Authorization: Bearer abcdef.123456",
        "GET /oauth/callback?code=abc-def-123&state=xyz-987",
        "postgresql://user:pass-word@host/db",
        "x3Kf9a7Qw2Lm8Rt5Yb1Vc6Zp4Nd0Hs_jG-uE7oI2kT3",
    ],
)
def test_tokens_are_known_by_their_form(text):
    """Those that nobody told us of."""
    said = Redactor([]).text(f"before {text} after")
    assert said.startswith("before")
    for part in ("eyJzdWIi", "abcdef.123456", "abc-def-123", "xyz-987", "pass-word", "x3Kf9a7Q"):
        assert part not in said


def test_secretive_fields_are_hidden_by_their_name():
    """Whatever stands in them."""
    told = Redactor([]).line(
        {
            "access_token": "a",
            "Set-Cookie": "b",
            "password": "c",
            "codes": "d",
            "entity": "acme",
            "count": 2,
            "cause": "e",
        }
    )
    assert told == {
        "access_token": "…",
        "Set-Cookie": "…",
        "password": "…",
        "codes": "…",
        "entity": "acme",
        "count": 2,
        "cause": "e",
    }


def test_ids_that_people_look_for_stay():
    """A document's id, a marker, a correlation id, a flow's key."""
    for text in (
        "3fa85f64-5717-4562-b3fc-2c963f66afa6",
        "k7dh2m4qaxyz2345",
        "acme-uk",
        "SHOP-1001",
        "2026-11-22T20:00:00Z",
    ):
        assert Redactor(["another-secret"]).text(text) == text


def test_text_on_a_terminal_json_elsewhere(loaded, office):
    """Unless the configuration says otherwise."""

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    out = Terminal()
    with logs.kept(loaded, out):
        logging.getLogger("counterfoil").info("hello", extra={"entity": "acme-uk"})
    assert ("hello" in out.getvalue(), out.getvalue().startswith("{"), "acme-uk" in out.getvalue()) == (
        True,
        False,
        True,
    )


def test_afterwards_all_is_as_before(loaded):
    """Handlers and levels."""
    root = logging.getLogger()
    before = list(root.handlers), root.level, logging.getLogger("uvicorn").level
    lines(loaded, lambda: None)
    assert before == (list(root.handlers), root.level, logging.getLogger("uvicorn").level)


def test_a_line_that_cannot_be_written_as_text_is_written_all_the_same(loaded):
    """What breaks when asked for its text is named by its kind."""

    class Broken:
        def __str__(self):
            raise RuntimeError

    assert (
        lines(loaded, lambda: logging.getLogger("counterfoil").info("x", extra={"what": Broken()}))[0]["what"]
        == "Broken"
    )


async def test_lines_of_a_run_say_which_run(firm, capsys):
    """From its beginning to its end, with its flow and what came of it."""
    firm.records(sale(1))
    async with serving(firm) as (books, _door):
        report = await books.run("shop")
    said = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    runs = [one for one in said if one["logger"] == "counterfoil.runs"]
    assert [(one["event"], one["run"], one["flow"]) for one in runs] == [
        ("run began", report.run, "shop"),
        ("run ended", report.run, "shop"),
    ]
    assert runs[-1]["posted"] == 1
    assert "Customer 1" not in json.dumps(said)


async def test_a_refused_request_is_logged_without_its_query(office, capsys):
    """The query may hold a code or a token."""
    async with serving(office) as (_books, door):
        await ask(door.port, path="/oauth/callback?code=the-code-canary&state=the-state-canary")
    said = capsys.readouterr().err
    assert ("no-consent" in said, "canary" in said) == (True, False)


async def test_commands_log_nothing(firm, capsys):
    """Who types a command hears what the command says."""
    firm.records(sale(1))
    async with open_books(firm.folder / "counterfoil.toml") as books:
        await books.run("shop")
    assert capsys.readouterr().err == ""


def test_where_a_library_fell_is_not_logged_and_what_it_was_is(loaded):
    """A server that ended its connection: a line without a traceback; a mistake of ours keeps its own."""

    def work():
        for name in ("procrastinate.utils", "counterfoil.service"):
            try:
                raise ConnectionError("the server closed the connection\nunexpectedly")
            except ConnectionError:
                logging.getLogger(name).exception("it failed")

    theirs, ours = lines(loaded, work)
    assert theirs["cause"] == "ConnectionError: the server closed the connection"
    assert "Traceback" not in json.dumps(theirs)
    assert "Traceback" in ours["exception"]


def test_a_task_of_a_library_s_that_failed_unheard_is_one_line(loaded):
    """The event loop tells of it, with a traceback and its place in the library; of a task of ours it stays whole."""
    from procrastinate.exceptions import ConnectorException

    def work():
        for kind in (ConnectorException, RuntimeError):
            try:
                raise kind("the server closed the connection")
            except kind as error:
                told = (kind, error, error.__traceback__)
                logging.getLogger("asyncio").exception(
                    "Task exception was never retrieved\nfuture: <Task>", exc_info=told
                )

    theirs, ours = lines(loaded, work)
    assert (theirs["event"], "Traceback" in json.dumps(theirs)) == ("Task exception was never retrieved", False)
    assert theirs["cause"].startswith("ConnectorException")
    assert "Traceback" in ours["exception"]
