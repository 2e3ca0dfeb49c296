"""What a feed would write, and today's documents for a feed that keeps a table: `feeds try` and `feeds fill`.

Called by cli/feeds_try. Reads our own tables; makes no call to Xero. Filling may be killed and repeated, and runs beside the service:
each page of documents is written with the number of the newest change of the same moment, and a table keeps what is newer.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from counterfoil import errors
from counterfoil.delivery import shaping
from counterfoil.delivery.feed import Feed
from counterfoil.delivery.outcome import NotDelivered
from counterfoil.delivery.outlet import Fillable
from counterfoil.delivery.sinks import Tools
from counterfoil.mirror import described
from counterfoil.mirror.meaning import naming, words
from counterfoil.model import spelling
from counterfoil.model.change import Change
from counterfoil.model.prepared import Finding
from counterfoil.model.whole import Whole
from counterfoil.store import beginnings, feeds, happenings, mirrored, outward
from counterfoil.store.database import Connection
from counterfoil.store.mirrored import Mirrored

PAGE: Final = 500  # documents of one transaction
LOOKED_AT_MAX: Final = 20_000  # changes that are looked through for the newest that a feed wants
LAST_MAX: Final = 1_000
WHY_MAX: Final = 5  # reasons of documents that a table refuses
_ENCODER: Final = msgspec.json.Encoder(decimal_format="string")
Progress = Callable[[str, str, int], None]  # entity, resource, documents


class Tried(msgspec.Struct, frozen=True):
    """One change and its rows. `blank`: why a value could not be worked out."""

    change: str
    type: str
    entity: str
    document_id: str
    rows: tuple[Mapping[str, Any], ...]
    blank: tuple[str, ...] = ()


class Preview(msgspec.Struct, frozen=True):
    """What a feed would write. `of`: "changes", or "documents" where no kept change is wanted. `target`: what its table lacks."""

    feed: str
    of: str
    columns: tuple[str, ...]
    found: tuple[Tried, ...]
    target: str = ""


class Filled(msgspec.Struct, frozen=True):
    """One resource of an entity: documents written, newer in the table already, and not read whole yet.

    `refused`: that the table does not take; `why`: of the first of them.
    """

    entity: str
    resource: str
    written: int = 0
    newer: int = 0
    incomplete: int = 0
    refused: int = 0
    why: tuple[str, ...] = ()


class _At(msgspec.Struct, frozen=True):
    """How far a filling came."""

    entity: str
    resource: str
    after: str


async def preview(books: Any, name: str, last: int) -> Preview:
    """The rows of the newest `last` changes that the feed wants, oldest first; of documents where there are none.

    Writes nothing. Raises ConfigurationError for an unknown name.
    """
    one = _feed(books, name)
    shaped = shaping.compiled(one.settings)
    assert isinstance(shaped, shaping.Shape), "it is compiled already"
    most = min(max(last, 1), LAST_MAX)
    changes = await books.database.read(lambda conn: _newest(conn, one, most))
    of = "changes" if changes else "documents"
    if not changes:
        changes = await books.database.read(lambda conn: _documents(conn, one, most))
    found = tuple(_tried(change, shaped) for change in changes)
    columns = tuple(column.name for column in shaped.mapper.columns) if shaped.mapper else ()
    return Preview(name, of, columns, found, await _target(books, one))


async def _target(books: Any, one: Feed) -> str:
    outlet = _outlet(books, one)
    if not isinstance(outlet, Fillable):
        return ""
    try:
        return await outlet.look()
    except NotDelivered as failure:
        return f"The target cannot be used now: {failure.reason}."
    finally:
        await outlet.close()


def _tried(change: Change, shaped: shaping.Shape) -> Tried:
    findings: list[Finding] = []
    rows = tuple(shaped.rows(change, findings))
    blank = tuple(dict.fromkeys(f"{one.field}: {one.reason}" for one in findings))
    return Tried(change.id, change.type, change.entity, change.document_id, rows, blank)


def _newest(conn: Connection, one: Feed, most: int) -> list[Change]:
    """The newest changes that a feed wants, oldest first; snapshots too, whose rows are the same."""
    tenants = {tenant: entity for tenant, entity in outward.entities(conn).items() if _is_about(one, entity)}
    found: list[Change] = []
    end = feeds.newest(conn)
    lowest = max(0, end - LOOKED_AT_MAX)
    while end > lowest and len(found) < most:
        begin = max(lowest, end - happenings.PAGE_MAX)
        page = [kept for kept in happenings.after(conn, begin, list(tenants), happenings.PAGE_MAX) if kept.n <= end]
        wanted = [kept for kept in page if one.settings.wants(kept.name, tenants[kept.tenant_id], snapshot=False)]
        found = outward.told(conn, wanted, tenants) + found
        end = begin
    return found[-most:]


def _documents(conn: Connection, one: Feed, most: int) -> list[Change]:
    """Some documents as `fill` would write them."""
    found: list[Change] = []
    for tenant, entity in sorted(outward.entities(conn).items(), key=lambda pair: pair[1]):
        for resource in _resources(one) if _is_about(one, entity) else ():
            page = mirrored.page(conn, tenant, resource, most=most)
            found += [
                change for row in page if (change := _change(row, entity, 0)) is not None and _is_wanted(one, change)
            ]
            if len(found) >= most:
                return found[:most]
    return found


async def fill(books: Any, name: str, *, anew: bool = False, progress: Progress = lambda *_: None) -> list[Filled]:
    """Write every mirrored document of the feed's resources to its table; → what was done, by entity and resource.

    Goes on where one that was interrupted stopped; `anew` begins again and writes whatever the table has (after a restore).
    Raises ConfigurationError, NotFound for a feed that cannot be filled, RunAgain when the table cannot be written now.
    """
    one = _feed(books, name)
    outlet = _outlet(books, one)
    if not isinstance(outlet, Fillable):
        raise errors.ConfigurationError(
            f"[feeds.{name}] goes to {one.to}, which keeps no table that could be filled.",
            remedy='snapshot = true hands over what a first load brings; from = "start" all changes that are kept.',
        )
    try:
        return await _Filling(books, one, outlet, anew=anew, progress=progress).run()
    except NotDelivered as failure:
        raise errors.RunAgain(
            f"The table of {name} does not take it: {failure.reason}.",
            remedy="Mend that and run the same command again: it goes on where it stopped.",
        ) from failure
    finally:
        await outlet.close()


class _Filling:
    """One filling of one feed."""

    def __init__(self, books: Any, one: Feed, outlet: Fillable, *, anew: bool, progress: Progress) -> None:
        self._database, self._feed, self._outlet = books.database, one, outlet
        self._anew, self._progress = anew, progress
        self._id = one.settings.id

    async def run(self) -> list[Filled]:
        entities = await self._database.read(outward.entities)
        turns = [
            (tenant, entity, resource)
            for tenant, entity in sorted(entities.items(), key=lambda pair: pair[1])
            if _is_about(self._feed, entity)
            for resource in _resources(self._feed)
        ]
        at = await self._reached()
        names = [(entity, resource) for _tenant, entity, resource in turns]
        begin = names.index((at.entity, at.resource)) if at is not None and (at.entity, at.resource) in names else 0
        found = []
        for n, (tenant, entity, resource) in enumerate(turns[begin:]):
            after = at.after if at is not None and not n and names[begin] == (at.entity, at.resource) else ""
            found.append(await self._resource(tenant, entity, resource, after))
        await self._reach(None)
        return found

    async def _resource(self, tenant: str, entity: str, resource: str, after: str) -> Filled:
        done = Filled(entity, resource)
        while True:
            newest, page = await self._database.read(lambda conn, at=after: _page(conn, tenant, resource, at))
            if not page:
                return done
            whole = [row for row in page if not row.missing]
            changes = [
                change
                for row in whole
                if (change := _change(row, entity, newest)) is not None and _is_wanted(self._feed, change)
            ]
            written, why = await self._write(changes)
            after = page[-1].document_id
            await self._reach(_At(entity, resource, after))
            done = Filled(
                entity, resource, done.written + written, done.newer + len(changes) - written - len(why),
                done.incomplete + len(page) - len(whole), done.refused + len(why), (*done.why, *why)[:WHY_MAX],
            )  # fmt: skip
            self._progress(entity, resource, len(page))

    async def _write(self, changes: Sequence[Change]) -> tuple[int, list[str]]:
        """How many were written, and why others were refused: one that is refused keeps no other from the table."""
        if not changes:
            return 0, []
        try:
            return await self._outlet.fill(changes, anew=self._anew), []
        except NotDelivered as failure:
            if failure.target_is_down:
                raise
            if len(changes) == 1:
                return 0, [f"{changes[0].document_id}: {failure.reason}"]
        written = 0
        why: list[str] = []
        for change in changes:
            one, refused = await self._write([change])
            written, why = written + one, [*why, *refused]
        return written, why

    async def _reached(self) -> _At | None:
        text = None if self._anew else await self._database.read(lambda conn: beginnings.reached(conn, self._id))
        return msgspec.json.decode(text, type=_At) if text else None

    async def _reach(self, at: _At | None) -> None:
        text = "" if at is None else msgspec.json.encode(at).decode()
        await self._database.run(lambda conn: beginnings.reach(conn, self._id, text))


def _page(conn: Connection, tenant: str, resource: str, after: str) -> tuple[int, list[Mirrored]]:
    """The newest change's number first: what the documents say then is that or newer."""
    newest = feeds.newest(conn)
    return newest, mirrored.page(conn, tenant, resource, after=after, most=PAGE)


def _change(row: Mirrored, entity: str, n: int) -> Change | None:
    """A document as a change that says what it is now. None: it cannot be read."""
    document = msgspec.json.decode(
        _ENCODER.encode(dict(Whole(row.body))), type=dict[str, Any]
    )  # amounts are text there
    is_gone = row.deleted_at is not None
    return Change(
        id=f"{row.document_id}", type=f"{naming.word(row.resource, document)}.{'deleted' if is_gone else 'created'}",
        entity=entity, tenant_id=row.tenant_id, resource=row.resource, document_id=row.document_id, n=n, turn=0,
        stamp=row.stamp, seen_at=row.seen_at, by="others", posting=None, snapshot=True, fields=(),
        before=document if is_gone else None, after=None if is_gone else document,
    )  # fmt: skip


def _is_about(one: Feed, entity: str) -> bool:
    return one.settings.entities is None or entity in one.settings.entities


def _is_wanted(one: Feed, change: Change) -> bool:
    """Whether the feed is about documents of this word: `invoice.*` wants no bills."""
    word = change.type.partition(".")[0]
    return any(pattern.partition(".")[0] in ("*", word) for pattern in one.settings.on)


def _resources(one: Feed) -> Sequence[str]:
    """The mirror's resources of which documents may be wanted."""
    wanted = {pattern.partition(".")[0] for pattern in one.settings.on}
    kinds = {each.name: words.KINDS[each.name] for each in described.ALL}
    return [name for name, kind in kinds.items() if "*" in wanted or wanted & {kind.word, *kind.by_type.values()}]


def _outlet(books: Any, one: Feed) -> Any:
    return one.outlet(Tools(clock=books.clock, folder=books.settings.path.parent))


def _feed(books: Any, name: str) -> Feed:
    if name not in books.feeds:
        raise errors.ConfigurationError(f"There is no feed {name!r}.", remedy=spelling.suggestion(name, books.feeds))
    found: Feed = books.feeds[name]
    return found
