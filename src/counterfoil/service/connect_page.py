"""/connect: what consent is needed, one button that begins it, and the callback that finishes it.

Called by application. The steps are those of `counterfoil connect` (app/consenting, app/connecting); this page only says
what is so and carries the answer. xero-facts §1.3, §1.6.
"""

import asyncio
import logging
from collections import OrderedDict
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from litestar import Response

from counterfoil import errors
from counterfoil.access import callback, caps
from counterfoil.access.bindings import DISCONNECTED
from counterfoil.app import connecting, consenting, needs, reach
from counterfoil.app.connecting import Finished, Whose
from counterfoil.service import answers, visitors
from counterfoil.service.visitors import Asked, Visitors

PATH: Final = "/connect"
DONE_PATH: Final = "/connected"
END_S: Final = 5.0
DONE_MAX: Final = 20  # outcomes that wait to be looked at; the oldest is forgotten for another

_log = logging.getLogger("counterfoil.service")


def redirect_uri(books: Any, port: int) -> str | None:
    """`[xero] redirect_uri` when it leads to the service that listens on `port`; None: it leads elsewhere."""
    uri: str = books.settings.xero.redirect_uri
    parts, public = urlsplit(uri), urlsplit(books.settings.service.public_url)
    if parts.hostname in callback.LOOPBACK and parts.scheme == "http":
        at = callback.address(uri)
        if at.port in (0, port):
            return at.uri(port) if at.port == 0 else uri
    return uri if (parts.scheme, parts.netloc) == (public.scheme, public.netloc) else None


class ConnectPage:
    """The page and its callback. `uri`: where Xero sends the browser; None: not here."""

    def __init__(self, books: Any, visitors_: Visitors, uri: str | None) -> None:
        self._books = books
        self._visitors = visitors_
        self._uri = uri
        self._consents = consenting.Consents(books, uri or "")
        self._done: OrderedDict[str, Finished] = OrderedDict()  # by browser
        self._finishing: set[asyncio.Task[Finished]] = set()

    async def show(self, request: Asked) -> Response[bytes]:
        """GET /connect."""
        elsewhere = self._elsewhere(request)
        if elsewhere is not None:
            return answers.moved(elsewhere)
        turned_away = self._visitors.turned_away(request)
        if turned_away is not None:
            return turned_away
        entity = visitors.query_of(request).get("entity")
        if entity is not None:
            connecting.known(self._books, entity)
        browser = self._visitors.browser(request) or self._visitors.new_name()
        answer = answers.page(
            "connect.html", forms=self._forms(), **await self._state(entity), key=self._visitors.form_key(browser)
        )
        return self._visitors.named(request, answer, browser)

    async def begin(self, request: Asked) -> Response[bytes]:
        """POST /connect: to Xero's page."""
        turned_away = self._visitors.turned_away(request)
        if turned_away is not None:
            return turned_away
        form = await visitors.form_of(request)
        if not self._visitors.is_ours(request, form):
            raise errors.FixInput(
                "This form was not sent by our own page.", remedy="Open /connect again and try there."
            )
        entity, browser = form.get("entity") or None, self._visitors.browser(request)
        if self._books.settings.xero.kind == "custom":
            return self._finished(browser, await self._carried_out(self._consents.by_itself(entity)))
        if self._uri is None:
            raise errors.ConfigurationError(
                "[xero] redirect_uri does not lead here.", remedy="Change it, or run `counterfoil connect`."
            )
        return answers.moved(await self._consents.begin(browser, entity))

    async def finish(self, request: Asked) -> Response[bytes]:
        """GET on the path of `redirect_uri`: Xero's answer, brought by the browser."""
        browser = self._visitors.browser(request)
        try:
            return self._finished(
                browser, await self._carried_out(self._consents.finish(visitors.query_of(request), browser))
            )
        except errors.CounterfoilError as error:
            _log.warning("a consent was not finished: %s", error.code)
            return answers.problem(error, page=True, again=PATH)

    async def done(self, request: Asked) -> Response[bytes]:
        """GET /connected: what the last consent of this browser came to."""
        ended = self._done.get(self._visitors.browser(request))
        if ended is None:
            return answers.moved(PATH)
        names = tuple(dict.fromkeys(one.name for one in ended.done.fresh or ended.done.reached))
        return answers.page(
            "connected.html", names=names, ended=ended, remaining=[one.organisation or one.entity for one in ended.missing],
            lacking=[*map(needs.told, ended.lacking), *(one.message for one in ended.copies_lacking)],
        )  # fmt: skip

    def _finished(self, browser: str, ended: Finished) -> Response[bytes]:
        """Keep what came of it, and leave the address that holds the code."""
        self._done[browser] = ended
        while len(self._done) > DONE_MAX:
            self._done.popitem(last=False)
        _log.info("a consent was stored")
        return answers.moved(DONE_PATH)

    async def _carried_out(self, work: Any) -> Finished:
        """To its end, even if the browser's time is over: a code works once, and what it gives has to be stored."""
        task: asyncio.Task[Finished] = asyncio.ensure_future(work)
        self._finishing.add(task)
        task.add_done_callback(self._finishing.discard)
        return await asyncio.shield(task)

    async def end(self) -> None:
        """Wait for consents that are being stored: their codes are used up already. At most END_S."""
        if self._finishing:
            await asyncio.wait(self._finishing, timeout=END_S)
        await self._consents.end()

    def _elsewhere(self, request: Asked) -> str | None:
        """The same page under the name that Xero sends the browser to: a cookie belongs to one name."""
        if self._uri is None or self._books.settings.xero.kind == "custom":
            return None
        parts = urlsplit(self._uri)
        if urlsplit(f"//{request.headers.get('host', '')}").hostname == parts.hostname:
            return None
        query = request.scope["query_string"].decode("latin-1")
        return f"{parts.scheme}://{parts.netloc}{PATH}" + (f"?{query}" if query else "")

    def _forms(self) -> str:
        """Where the form leads: here, on to Xero, and back. A browser counts redirects as targets of a form."""
        xero = urlsplit(self._books.settings.xero.login_url)
        targets = ["'self'", f"{xero.scheme}://{xero.netloc}"]
        if self._books.settings.xero.is_live:
            targets.append("https://*.xero.com")
        return " ".join(targets)

    async def _state(self, entity: str | None) -> dict[str, Any]:
        """What the page says: of every entity, or of one."""
        xero, books = self._books.settings.xero, self._books
        whose = [one for one in await connecting.whose(books) if entity in (None, one.entity)]
        lacking = [(one.entity, needs.told(one)) for one in await needs.lacking(books)]
        lacking += [(one.entity or "", one.message) for one in await needs.copies_lacking(books)]
        bound, reached = await connecting.bound(books), await reach.reached(books)
        rows = [
            _row(one, bound.get(one.entity), reached, [told for whom, told in lacking if whom == one.entity])
            for one in whose
        ]
        return {
            "entity": entity,
            "rows": rows,
            "whole": bool(rows) and all(row["good"] for row in rows),
            "asked": needs.asked(books),
            "custom": xero.kind == "custom",
            "here": self._uri is not None or xero.kind == "custom",
            "redirect_uri": xero.redirect_uri,
            "suggested": f"{books.settings.service.public_url}/oauth/callback",
            "one_by_one": xero.kind != "custom" and xero.tier not in caps.BULK,
            "choose": [one.organisation for one in whose if not one.connected and one.organisation],
            "live": xero.is_live,
            "environment": books.settings.environment,
            "again": urlencode({"entity": entity}) if entity else "",
        }


def _row(one: Whose, binding: Any, reached: list[reach.Reach], lacking: list[str]) -> dict[str, Any]:
    """One entity: its state in a word, and what is wrong in sentences, among them what its consent lacks."""
    states = {found.state for found in reached if binding is not None and found.tenant_id == binding.tenant_id}
    word, good, more = "Connected", True, lacking
    if binding is not None and binding.stopped is not None:
        word, good, more = "Stopped", False, [binding.stopped, *more]
    elif not one.connected and reach.RECONNECT in states:
        word, good, more = (
            "Consent lost",
            False,
            ["Its consent ended. Its postings wait until somebody consents again."],
        )
    elif not one.connected and DISCONNECTED in states:
        word, good = "Disconnected", False
        more = ["Somebody disconnected it at Xero. Its postings wait until it is connected again."]
    elif not one.connected:
        word, good = "Not connected", False
    elif lacking:
        word, good = "Lacks a scope", False
    elif binding is None:
        more = ["Connected, but not bound to its organisation yet: run `counterfoil entities bind`."]
    return {"entity": one.entity, "organisation": one.organisation, "word": word, "good": good, "more": more}
