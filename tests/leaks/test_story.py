"""A firm's whole story with secrets that are known: none of them is anywhere but where it belongs.

Looked through: everything that the commands wrote, their arguments and their children's, every file of the folder but those
that hold the secrets, and everything that was sent to the targets of [[notify]]; for each secret as it is, in base64, in
hexadecimal and as in a URL.
"""

import base64
import contextlib
import json
import re
import sqlite3
import subprocess
import threading
from pathlib import Path

import pytest

from counterfoil.cli import catalogue
from tests import sandbox_process
from tests.cli.office import ENTITIES, FLOW, POSTING, Office, sale
from tests.delivery.receivers import Hook, Post
from tests.leaks import known

WATCH_S = 0.02  # between two looks at the arguments of what runs
PERSON = {"external_id": "canary-7", "name": "Canary Person-Doe", "email": "canary.person@customers.example"}
PERSONAL = (b"Canary", b"canary", b"customers.example")
HOOK_KEY = base64.b64encode(b"canary-of-the-hooks-signing-key!").decode()
PASSWORDS = {
    "smtp": "smtp-pass-word-canary-Zq81",
    "hook-token": "url-token-canary-Kk72aa91",
    "wrong-secret": "wrong-client-secret-canary-Pp55",
    "database": "database-pass-word-canary-Vv63",
    "webhook": "xero-webhook-key-canary-Mm44==",
}
BAD_LINE = [{"description": "W", "quantity": 2, "unit_amount": "5.00", "account": "sales-old", "tax_type": "OUTPUT2"}]
PAGER = """\
#!/bin/sh
cat >> pager.jsonl
env >> pager.environment
tr '\\0' ' ' < /proc/$$/cmdline >> pager.arguments
tr '\\0' ' ' < /proc/$PPID/cmdline >> pager.arguments
"""


class Story:
    """An office whose every output and process is remembered."""

    def __init__(self, folder, sandbox):
        self.office = Office(folder, sandbox)
        self.folder, self.sandbox = folder, sandbox
        self.said, self.arguments = [], []

    def __call__(self, *words, env=None):
        """A command as a process of its own, watched while it runs; also in JSON what is told for people."""
        process = self.office.start(*words, env=env, cold=True)
        watch = threading.Thread(target=self.watch, args=(process,))
        watch.start()
        out, err = process.communicate(timeout=120)
        watch.join()
        self.said.append(f"{out}\n{err}")
        return process.returncode

    def here(self, *words):
        """The same in this process: quicker; → how it ended."""
        ended = self.office(*words)
        self.said.append(f"{ended.out}\n{ended.err}")
        return ended

    def watch(self, process):
        """Remember the arguments of a process and of its children for as long as it runs."""
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(WATCH_S)
                return
            for pid in self.family(process.pid):
                with contextlib.suppress(OSError):
                    self.arguments.append(Path(f"/proc/{pid}/cmdline").read_bytes())

    def family(self, pid):
        """A process and its children."""
        yield pid
        with contextlib.suppress(OSError):
            for thread in Path(f"/proc/{pid}/task").iterdir():
                yield from map(int, (thread / "children").read_text().split())

    def configure(self, hook, post):
        """Every secret in a file of its own, so that the configuration itself may be looked through."""
        secrets = self.folder / "secrets"
        secrets.mkdir(exist_ok=True)
        ready = self.sandbox.ready
        for name, text in {
            "client": ready["client_secret"], "hook.key": HOOK_KEY, "smtp": PASSWORDS["smtp"],
            "hook.url": hook.url.replace("T0KEN", PASSWORDS["hook-token"]), "webhook": PASSWORDS["webhook"],
        }.items():  # fmt: skip
            (secrets / name).write_text(text + "\n")
        url = self.sandbox.url
        notify = (
            '[[notify]]\nname = "hook"\nwhen = ["any"]\n'
            'to = { webhook_file = "secrets/hook.url", secret_file = "secrets/hook.key" }\n'
            f'[[notify]]\nname = "mail"\nwhen = ["any"]\nto = {{ email = "books@example.com", from = "us@sender.example", '
            f'smtp = "localhost:{post.port}", user = "us", password_file = "secrets/smtp" }}\n'
            '[[notify]]\nname = "pager"\nwhen = ["any"]\nto = { command = ["./pager.sh"] }\n'
        )
        (self.folder / "counterfoil.toml").write_text(
            f'[xero]\nclient_id = "{ready["client_id"]}"\nclient_secret_file = "secrets/client"\n'
            f'webhook_key_file = "secrets/webhook"\nredirect_uri = "http://localhost:0/oauth/callback"\n'
            f'login_url = "{url}"\nidentity_url = "{url}"\napi_url = "{url}"\ncalls_per_minute = 100000\n'
            f"{POSTING}{ENTITIES}{FLOW}{notify}"
        )
        (self.folder / "pager.sh").write_text(PAGER)
        (self.folder / "pager.sh").chmod(0o700)
        if not (self.folder / "counterfoil.key").exists():
            self.office.key()

    def secrets(self):
        """(name, bytes) of all that must not turn up."""
        for key in sorted(self.folder.glob("**/*.key")):
            text = key.read_bytes().strip()
            yield f"the text of {key.name}", text
            yield f"the bytes of {key.name}", base64.urlsafe_b64decode(text)
        yield "the client secret", self.sandbox.ready["client_secret"].encode()
        for name, text in PASSWORDS.items():
            yield name, text.encode()
        for token in sorted(known.tokens()):
            yield "a token", token
            if b"." in token:
                yield "a token's signature", token.rpartition(b".")[2]

    def places(self, hook, post):
        """(where, bytes) of all that was written, shown and sent."""
        yield from (("what a command said", text.encode()) for text in self.said)
        yield "arguments of processes", b"\n".join(set(self.arguments))
        yield from (("a webhook's message", body) for _headers, body in hook.got)
        yield from (("a letter", letter) for letter in post.letters)
        for path in sorted(self.folder.rglob("*")):
            if path.is_file() and "secrets" not in path.parts and path.suffix != ".key":
                yield from ((path.name, data) for data in known.contents(path))

    def leaks(self, hook, post):
        """Where a secret is that should not be there."""
        sought = [(name, form) for name, secret in self.secrets() for form in known.forms(secret)]
        return sorted(
            {f"{where}: {name}" for where, data in self.places(hook, post) for name, form in sought if form in data}
        )


@pytest.fixture
def hook():
    found = Hook()
    yield found
    found.close()


@pytest.fixture
def post(certificate, trusted):
    found = Post(certificate)
    yield found
    found.close()


def test_a_whole_story_leaks_nothing(tmp_path, hook, post):
    """Connect, bind, run with faults and problems, lost consent, keys, notices, doctor, audit, refusals of every kind."""
    with sandbox_process.start("--auto-consent", "--no-limits") as sandbox:
        story = Story(tmp_path, sandbox)
        story.configure(hook, post)
        told = story.office.connect()
        story.said.append(json.dumps(told))
        begin(story)
        work(story)
        trouble(story, hook)
        look_at_everything(story)
        assert story.leaks(hook, post) == []
        is_worth_something(story, hook, post)


def begin(story):
    """Bound, and two sales posted although answers are lost and tokens run out."""
    assert story("entities", "bind", "--yes") == 0
    story.office.records(sale(1, contact=PERSON), sale(2))
    story.sandbox.fault("lost_answer", method="PUT", path="/api.xro/2.0/Invoices", count=1)
    story.sandbox.fault("500_after", path="/connect/token", count=1)
    story.sandbox.advance(3600)  # the access token is over: it is refreshed, and the first answer is a 500
    assert story("run", "shop", "--json") == 0


def work(story):
    """Problems, a fix, a plan, an undone run."""
    story.office.records(sale(1, contact=PERSON), sale(2), sale(3, lines=BAD_LINE, contact=PERSON))
    assert story("run", "shop") == 1
    story.here("plan", "shop", "--json")
    n = str(story.here("problems", "--json").value[0]["problem"])
    for words in (["show", n], ["fix", n, "--use", "Sales"], ["retry", n]):
        story.here("problems", *words)
    assert story.here("finish", "--json").code == 0
    assert story("notify", "test") == 0


def trouble(story, hook):
    """A wrong client secret, a mail server's and a webhook's refusal, a database that is not there, a lost consent."""
    post_it = {"COUNTERFOIL_XERO__CLIENT_SECRET": PASSWORDS["wrong-secret"]}
    story.sandbox.advance(3600)
    assert story("entities", "verify", env=post_it) != 0
    nowhere = {"COUNTERFOIL_STORE__URL": f"postgresql://us:{PASSWORDS['database']}@127.0.0.1:9/none"}
    assert story("status", env=nowhere) == 2
    assert story("config", "show", "--json", env=nowhere) == 0
    hook.answer = 500
    assert story("notify", "test", "1", "--json") == 1
    hook.answer = 204
    for token in known.refresh_tokens():  # whichever is the living one: the consent is gone
        story.sandbox.form("/connect/revocation", {"token": token.decode(), **client(story)})
    story.sandbox.advance(7200)
    assert story("entities", "verify", "--json") == 3
    story.office.records(sale(4))
    assert story("run", "shop", "--json") == 3


def client(story):
    """The app's own words at the identity server."""
    return {"client_id": story.sandbox.ready["client_id"], "client_secret": story.sandbox.ready["client_secret"]}


def look_at_everything(story):
    """Every command that shows or changes something, as far as this version has it."""
    for words in (
        ["status"], ["status", "--json"], ["config", "show"], ["config", "check"], ["connections"], ["connections", "--json"],
        ["entities", "--json"], ["postings", "--json"], ["why", "order-1", "--json"], ["why", "order-1"], ["runs", "--json"],
        ["prove", "shop", "--json"], ["notify"], ["notify", "--json"], ["problems", "--csv", "problems.csv"],
        ["connect", "--explain", "--json"],
    ):  # fmt: skip
        story.here(*words)
    later = {
        "keys": [["keys", "show"], ["keys", "rotate", "--json"], ["status", "--json"]],
        "audit": [["audit", "--json"], ["audit", "verify", "--json"], ["audit", "export", "--json"]],
        "doctor": [["doctor"], ["doctor", "--json"], ["doctor", "--bundle", "bundle.zip", "--yes"]],
    }
    for name, commands in later.items():
        for words in commands if name in catalogue.BY_NAME else []:
            story.here(*words)


def is_worth_something(story, hook, post):
    """The story has been where secrets are used: it would not pass by doing nothing."""
    kinds = {one["kind"] for one in hook.messages}
    assert {"problems", "test"} <= kinds
    assert len(post.letters) >= 3
    assert len((story.folder / "pager.jsonl").read_text()) > 100
    assert len(known.refresh_tokens()) >= 2
    assert story.arguments
    assert any("counterfoil" in text for text in story.said)
    for name, data in (
        ("webhook", b"".join(body for _headers, body in hook.got)),
        ("letters", b"".join(post.letters)),
        ("command", (story.folder / "pager.jsonl").read_bytes()),
        ("audit", repr(_rows(story.folder, "audit")).encode()),
        ("notices", repr(_rows(story.folder, "notices")).encode()),
    ):
        assert [word for word in PERSONAL if word in data] == [], name
    environment = (story.folder / "pager.environment").read_text()
    assert not re.search(r"COUNTERFOIL|TOLD_TOKENS|SECRET", environment)


def _rows(folder, table):
    database = sqlite3.connect(folder / "counterfoil.db")
    try:
        return database.execute(f"SELECT * FROM {table}").fetchall()
    finally:
        database.close()
