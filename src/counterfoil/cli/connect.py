"""`counterfoil connect`: a Xero user lets this app into their organisations (OAuth 2.0 with PKCE).

Shows the consent page, listens on `redirect_uri` for five minutes, stores the consent encrypted. Costs 4 calls, none of
which an organisation counts. Repeating it is harmless.
"""

import asyncio
import contextlib
import sys
import webbrowser
from typing import TYPE_CHECKING

import msgspec
import typer

from counterfoil import errors
from counterfoil.cli import session

if TYPE_CHECKING:
    from counterfoil.access.consent import Consented
    from counterfoil.app import Books

app = session.app()


@app.command()
def connect(
    context: typer.Context,
    no_browser: bool = typer.Option(False, "--no-browser", help="Print the page's address; open nothing."),
    entity: str | None = typer.Option(None, help="Bind this entity as well, if one organisation has its name."),
    explain: bool = typer.Option(False, "--explain", help="Say what would be asked for and why; ask nothing."),
) -> None:
    """Ask a Xero user to let this app into their organisations."""
    now = session.of(context)
    if explain:
        now.books(lambda books: _explain(books, now))
        return
    done, bound = now.books(lambda books: _connected(books, now, entity, browser=not no_browser))
    organisations = [msgspec.structs.asdict(one) for one in done.reached]
    fresh = [one.tenant_id for one in done.fresh]
    now.screen.value(
        {
            "grant_id": done.grant_id,
            "scopes": done.scopes,
            "organisations": organisations,
            "fresh": fresh,
            "bound": bound,
        }
    )
    now.screen.line("Connected. The app may now reach:")
    now.screen.table(("ORGANISATION", "TENANT"), [[one.name, one.tenant_id] for one in done.reached])
    if bound:
        now.screen.line(f"{entity} is bound to {bound}.")
    now.screen.next("counterfoil status" if bound else "counterfoil entities bind")


async def _connected(
    books: "Books", now: session.Session, entity: str | None, *, browser: bool
) -> "tuple[Consented, str | None]":
    from counterfoil.app import connecting

    if entity is not None:
        connecting.known(books, entity)
    done = await connecting.connect(books, lambda url: _show(now, url, browser=browser))
    await _looked_at(books, now, done)
    return done, await _bound(books, entity) if entity else None


async def _looked_at(books: "Books", now: session.Session, done: "Consented") -> None:
    """A new consent is a reason to look at what is bound already, and at the tier's cap."""
    from counterfoil.app import watching

    wrong = await watching.after_consent(books, {one.tenant_id for one in done.reached})
    for name, error in wrong.items():
        now.screen.note(f"{name}: {error.message} {error.remedy}")
    cap = await watching.count(books)
    if cap.is_near:
        now.screen.note(f"{cap.message} {cap.remedy}")


async def _bound(books: "Books", entity: str) -> str:
    """Bind the entity to the organisation of its name; → that name. Raises NoBinding when there is none."""
    from counterfoil.app import connecting

    already = (await connecting.bound(books)).get(entity)
    if already is not None:
        return already.fingerprint.name
    for pair in await connecting.propose(books):
        if pair.entity == entity:
            return (await connecting.bind(books, entity, pair.tenant_id))[0].fingerprint.name
    raise errors.NoBinding(
        f"Connected, but no organisation, or more than one, has the name of {entity} in the configuration.",
        remedy=f"Run `counterfoil connections`, then `counterfoil entities bind {entity} TENANT`.",
    )


def _show(now: session.Session, url: str, *, browser: bool) -> None:
    """The consent page: its address, and if wanted the page itself."""
    if now.json:
        sys.stderr.write(msgspec.json.encode({"authorize_url": url}).decode() + "\n")
        sys.stderr.flush()
    else:
        now.screen.line(f"Open this page and allow access:\n\n  {url}\n\nWaiting five minutes for the answer …")
        sys.stdout.flush()
    if browser:
        asyncio.get_running_loop().run_in_executor(None, _open, url)


def _open(url: str) -> None:
    """The user's browser; without one the printed address serves."""
    with contextlib.suppress(webbrowser.Error, OSError):
        webbrowser.open(url)


async def _explain(books: "Books", now: session.Session) -> None:
    from counterfoil.access import consent
    from counterfoil.app import connecting

    xero = books.settings.xero
    scopes = connecting.scopes(books)
    now.screen.value(
        {
            "login_url": xero.login_url, "client_id": xero.client_id, "redirect_uri": xero.redirect_uri,
            "scopes": [*({"scope": scope, "flows": []} for scope in consent.SIGN_IN), *map(msgspec.structs.asdict, scopes)],
        }
    )  # fmt: skip
    now.screen.line(
        f"A user will be asked at {xero.login_url} for the app {xero.client_id}, and sent to {xero.redirect_uri}."
    )
    now.screen.line("The scopes, the least that the configured flows need:")
    rows = [[scope, "to know who consented, and to stay connected"] for scope in consent.SIGN_IN]
    rows += [[scope.scope, f"flows: {', '.join(scope.flows)}"] for scope in scopes]
    now.screen.table(("SCOPE", "WHY"), rows)
    now.screen.next("counterfoil connect")
