"""The handlers of the reading pages. Called by `routes`; each only reads the world.

Lists are paged at PAGE_ROWS and newest first; a page past the end shows the last one.
"""

import math
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web

from counterfoil.sandbox.books import Books
from counterfoil.sandbox.limits import Limits
from counterfoil.sandbox.pages import buttons, documents, front, render, requests_log, words
from counterfoil.sandbox.resources import payment_wire
from counterfoil.sandbox.tables import HISTORY_MAX, Row
from counterfoil.sandbox.webhooks.sender import Sender
from counterfoil.sandbox.world import World

PAGE_ROWS: Final = 50
_PAGES: Final = {"Invoices": "invoices", "CreditNotes": "credit-notes"}
_CLASSES: Final = {
    "ASSET": "Assets",
    "LIABILITY": "Liabilities",
    "EQUITY": "Equity",
    "REVENUE": "Revenue",
    "EXPENSE": "Expenses",
}


@dataclass(frozen=True, slots=True)
class Screen:
    """What pages need beside the world. `commit` ends a write that a button made."""

    limits: Limits
    hooks: Sender
    commit: Callable[[], None]


def routes(world: World, screen: Screen) -> list[web.RouteDef]:
    """The routes of every page, of the stylesheet and the script, for `app.router.add_routes`."""

    def bound(
        view: Callable[[World, web.Request], web.Response],
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handler(request: web.Request) -> web.StreamResponse:
            return view(world, request)

        return handler

    async def front_page(_: web.Request) -> web.StreamResponse:
        return front.page(world, screen.limits)

    async def live(request: web.Request) -> web.StreamResponse:
        return front.fragment(world, screen.limits, request.headers.get("If-None-Match"))

    async def disconnect(request: web.Request) -> web.StreamResponse:
        return await buttons.disconnected(world, screen.commit, request)

    async def intent(request: web.Request) -> web.StreamResponse:
        return await buttons.intent_sent(world, screen.hooks, screen.commit, request)

    return [
        web.get("/", front_page),
        web.get("/live", live),
        web.post("/organisations/{key}/disconnect", disconnect),
        web.post("/webhooks/intent", intent),
        web.get("/organisations/{key}", bound(_organisation)),
        web.get("/organisations/{key}/invoices/{id}", bound(_invoice)),
        web.get("/organisations/{key}/credit-notes/{id}", bound(_credit_note)),
        web.get("/requests", bound(_requests)),
        web.get(render.STYLE_PATH, bound(_style)),
        web.get(render.SCRIPT_PATH, bound(_script)),
    ]


@dataclass(frozen=True, slots=True)
class Slice:
    """One page of a list and where its neighbours are; `older` and `newer` are query strings, empty at the ends."""

    rows: Sequence[Any]
    first: int
    last: int
    total: int
    older: str
    newer: str


def sliced(rows: Sequence[Any], query: Mapping[str, str], name: str) -> Slice:
    """Page `query[name]` (from 1; nonsense means 1) of rows that come newest first; `name` is also the list's id."""
    pages = max(1, -(-len(rows) // PAGE_ROWS))
    asked = query.get(name, "1")
    number = min(int(asked), pages) if asked.isascii() and asked.isdigit() and len(asked) < 9 else 1
    number = max(1, number)
    start = (number - 1) * PAGE_ROWS
    shown = rows[start : start + PAGE_ROWS]

    def link(to: int) -> str:
        return f"?{urlencode({**query, name: str(to)})}#{name}" if 1 <= to <= pages else ""

    return Slice(shown, start + 1 if shown else 0, start + len(shown), len(rows), link(number + 1), link(number - 1))


def _organisation(world: World, request: web.Request) -> web.Response:
    books = world.books_named(request.match_info["key"])
    if books is None:
        return render.not_found("This sandbox has no such organisation.")
    accounts = list(books.table("Accounts"))
    counts = Counter(account["Class"] for account in accounts if account["Status"] == "ACTIVE")
    return render.page(
        "organisation.html",
        books=books,
        organisation=books.organisation,
        country=words.COUNTRIES.get(books.country, books.country),
        unnumbered=documents.UNNUMBERED,
        classes=[(word, counts[key]) for key, word in _CLASSES.items() if counts[key]],
        accounts=accounts,
        tax_rates=list(books.table("TaxRates")),
        currencies=list(books.table("Currencies")),
        tracking=list(books.table("TrackingCategories")),
        invoices=sliced(_newest_first(books, "Invoices"), request.query, "invoices"),
        credit_notes=sliced(_newest_first(books, "CreditNotes"), request.query, "credit-notes"),
        payments=sliced([_payment(books, row) for row in _newest_first(books, "Payments")], request.query, "payments"),
        contacts=sliced(_newest_first(books, "Contacts"), request.query, "contacts"),
        apps=front.connected(world, books),
        kinds=words.APP_KINDS,
    )


def _newest_first(books: Books, plural: str) -> list[Row]:
    """A table's rows in the order of their creation, backwards."""
    return list(books.table(plural))[::-1]


def _payment(books: Books, row: Row) -> Row:
    """A payment with `document`: number and path of what it is on; what has no page has no path."""
    own_id, kind = row["Invoice"]["InvoiceID"], payment_wire.kind_of(row)
    number = payment_wire.number_of(kind, books.table(kind.plural).rows[own_id])
    page = _PAGES.get(kind.plural)
    words = documents.UNNUMBERED if page else kind.words.capitalize()
    return {**row, "document": {"number": number or words, "path": f"{page}/{own_id}" if page else ""}}


def _invoice(world: World, request: web.Request) -> web.Response:
    return _document(world, request, "Invoices")


def _credit_note(world: World, request: web.Request) -> web.Response:
    return _document(world, request, "CreditNotes")


def _document(world: World, request: web.Request, plural: str) -> web.Response:
    books = world.books_named(request.match_info["key"])
    row = None if books is None else books.table(plural).get(request.match_info["id"].lower())
    if books is None or row is None:
        return render.not_found("This organisation has no such document.")
    return render.page(
        "document.html",
        books=books,
        organisation=books.organisation,
        document=documents.document(books, plural, row, world.writes_to_hide(books.tenant_id, math.inf)),
        writes_max=HISTORY_MAX,
        country=words.COUNTRIES.get(books.country, books.country),
    )


def _requests(world: World, request: web.Request) -> web.Response:
    wanted = requests_log.Wanted.of(request.query)
    rows = [row for row in reversed(world.log.rows) if wanted.matches(row)]
    names = {books.tenant_id: books for books in world.organisations()}
    return render.page(
        "requests.html",
        wanted=wanted,
        requests=sliced(rows, request.query, "rows"),
        organisations=world.organisations(),
        names=names,
        methods=requests_log.METHODS,
        answers=requests_log.ANSWERS,
    )


def _style(_: World, __: web.Request) -> web.Response:
    return _kept(render.style(), "text/css")


def _script(_: World, __: web.Request) -> web.Response:
    return _kept(render.script(), "text/javascript")


def _kept(body: bytes, content_type: str) -> web.Response:
    """What a browser may keep for ever, since its address names its content."""
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
    return web.Response(body=body, content_type=content_type, charset="utf-8", headers=headers)
