"""`recover`: a database that is new, restored or older than its sentinel must read Xero before it creates anything.

Called by app at opening and by finishing before the first create of a resource. An old copy has forgotten what was sent
since: its planned postings may be at Xero, and so may be those of its requests that it never sent. So no key of the copy
is used again, nothing is asked before every request that may still run at Xero has ended, and every mark of ours that
Xero then shows is adopted, whatever its number is now. Cost: 1 call per resource, and 1 per 1,000 documents.
"""

import datetime
from collections.abc import Sequence

from counterfoil.mirror.catching_up import CatchUp
from counterfoil.posting import deciding, recording
from counterfoil.posting.judging import ItemVerdict
from counterfoil.posting.rules import Rules
from counterfoil.posting.sentinel import Mark, Sentinel, is_restored
from counterfoil.store import documents, happenings, locks, payments, postings, requests
from counterfoil.store.database import Connection, Database
from counterfoil.store.documents import Document
from counterfoil.store.installation import RESTORED
from counterfoil.store.meta import get_meta, set_meta
from counterfoil.store.postings import Brief
from counterfoil.xero.client import XeroClient

QUIET_UNTIL = "recover_after"  # in meta: before this, a request of the forgotten time may still run at Xero
DAY = datetime.timedelta(days=1)


async def check(database: Database, sentinel: Sentinel, rules: Rules) -> bool:
    """Notice an old copy and distrust what it believes; → whether it is one."""

    def work(connection: Connection) -> tuple[bool, str, int, datetime.datetime | None]:
        locks.hold(connection, "installation")
        mark = sentinel.read()  # before the count: another process may be counting on
        installation = get_meta(connection, "installation_id") or ""
        sequence = requests.sequence(connection)
        put_back = get_meta(connection, RESTORED)
        restored = bool(put_back) or is_restored(mark, installation, sequence, sentinel.inode())
        newest = requests.newest_attempt(connection)
        if restored:
            now = database.now(connection)
            distrust(connection, mark, newest, rules, now)
            if put_back and not mark:  # nobody knows when the last request of the forgotten time began
                set_meta(connection, QUIET_UNTIL, (datetime.datetime.fromisoformat(put_back) + rules.lease).isoformat())
            set_meta(connection, RESTORED, "")
            happenings.skip(connection)
            if mark is not None and mark.installation_id == installation:
                sequence = requests.count_from(connection, mark.sequence)  # the sentinel never goes back
                newest = max(filter(None, (newest, mark.last_attempt)), default=None)
        return restored, installation, sequence, newest

    restored, installation, sequence, newest = await database.run(work)
    if sequence or restored:  # only after the distrust is on disk: the sentinel is what would tell again
        sentinel.move(installation, sequence, newest or database.clock.now())
    return restored


def distrust(
    connection: Connection, mark: Mark | None, newest: datetime.datetime | None, rules: Rules, now: datetime.datetime
) -> None:
    """Nothing that this copy believes to be unsent is sent before Xero was read again."""
    # Of a mark that cannot be read, the last attempt may have begun this very moment.
    last = newest if mark is None else mark.last_attempt or now
    if last is not None:
        set_meta(connection, QUIET_UNTIL, (last + rules.lease).isoformat())
    documents.distrust_cursors(connection, newest - DAY if newest else None)
    payments.doubt(connection)
    for request in requests.all_open(connection):
        if request.attempts == 0:
            recording.abandon(connection, request, now)
        else:  # twice unclear: its key is never used again, it is looked at
            recording.unclear(connection, request, "the database was restored.", rules, now)
            again = requests.get(connection, request.id)
            if again.unclear_attempts == 1:
                recording.unclear(connection, again, "the database was restored.", rules, now)
            # What a look did not find before the copy was made may have been made since.
            requests.change(connection, requests.get(connection, request.id), {"looks": 0, "last_look": None})


def quiet_until(connection: Connection) -> datetime.datetime | None:
    """Until when a restored database asks and sends nothing; None: it may."""
    text = get_meta(connection, QUIET_UNTIL)
    return datetime.datetime.fromisoformat(text) if text else None


async def catch_up_safely(
    database: Database, client: XeroClient, catch_up: CatchUp, resource: str, *, lane: str
) -> None:
    """Catch the mirror up, and adopt; in a restored database not before what may still run at Xero has ended."""
    tenant = client.binding.tenant_id
    cursor = await database.read(lambda conn: documents.cursor(conn, tenant, resource))
    await quiet(database)
    await catch_up(client, resource, lane=lane)
    if not cursor.recovered:
        await database.run(lambda conn: adopt_marked(conn, tenant, resource, database.now(conn)))


async def quiet(database: Database) -> None:
    """Wait until no request of a forgotten time can still run at Xero."""
    after = await database.read(quiet_until)
    if after is not None:
        await database.clock.sleep(max(0.0, (after - database.clock.now()).total_seconds()))


def adopt_marked(connection: Connection, tenant: str, resource: str, now: datetime.datetime) -> int:
    """Adopt documents of planned postings that carry our mark already; → how many."""
    locks.hold_tenants(connection, [tenant])
    found = {posting.id: posting for posting, _document in postings.markers_found(connection, tenant, resource)}
    return len(found) - len(sift(connection, list(found.values()), now))


def sift(connection: Connection, chosen: Sequence[Brief], now: datetime.datetime) -> list[Brief]:
    """Those planned postings of one resource whose mark no document of the mirror carries; the others are adopted or held.

    Asked before every freeze: what was held or rejected, and is tried again, may have been made in a forgotten time, or
    voided or copied by a person.
    """
    grouped: dict[str, list[Document]] = {}
    marks = [posting.marker for posting in chosen if posting.marker]
    if marks:
        first = chosen[0]
        for document in documents.documents_by(connection, first.tenant_id, first.resource, "marker", marks):
            grouped.setdefault(document.marker or "", []).append(document)
    for posting in chosen:
        if posting.marker in grouped:
            _settle(connection, posting, grouped[posting.marker], now)
    return [posting for posting in chosen if posting.marker not in grouped]


def _settle(connection: Connection, posting: Brief, ours: Sequence[Document], now: datetime.datetime) -> None:
    decision = deciding.adopt_or_hold(ours)
    document, finding = decision.document, decision.finding
    if decision.action == "adopt" and document is not None:
        owner = postings.by_document(connection, posting.tenant_id, posting.resource, [document.document_id])
        if not owner:
            verdict = ItemVerdict(0, "posted", document.document_id, document.number)
            recording.write_posted(connection, [(posting.id, verdict)], "adopted", now)
            return
        finding = deciding.taken_by_posting(owner[document.document_id])
    assert finding is not None
    recording.write_held(connection, {posting.id: finding}, "held", now)
