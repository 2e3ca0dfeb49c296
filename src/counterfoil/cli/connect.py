"""`counterfoil connect`: a Xero user lets this app into their organisations (OAuth 2.0 with PKCE).

Shows the consent page, listens on `redirect_uri` for five minutes, checks who consented, stores the consent encrypted. A
custom connection asks for itself, without a page. Costs 6 calls, none of which an organisation counts. Repeating it is
harmless. Where `counterfoil serve` listens on `redirect_uri` already, its page asks instead.
"""

import contextlib
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec
import typer

from counterfoil import errors
from counterfoil.cli import explain as explaining
from counterfoil.cli import session, table

if TYPE_CHECKING:
    from counterfoil.access.granting import Consented
    from counterfoil.app import Books
    from counterfoil.app.connecting import Finished, Whose

app = session.app()
OPEN: Final = (
    "import sys, webbrowser; webbrowser.open(sys.stdin.read())"  # so that no list of processes shows the address
)
NEEDS_A_PERSON: Final = 1


@app.command()
def connect(
    context: typer.Context,
    no_browser: bool = typer.Option(False, "--no-browser", help="Print the page's address; open nothing."),
    entity: str | None = typer.Option(None, help="Bind this entity on the way; the organisation must have its name."),
    explain: bool = typer.Option(
        False, "--explain", help="Say which scopes would be asked for, who needs each and why; ask nothing."
    ),
) -> None:
    """Ask a Xero user to let this app into their organisations; a custom connection asks for itself."""
    now = session.of(context)
    if explain:
        now.books(lambda books: explaining.explain(books, now))
        return
    now.books(lambda books: _connect(books, now, entity, browser=not no_browser))


async def _connect(books: "Books", now: session.Session, entity: str | None, *, browser: bool) -> None:
    """Ask, bind on the way, and say what is still to be connected; what was stored is said even if binding fails."""
    from counterfoil.app import connecting

    try:
        done = await connecting.connect(books, lambda url: _show(now, url, browser=browser), entity)
    except errors.PortTaken:
        page = await connecting.page_of_service(books, entity)
        if page is None:
            raise
        _leave_it_to_the_service(now, page, browser=browser)
        raise typer.Exit(NEEDS_A_PERSON) from None
    ended = await connecting.finished(books, done, entity)
    _tell_wrong(now, ended)
    if ended.refused is not None:
        _tell(now, done)
        raise ended.refused
    now.screen.value(
        {
            "grant_id": done.grant_id,
            "scopes": done.scopes,
            "organisations": [msgspec.structs.asdict(one) for one in done.reached],
            "fresh": [one.tenant_id for one in done.fresh],
            "bound": ended.bound,
            "entities": ended.entities,
            "lacking": ended.lacking,
            "copies_lacking": explaining.copies(ended.copies_lacking),
            "broad": ended.broad,
        }
    )
    _tell(now, done)
    if ended.bound:
        now.screen.line(table.harmless(f"{entity} is bound to {ended.bound}."))
    if ended.missing:
        _tell_missing(now, books, ended.entities)
    explaining.tell_lacking(now, books, ended.lacking, ended.copies_lacking)
    explaining.tell_broad(now, ended.broad)
    if not books.flows:
        now.screen.line("No flow is configured yet. Its scopes will have to be consented to: connect once more then.")
    now.screen.next(_next(missing=bool(ended.missing), unbound=ended.unbound))


def _leave_it_to_the_service(now: session.Session, page: str, *, browser: bool) -> None:
    """`counterfoil serve` listens where the answer will come, so its page asks."""
    now.screen.value({"open": page})
    now.screen.line(
        f"`counterfoil serve` listens there and takes Xero's answer. Open its page and connect there:\n\n  {page}"
    )
    now.screen.next("counterfoil connections")
    if browser:
        _begin_to_open(page)


def _tell_wrong(now: session.Session, ended: "Finished") -> None:
    """What a new consent shows of what was bound already, and of the tier's cap."""
    for name, error in ended.wrong.items():
        now.screen.note(table.harmless(f"{name}: {error.message} {error.remedy}"))
    if ended.cap.is_near:
        now.screen.note(f"{ended.cap.message} {ended.cap.remedy}")


def _next(*, missing: bool, unbound: bool) -> str:
    if missing:
        return "counterfoil connect"
    return "counterfoil entities bind" if unbound else "counterfoil status"


def _tell(now: session.Session, done: "Consented") -> None:
    """What this consent was for, and what it reaches besides."""
    now.screen.line("Connected. The app may now reach:")
    fresh = {one.tenant_id for one in done.fresh}
    rows = [[one.name, one.tenant_id, "now" if one.tenant_id in fresh else "before"] for one in done.reached]
    now.screen.table(("ORGANISATION", "TENANT", "CONSENTED"), rows)


def _tell_missing(now: session.Session, books: "Books", whose: "Sequence[Whose]") -> None:
    """How many of the entities are connected, which are not, and what to choose on the page."""
    from counterfoil.access import caps

    connected = sum(one.connected for one in whose)
    names = [one.organisation or one.entity for one in whose if not one.connected]
    again = (
        "run it again and choose" if books.settings.xero.kind != "custom" else "a custom connection has one only, not"
    )
    now.screen.line(
        table.harmless(
            f"{connected} of {table.count(len(whose), 'entity', 'entities')} connected; {again} {', then '.join(names)}."
        )
    )
    if books.settings.xero.kind != "custom" and books.settings.xero.tier not in caps.BULK:
        now.screen.line("Below the Advanced tier Xero lets a user choose one organisation per consent.")


def _show(now: session.Session, url: str, *, browser: bool) -> None:
    """The consent page: its address, and if wanted the page itself."""
    if now.json:
        sys.stderr.write(msgspec.json.encode({"authorize_url": url}).decode() + "\n")
        sys.stderr.flush()
    else:
        now.screen.line(f"Open this page and allow access:\n\n  {url}\n\nWaiting five minutes for the answer …")
        sys.stdout.flush()
    if browser:
        threading.Thread(target=_open, args=(url,), name="browser", daemon=True).start()


def _open(url: str) -> None:
    """The user's browser, until it is closed; without one the printed address serves."""
    browser = _begin_to_open(url)
    if browser is not None:
        browser.wait()


def _begin_to_open(url: str) -> "subprocess.Popen[bytes] | None":
    """In a process of its own: it may stay open for hours, and what it prints is none of our output.

    It gets none of our secrets with its environment, and nothing that stands in the folder is carried out.
    """
    from counterfoil import settings

    with contextlib.suppress(OSError):
        browser = subprocess.Popen(  # noqa: S603 - this very Python, and words of ours
            [sys.executable, "-I", "-c", OPEN], env=settings.without_secrets(), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        assert browser.stdin is not None
        with browser.stdin as given:
            given.write(url.encode())
        return browser
    return None
