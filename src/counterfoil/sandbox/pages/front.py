"""The front page: organisations, apps and their limits, webhooks, latest documents and the requests as they come.

Called by `views`. The part that changes is a fragment of its own (`/live`), which a small script asks for once a second;
without the script the page shows how things stood when it was opened.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from aiohttp import web

from counterfoil.sandbox import wire
from counterfoil.sandbox.books import Books
from counterfoil.sandbox.limits import Limits
from counterfoil.sandbox.pages import render, words
from counterfoil.sandbox.resources import payments
from counterfoil.sandbox.tables import Row
from counterfoil.sandbox.webhooks import subscriptions
from counterfoil.sandbox.world import World

DOCUMENTS_SHOWN: Final = 10
REQUESTS_SHOWN: Final = 15
# Plural: (what it is called, where its number stands, its page under the organisation's).
_KINDS: Final = {
    "Invoices": ("Invoice", "InvoiceNumber", "invoices"),
    "CreditNotes": ("Credit note", "CreditNoteNumber", "credit-notes"),
    "Payments": ("Payment", "Reference", ""),
    "BankTransactions": ("Bank transaction", "Reference", ""),
    "ManualJournals": ("Manual journal", "Narration", ""),
    "Quotes": ("Quote", "QuoteNumber", ""),
    "PurchaseOrders": ("Purchase order", "PurchaseOrderNumber", ""),
}


@dataclass(frozen=True, slots=True)
class Latest:
    """One document in the list of all organisations: `path` empty = it has no page."""

    kind: str
    number: str
    path: str
    books: Books
    row: Row
    currency: str


def page(world: World, limits: Limits) -> web.Response:
    """The whole page."""
    return render.page("index.html", live=True, seed=world.seed, options=world.options, **_values(world, limits))


def fragment(world: World, limits: Limits, known: str | None) -> web.Response:
    """The part that changes; 304 if it is still what `known` names."""
    text = render.text("live.html", **_values(world, limits))
    tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:16]}"'
    headers = {**render.HEADERS, "ETag": tag}
    if tag == known:
        return web.Response(status=304, headers=headers)
    return web.Response(text=text, content_type="text/html", charset="utf-8", headers=headers)


def _values(world: World, limits: Limits) -> dict[str, Any]:
    usage = limits.usage()
    rows = list(islice(reversed(world.log.rows), REQUESTS_SHOWN))
    return {
        "cards": [_card(world, books, usage) for books in world.organisations()],
        "countries": words.COUNTRIES,
        "latest": _latest(world),
        "requests": rows,
        "total": rows[0].n if rows else 0,
        "names": {books.tenant_id: books for books in world.organisations()},
        "moved": words.duration(world.clock.advanced_s),
        "day": f"{world.clock.now():%d %B %Y}".lstrip("0"),
        "webhooks": [
            {**subscriptions.shown(world, row), "name": world.apps[row["client_id"]].name} for row in world.webhooks
        ],
        "faults": world.faults.waiting(),
    }


def _card(world: World, books: Books, usage: list[dict[str, Any]]) -> dict[str, Any]:
    """An organisation with how much of its limits each app has used."""
    return {
        "books": books,
        "organisation": books.organisation,
        "contacts": len(books.table("Contacts")),
        "invoices": len(books.table("Invoices")),
        "apps": sum(app["live"] for app in connected(world, books)),
        "usage": _used(world, books, usage),
    }


def _used(world: World, books: Books, usage: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each app that called this organisation: its limits, if there are any, and what it drew this month (`drawn` or None)."""
    limits = {used["client_id"]: used for used in usage if used["tenant_id"] == books.tenant_id}
    drawn = world.egress.by_app(world.clock.now(), books.tenant_id)
    return [
        {"name": world.apps[client_id].name, "limits": limits.get(client_id), "drawn": drawn.get(client_id)}
        for client_id in dict.fromkeys([*limits, *drawn])
        if client_id in world.apps
    ]


def connected(world: World, books: Books) -> list[dict[str, Any]]:
    """The apps that are or were connected to an organisation, each with the users who let it in."""
    found: dict[str, dict[str, Any]] = {}
    for row in world.connections.find("tenant", books.tenant_id):
        entry = found.setdefault(row["client_id"], {"app": world.apps[row["client_id"]], "live": False, "since": ""})
        if not row["disconnected"]:
            entry |= {"live": True, "since": row["created"][:10]}
    for app in world.apps.values():
        if app.kind == "custom" and app.organisation == books.number and app.authorised:
            found[app.client_id] = {"app": app, "live": True, "since": ""}
    return list(found.values())


def _latest(world: World) -> list[Latest]:
    """The newest documents of all organisations, newest first."""
    found = [latest for books in world.organisations() for latest in _of(books)]
    found.sort(key=lambda latest: wire.stamp_ms(latest.row["UpdatedDateUTC"]), reverse=True)
    return found[:DOCUMENTS_SHOWN]


def _of(books: Books) -> Iterator[Latest]:
    for plural, (kind, number_key, folder) in _KINDS.items():
        table = books.tables.get(plural)
        for key, row in islice(reversed(table.rows.items()), DOCUMENTS_SHOWN) if table is not None else ():
            path = f"/organisations/{books.organisation['ShortCode']}/{folder}/{key}" if folder else ""
            currency = payments.currency(books, row) if plural == "Payments" else row.get("CurrencyCode", "")
            yield Latest(words.kind_of(row, kind), row.get(number_key) or "", path, books, row, currency)
