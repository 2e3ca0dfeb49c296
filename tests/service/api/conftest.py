"""Two companies whose mirror was filled by hand, and the whole API in this process: no sandbox, no socket."""

import asyncio
import contextlib
import datetime
import json
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec
import pytest

from counterfoil import open_books
from counterfoil.access import key_file
from counterfoil.app import api_keys
from counterfoil.model.binding import Binding, Fingerprint
from counterfoil.model.happening import Happening
from counterfoil.service import guard
from counterfoil.service.api import application
from counterfoil.store import bindings, happenings, mirrored

UK, AU = "11111111-0000-4000-8000-000000000001", "22222222-0000-4000-8000-000000000002"
NOW = datetime.datetime(2026, 11, 22, 10, tzinfo=datetime.UTC)
CONFIG = """
[xero]
client_id = "app"
redirect_uri = "http://localhost:0/oauth/callback"
login_url = "http://127.0.0.1:9"
identity_url = "http://127.0.0.1:9"
api_url = "http://127.0.0.1:9"
[mirror]
resources = ["Invoices", "Contacts", "BankTransactions", "TaxRates"]
[entities.acme-uk]
organisation = "Acme UK Ltd"
[entities.acme-au]
organisation = "Acme AU Pty"
[entities.acme-nl]
organisation = "Acme NL BV"
"""


class Answer(NamedTuple):
    """An answer; header names in small letters."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


async def ask(app, method, path, key=None, body=b"", *, host="localhost", gone=None, **headers):
    """One request to an ASGI application; headers by keyword, `_` for `-`; when `gone` is set, who asked has gone."""
    parts = urlsplit(path)
    given = {"host": host} | {name.replace("_", "-").lower(): value for name, value in headers.items()}
    if key is not None:
        given.setdefault("authorization", f"Bearer {key}")
    if body:
        given = {"content-type": "application/json", "content-length": str(len(body))} | given
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": parts.path, "raw_path": parts.path.encode(), "query_string": parts.query.encode(), "root_path": "",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in given.items()],
        "client": ("127.0.0.1", 50000), "server": ("127.0.0.1", 8321),
    }  # fmt: skip
    left = [{"type": "http.request", "body": body, "more_body": False}]
    sent = []

    async def receive():
        if not left:
            await (gone or asyncio.Event()).wait()
        return left.pop() if left else {"type": "http.disconnect"}

    async def send(event):
        sent.append(event)

    await app(scope, receive, send)
    start = sent[0]
    found = {name.decode().lower(): value.decode("latin-1") for name, value in start["headers"]}
    return Answer(start["status"], found, b"".join(one.get("body", b"") for one in sent[1:]))


class House:
    """The books, and the API before them."""

    def __init__(self, books):
        self.books = books
        self.api = application.made(books, guard.known_hosts(()))

    async def ask(self, method, path, key=None, body=b"", **headers):
        """One request."""
        raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return await ask(self.api, method, path, key, raw, **headers)

    async def get(self, path, key=None, **headers):
        """A GET."""
        return await self.ask("GET", path, key, **headers)

    async def key(self, rights="read", *entities, **more):
        """A new key's text."""
        return (await api_keys.create(self.books, "a program", rights=rights, entities=entities, **more)).api_key

    async def happens(self, *changes):
        """These were seen, each (id, name, tenant)."""
        rows = [
            Happening(
                id=key, name=name, tenant_id=tenant, resource="Invoices", document_id=f"d-{key}", before=None,
                after={"Total": "10.50"}, fields=("Total",), stamp=NOW, seen_at=NOW, revision=None,
                snapshot=key.startswith("snap"),
            )
            for key, name, tenant in changes
        ]  # fmt: skip
        await self.books.database.run(lambda conn: happenings.record(conn, rows))

    async def hold(self, tenant, resource, *documents, caught_up=NOW):
        """The mirror holds these documents of Xero's, each (id, status, minute of its stamp, fields)."""
        rows = [
            mirrored.Mirrored(
                tenant, resource, key, status, None if minute is None else NOW + datetime.timedelta(minutes=minute),
                NOW, "", None, None, json.dumps(fields).encode(),
            )
            for key, status, minute, fields in documents
        ]  # fmt: skip
        reading = mirrored.Reading(tenant, resource, since=caught_up, caught_up_at=caught_up)

        def work(conn):
            mirrored.put(conn, rows)
            mirrored.set_reading(conn, reading)

        await self.books.database.run(work)


@contextlib.asynccontextmanager
async def housed(folder, more=""):
    """A house in this folder; `acme-uk` and `acme-au` are bound."""
    (folder / "counterfoil.toml").write_text(CONFIG + more)
    key_file.new(folder / "counterfoil.key")
    async with open_books(folder / "counterfoil.toml") as books:
        for entity, tenant, name, currency in (
            ("acme-uk", UK, "Acme UK Ltd", "GBP"),
            ("acme-au", AU, "Acme AU Pty", "AUD"),
        ):
            print_ = Fingerprint(tenant, name, "!" + entity[-2:], currency, entity[-2:].upper())
            bound = Binding(entity, tenant, "grant", print_, "UTC")
            await books.database.run(lambda conn, bound=bound: bindings.put(conn, bound, now=NOW))
        house = House(books)
        yield house
        await house.api.end()


@pytest.fixture
async def house(tmp_path):
    """Two bound companies, a third that is not."""
    async with housed(tmp_path) as made:
        yield made
