"""One installation (database, vault, transport …) against one sandbox process per test module."""

import asyncio
import contextlib
import urllib.request

import msgspec
import pytest

from counterfoil.access.audit import AuditLog
from counterfoil.access.bindings import Bindings
from counterfoil.access.connections import Connections
from counterfoil.access.consent import Consent
from counterfoil.access.master_key import MasterKey
from counterfoil.access.tokens import GrantTokens
from counterfoil.access.vault import Vault
from counterfoil.runtime.clock import SystemClock
from counterfoil.store import audit as rows
from counterfoil.store.database import Database
from counterfoil.xero.identity import App
from counterfoil.xero.pacing import Pacer
from counterfoil.xero.probe import Probe
from counterfoil.xero.transport import Transport
from tests import sandbox_process

KEY = bytes(range(32))
SCOPES = ("accounting.settings.read", "accounting.contacts", "accounting.invoices")
REDIRECT = "http://localhost:0/oauth/callback"


class Keys:
    """A key source that a test changes as it likes; counts how often it was read."""

    def __init__(self, *keys):
        self.name, self.file, self.reads = "the test", None, 0
        self.keys = [MasterKey(key) for key in keys]

    def load(self):
        """What it holds now."""
        self.reads += 1
        return tuple(self.keys)


class Installation:
    """Everything of access, as app.py wires it, on one database file."""

    def __init__(
        self, path, sandbox, *, secret=True, owner="test", clock=None, key=KEY, lease_s=40.0, url=None, source=None
    ):
        self.clock = clock or SystemClock()
        self.database = Database(url or f"sqlite:///{path}", self.clock)
        ready = sandbox.ready
        self.app = App(ready["client_id"], ready["client_secret"]) if secret else App(ready["public_client_id"])
        self.transport = Transport(self.clock, api_url=sandbox.url, identity_url=sandbox.url, login_url=sandbox.url)
        self.keys = source or Keys(key)
        self.vault = Vault(self.keys)
        self.audit = AuditLog(self.vault, "somebody@here", self.clock.now)
        self.tokens = GrantTokens(self.database, self.vault, self.transport, self.app, owner=owner, lease_s=lease_s)
        self.permits = Pacer(self.clock, calls_per_minute=10_000)
        self.probe = Probe(self.transport, self.tokens, self.permits)
        self.connections = Connections(self.database, self.audit, self.transport, self.tokens, self.probe, self.app)
        self.bindings = Bindings(self.database, self.audit, self.probe, self.connections)
        self.consent = Consent(self.database, self.vault, self.audit, self.transport, self.app)

    async def __aenter__(self):
        await self.database.open()
        return self

    async def __aexit__(self, *_):
        await self.transport.close()
        await self.database.close()

    async def on_record(self, entity=""):
        """(act, data) of a chain of the audit log, which is whole, by one actor."""
        entries = await self.database.read(lambda conn: rows.chain(conn, entity))
        assert (await self.database.read(lambda conn: self.audit.verify(conn, entity))).broken_at is None
        assert {one.actor for one in entries} <= {"somebody@here"}
        return [(one.act, msgspec.json.decode(one.data)) for one in entries]

    async def connect(self, redirect_uri=REDIRECT, scopes=SCOPES, visit=None, **arguments):
        """Consent with a browser that does what `visit(url)` does (default: follow every redirect)."""
        visits = []

        def show(url):
            visits.append(asyncio.ensure_future(asyncio.to_thread(visit or browse, url)))

        try:
            return await self.consent.connect(redirect_uri, scopes, show, **arguments)
        finally:
            self.pages = [await one for one in visits]


def browse(url):
    """A browser: follows redirects, returns (status, page)."""
    with contextlib.closing(_open(url)) as answer:
        return answer.status, answer.read().decode()


def _open(url):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        return opener.open(url, timeout=30)
    except urllib.error.HTTPError as error:
        return error


@pytest.fixture(scope="module")
def sandbox():
    with sandbox_process.start("--auto-consent", "--no-limits") as process:
        yield process


@pytest.fixture(autouse=True)
def _clean(request):
    if "sandbox" in request.fixturenames:
        running = request.getfixturevalue("sandbox")
        running.clear_faults()
        running.post("/_sandbox/reset")


@pytest.fixture
async def here(tmp_path, sandbox):
    async with Installation(tmp_path / "db", sandbox) as installation:
        yield installation


@pytest.fixture
async def connected(here):
    here.consented = await here.connect()
    return here
