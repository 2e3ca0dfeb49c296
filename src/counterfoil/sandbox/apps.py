"""Registered apps: what kind each is, when it was made, its tier, and what follows from that (facts 1.2, 1.7, 2.4).

Called by `world` (which keeps them in a table), `identity`, `gate`, `limits` and `control`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from counterfoil.sandbox.options import Options
from counterfoil.sandbox.tables import Row, Table

KINDS: Final = ("web", "pkce", "custom")
CONNECTIONS_MAX: Final = {"starter": 5, "core": 50, "plus": 1_000, "advanced": 10_000}
UNCERTIFIED_MAX: Final = 2  # apps that one organisation may have connected
_BULK: Final = frozenset({"exempt", "advanced", "enterprise"})
_CERTIFIED: Final = frozenset({"plus", "advanced", "enterprise"})
_WITHOUT_JOURNALS: Final = frozenset({"starter", "core", "plus"})
RAPID_SYNC: Final = _CERTIFIED

# Apps made on or after these days get granular scopes only.
GRANULAR_FROM: Final = {"web": date(2026, 3, 2), "pkce": date(2026, 3, 2), "custom": date(2026, 4, 29)}
CREATED_OLD: Final = date(2026, 1, 15)
CREATED_NEW: Final = date(2026, 6, 1)


@dataclass(frozen=True, slots=True)
class App:
    """A registered app. `secret` None: a PKCE app, which has none.

    A custom connection is bound to `organisation` (a number) and `scopes` (None: all there are); it is dead unless
    `authorised`. `redirect_uris` are those besides http://localhost, which every app has. `tier` "exempt": Xero's tiers do not apply, as for an app made for a single client.
    """

    client_id: str
    secret: str | None
    name: str
    kind: str
    created: date
    tier: str
    certified: bool
    scopes: tuple[str, ...] | None
    organisation: int | None
    authorised: bool
    redirect_uris: tuple[str, ...]

    @property
    def has_broad_scopes(self) -> bool:
        """Whether it is old enough for the broad scopes."""
        return self.created < GRANULAR_FROM[self.kind]

    @property
    def has_journals(self) -> bool:
        """Whether Journals are open to it: a premium scope, and none for new custom connections."""
        if self.kind == "custom":
            return self.has_broad_scopes
        return self.tier not in _WITHOUT_JOURNALS

    @property
    def is_bulk(self) -> bool:
        """Whether one consent may take several organisations."""
        return self.tier in _BULK

    @property
    def is_certified(self) -> bool:
        """Whether it went through certification; the higher tiers ask for it."""
        return self.certified or self.tier in _CERTIFIED


class Apps(Mapping[str, App]):
    """The apps of a world by client id, read from its table."""

    def __init__(self, table: Table, options: Options) -> None:
        self._table = table
        self._options = options

    def __getitem__(self, client_id: str) -> App:
        return self._app(self._table.rows[client_id])

    def __iter__(self) -> Iterator[str]:
        return iter(self._table.rows)

    def __len__(self) -> int:
        return len(self._table)

    def put(self, row: Row) -> App:
        """Register or change one; what the row leaves None is as the sandbox's options say."""
        self._table.put(row["client_id"], row)
        return self._app(row)

    @property
    def rows(self) -> dict[str, Row]:
        """What was registered."""
        return self._table.rows

    def _app(self, row: Row) -> App:
        created = CREATED_OLD if self._options.broad_scopes else CREATED_NEW
        return App(
            row["client_id"],
            row["secret"],
            row["name"],
            row["kind"],
            created if row["created"] is None else date.fromisoformat(row["created"]),
            row["tier"] or self._options.tier,
            row["certified"],
            None if row["scopes"] is None else tuple(row["scopes"]),
            row["organisation"],
            row["authorised"],
            tuple(row.get("redirect_uris", ())),  # a state file from before there were any has none
        )


def new_row(
    client_id: str,
    secret: str | None,
    name: str,
    kind: str,
    *,
    created: str | None = None,
    tier: str | None = None,
    certified: bool = False,
    scopes: list[str] | None = None,
    organisation: int | None = None,
) -> Row:
    """An app as the table keeps it."""
    return {
        "client_id": client_id,
        "secret": secret,
        "name": name,
        "kind": kind,
        "created": created,
        "tier": tier,
        "certified": certified,
        "scopes": scopes,
        "organisation": organisation,
        "authorised": True,
        "redirect_uris": [],
    }
