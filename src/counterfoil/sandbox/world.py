"""The sandbox's whole state: organisations, apps, users, grants, connections, documents, request log, clock, faults.

Built once by `server`, changed by `identity`, `resources` and `control`, read (never written) by `pages`. Everything
that must outlive the process is in a `Table`, so that undo, stale reads and the state file need nothing else.
Reading it: `world.organisations()` are the books in order of number, `world.books(tenant_id)` one of them,
`books.table("Invoices").rows` its documents as finished wire objects by id, `world.log.rows` the request log.
"""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from counterfoil.sandbox import ledger, naming, wire
from counterfoil.sandbox.apps import Apps, new_row
from counterfoil.sandbox.books import Books
from counterfoil.sandbox.charts import Chart
from counterfoil.sandbox.clock import Clock, Ids, guid_of
from counterfoil.sandbox.egress import Egress
from counterfoil.sandbox.faults import Faults
from counterfoil.sandbox.log import RequestLog
from counterfoil.sandbox.options import Options
from counterfoil.sandbox.people import User
from counterfoil.sandbox.rendered import Rendered
from counterfoil.sandbox.tables import HISTORY_MAX, Change, Changes, Row, Table
from counterfoil.sandbox.unknowns import Unknowns

DEFAULT_SEED = 1
DEFAULT_USER = "alex@example.com"

# Fixed, so that a configuration made by `init` works with every sandbox. They open nothing but a sandbox.
CLIENT_ID = "5A4DB0C0FFEE40008320C0DEC0DE0001"
CLIENT_SECRET = "sandbox-secret-that-opens-nothing-else-0001"  # noqa: S105 - fixed on purpose: it protects a sandbox
PUBLIC_CLIENT_ID = "5A4DB0C0FFEE40008320C0DEC0DE0002"
CUSTOM_CLIENT_ID = "5A4DB0C0FFEE40008320C0DEC0DE0003"
WEBHOOK_KEY = "c2FuZGJveC13ZWJob29rLWtleS10aGF0LXNpZ25zLW5vdGhpbmctZWxzZQ=="


class Write(NamedTuple):
    """One committed write to an organisation, kept so that a stale read can look behind it."""

    at_s: float
    changes: list[Change]


class World:
    """See the module. `start` counts how often a state file was opened, so that ids never repeat."""

    def __init__(self, options: Options, seed: int, start: int = 0, own: tuple[Chart, ...] = ()) -> None:
        """`own`: the first organisations are somebody's own, with these charts."""
        self._own = own
        self.options = options
        self.writer: str | None = None  # the app whose write is about to be committed; None: nobody's app
        self.clock = Clock()
        self._begin(seed, start)

    def _begin(self, seed: int, start: int) -> None:
        self.seed = seed
        self.start = start
        self.ids = Ids(seed, start)
        self.log = RequestLog()
        self.faults = Faults()
        self.changes = Changes()
        self.rendered = Rendered()
        self.egress = Egress()
        self.meta = Table("world", "meta", self.changes)
        self.unknowns = Unknowns(self.options, self.meta)
        self.codes = Table("world", "codes", self.changes)
        self.grants = Table("world", "grants", self.changes)
        self.refresh_tokens = Table("world", "refresh_tokens", self.changes, {"grant": lambda row: row["grant"]})
        self.connections = Table(
            "world",
            "connections",
            self.changes,
            {"owner": lambda row: (row["client_id"], row["user_id"]), "tenant": lambda row: row["tenant_id"]},
        )
        self.kept_answers = Table("world", "kept_answers", self.changes)
        self.webhooks = Table("world", "webhooks", self.changes)
        self.webhook_events = Table("world", "webhook_events", self.changes, {"client": lambda row: row["client_id"]})
        self.app_subscriptions = Table("world", "app_subscriptions", self.changes)
        apps = Table("world", "apps", self.changes)
        self.apps = Apps(apps, self.options)
        self.apps.put(new_row(CLIENT_ID, CLIENT_SECRET, "Counterfoil Sandbox App", "web"))
        self.apps.put(new_row(PUBLIC_CLIENT_ID, None, "Counterfoil Sandbox App (PKCE)", "pkce"))
        self.apps.put(
            new_row(
                CUSTOM_CLIENT_ID,
                CLIENT_SECRET,
                "Counterfoil Sandbox Custom Connection",
                "custom",
                organisation=1,
            )
        )
        self._tables = {
            table.name: table
            for table in (
                self.meta,
                self.codes,
                self.grants,
                self.refresh_tokens,
                self.connections,
                self.kept_answers,
                apps,
                self.webhooks,
                self.webhook_events,
                self.app_subscriptions,
            )
        }
        self._books: dict[str, Books] = {}
        self._history: dict[str, deque[Write]] = {}
        self._opening: set[str] = set()  # books that were filled since the last commit
        self._unseen: str | None = None  # books that live their past just now

    def renew(self, seed: int) -> None:
        """Everything anew, as a sandbox started with this seed.

        The signing key stays, so that tokens from before are good but find nothing.
        """
        key = self.meta.get("signing_key")
        self.clock.advanced_s = 0.0
        self._begin(seed, self.start)
        if key is not None:
            self.meta.put("signing_key", key)
        for number in range(1, self.options.organisations + 1):
            self.open_books(number)

    def organisations(self) -> list[Books]:
        """All books in order of number."""
        return sorted(self._books.values(), key=lambda books: books.number)

    def books(self, tenant_id: str) -> Books | None:
        """The books behind a tenant id; letters may be in either case."""
        return self._books.get(tenant_id.lower())

    def books_named(self, key: str) -> Books | None:
        """Books by tenant id or short code."""
        found = self.books(key)
        return found or next((books for books in self.organisations() if books.organisation["ShortCode"] == key), None)

    def advance(self, seconds: float) -> None:
        """Move the clock forward; a state file remembers it."""
        self.clock.advance(seconds)
        self.meta.put("clock", {"advanced_s": self.clock.advanced_s})

    def user(self, email: str = DEFAULT_USER) -> User:
        """The person with this e-mail address; everybody exists."""
        given = email.partition("@")[0].replace(".", " ").title() or "Alex"
        first, _, last = given.partition(" ")
        return User(guid_of(f"{self.seed}/user/{email.casefold()}"), email.casefold(), first, last or "Ledger")

    def disconnect(self, books: Books, client_id: str | None = None, *, ends: bool = True) -> None:
        """A person disconnects an organisation in Xero, from one app or from all; or takes it back (`ends` False)."""
        for row in self.connections.find("tenant", books.tenant_id):
            if client_id in {None, row["client_id"]}:
                self.connections.put(row["id"], {**row, "disconnected": ends})
        for app in self.apps.values():
            if app.kind == "custom" and app.organisation == books.number and client_id in {None, app.client_id}:
                self.apps.put({**self.apps.rows[app.client_id], "authorised": not ends})

    def has_broad_scopes(self) -> bool:
        """Whether broad scopes still count for anything."""
        return self.clock.now().date() < self.unknowns.broad_scopes_end

    def books_of_custom(self, client_id: str) -> Books | None:
        """The one organisation of a custom connection, unless it waits to be authorised (again)."""
        app = self.apps.get(client_id)
        if app is None or app.kind != "custom" or not app.authorised:
            return None
        return next((books for books in self.organisations() if books.number == app.organisation), None)

    def add_books(self, number: int, incarnation: int) -> Books:
        """Empty books for organisation `number`; the caller fills or restores them."""
        tenant_id = naming.tenant_id_of(self.seed, number, incarnation)
        own = self._own[number - 1] if number <= len(self._own) else None
        country = naming.country_of(number) if own is None else own.organisation["CountryCode"]
        books = Books(number, country, tenant_id, self.changes, own, self.unknowns)
        self._books[tenant_id] = books
        self._history[tenant_id] = deque(maxlen=HISTORY_MAX)
        return books

    def open_books(self, number: int, incarnation: int = 0) -> Books:
        """New books for organisation `number`, filled from its country's chart."""
        books = self.add_books(number, incarnation)
        self.meta.put(f"organisation/{number}", {"number": number, "incarnation": incarnation})
        books.open(self.clock.now(), seed=self.seed, incarnation=incarnation)
        self._opening.add(books.tenant_id)
        return books

    @contextmanager
    def before_anybody_looked(self, books: Books, ids: Ids) -> Iterator[None]:
        """What is committed in the block gets its ids from here, and no stale read looks behind it."""
        own, self.ids = self.ids, ids
        self._unseen = books.tenant_id
        try:
            yield
        finally:
            self.ids, self._unseen = own, None

    def restore_books(self, number: int, incarnation: int) -> None:
        """Empty books while a state file is read; those of an earlier incarnation close."""
        for books in self.organisations():
            if books.number == number:
                if books.tenant_id == naming.tenant_id_of(self.seed, number, incarnation):
                    return
                self.close_books(books)
        self.add_books(number, incarnation)

    def all_tables(self) -> list[Table]:
        """Every table; the world's first, since they say which books there are."""
        return [*self._tables.values(), *(table for books in self.organisations() for table in books.tables.values())]

    def close_books(self, books: Books) -> None:
        """An organisation that was reset: its tenant id is gone, and so are the connections to it."""
        del self._books[books.tenant_id]
        del self._history[books.tenant_id]
        for connection in self.connections.find("tenant", books.tenant_id):
            self.connections.drop(connection["id"])

    def table(self, space: str, name: str) -> Table | None:
        """A table by where the journal says it is; None: of books that are closed."""
        if space == "world":
            return self._tables[name]
        books = self._books.get(space)
        return None if books is None else books.tables[name]

    def commit(self, keep: Callable[[list[Change]], None] | None = None) -> None:
        """End a write: its ledger entries are posted, `keep` has it, and nothing can undo it any more.

        What cannot be posted or kept is undone, and the error raised: nobody sees what a restart would lose.
        What filled new books is no write that a stale read could look behind: before it there was no organisation.
        """
        try:
            self.post()
            if keep is not None:
                keep(self.changes.pending)
        except Exception:
            self.changes.roll_back(0)
            raise
        changes = self.changes.take()
        opening, self._opening = self._opening, set()
        for space in {change.table.space for change in changes} & self._history.keys() - opening - {self._unseen}:
            mine = [change for change in changes if change.table.space == space]
            self._history[space].append(Write(self.clock.seconds(), mine))

    def post_unposted(self) -> None:
        """Post what a state file from before there were journals holds."""
        for books in self._books.values():
            if not len(books.table("journals")):
                rows = [(table, key, row) for table in books.tables.values() for key, row in table.rows.items()]
                changes = [Change(table, key, None, row) for table, key, row in rows]
                ledger.follow(books, changes, wire.stamp(self.clock.now()))

    def post(self) -> None:
        """Post what the pending changes of documents mean to each ledger."""
        pending = list(self.changes.pending)
        for tenant_id in {change.table.space for change in pending} & self._books.keys():
            ledger.follow(self._books[tenant_id], pending, wire.stamp(self.clock.now()))

    def writes_to_hide(self, tenant_id: str, within_s: float | None) -> list[list[Change]]:
        """What a stale read leaves out, oldest first: the last write, or all of the last `within_s` seconds."""
        writes = self._history.get(tenant_id, deque())
        if within_s is None:
            return [write.changes for write in list(writes)[-1:]]
        since = self.clock.seconds() - within_s
        return [write.changes for write in writes if write.at_s >= since]

    def connection_of(self, client_id: str, user_id: str | None, tenant_id: str) -> Row | None:
        """The live connection that lets this app's user into this tenant; `user_id` None: any user's."""
        for row in self.connections.find("tenant", tenant_id.lower()):
            if row["client_id"] == client_id and user_id in {None, row["user_id"]} and not row["disconnected"]:
                return row
        return None
