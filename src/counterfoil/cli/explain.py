"""What `connect --explain` says: which scopes would be asked for and why, and what today's consents lack.

Called by connect. No call, no key, no connection needed.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from counterfoil.cli import session, table

if TYPE_CHECKING:
    from counterfoil.app import Books
    from counterfoil.app.needs import Asked, Broad, Lack
    from counterfoil.app.noticing import Cause

SIGN_IN_WHY = {
    "openid": "to know which user consented",
    "profile": "to know which user consented",
    "offline_access": "to stay connected",
}


async def explain(books: "Books", now: session.Session) -> None:
    """Every scope with who needs it and for what; then the flows and copies that a consent of today does not cover."""
    from counterfoil.app import needs

    xero = books.settings.xero
    asked, lacking, broad = needs.asked(books), await needs.lacking(books), await needs.broad(books)
    lacking_copies = await needs.copies_lacking(books)
    sign_in = [] if xero.kind == "custom" else list(SIGN_IN_WHY)
    now.screen.value(
        {
            "app": xero.kind, "login_url": xero.login_url, "client_id": xero.client_id, "redirect_uri": xero.redirect_uri,
            "scopes": [
                *({"scope": scope, "flows": [], "needs": []} for scope in sign_in),
                *map(msgspec.to_builtins, asked),
            ],
            "lacking": lacking, "copies_lacking": copies(lacking_copies), "broad": broad,
        }
    )  # fmt: skip
    if xero.kind == "custom":
        now.screen.line(
            f"The custom connection {xero.client_id} asks {xero.identity_url} for itself; no page is shown."
        )
    else:
        now.screen.line(
            f"A user will be asked at {xero.login_url} for the app {xero.client_id}, and sent to {xero.redirect_uri}."
        )
    now.screen.line("The scopes, the least that the configuration needs:")
    rows = [[scope, SIGN_IN_WHY[scope]] for scope in sign_in]
    rows += [row for one in asked for row in _rows(one)]
    now.screen.table(("SCOPE", "WHY"), rows)
    tell_lacking(now, books, lacking, lacking_copies)
    tell_broad(now, broad)
    now.screen.next("counterfoil connect")


def _rows(one: "Asked") -> list[list[str]]:
    """A line per resource and purpose; flows that share it stand together."""
    who: dict[tuple[str, str], list[str]] = {}
    for wanted in one.needs:
        who.setdefault((wanted.resource, wanted.why), []).append(wanted.who)
    lines = [f"{', '.join(names)}: {resource}, to {why}" for (resource, why), names in who.items()]
    return [
        [one.scope if first else "", line] for first, line in zip([True] + [False] * len(lines), lines, strict=False)
    ]


def tell_lacking(
    now: session.Session, books: "Books", lacking: "Sequence[Lack]", lacking_copies: "Sequence[Cause]"
) -> None:
    """Each flow that a consent of today does not cover, the copies and balances that it does not, and what to do."""
    from counterfoil.app import needs

    for lack in lacking:
        now.screen.line(table.harmless(f"{needs.told(lack)} {needs.remedy(books, lack.entity)}"))
    for cause in lacking_copies:
        now.screen.line(table.harmless(f"{cause.message} {cause.remedy}"))


def copies(lacking_copies: "Sequence[Cause]") -> list[dict[str, str | None]]:
    """The copies and balances that consents do not cover, as `--json` has them: one for each entity."""
    return [{"entity": one.entity, "message": one.message, "remedy": one.remedy} for one in lacking_copies]


def tell_broad(now: session.Session, broad: "tuple[Broad, ...]") -> None:
    """Consents that work by scopes which Xero will end, and how to move."""
    from counterfoil.xero import scopes

    for one in broad:
        now.screen.line(
            table.harmless(f"The consent for {one.organisation} works by broad scopes: {' '.join(one.scopes)}.")
        )
    if broad:
        now.screen.line(f"{scopes.BROAD_STORY} Run `counterfoil connect` for each before then.")
