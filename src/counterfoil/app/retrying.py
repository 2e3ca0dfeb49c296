"""Plan records again from what we keep of them, without their file: through the fixes, the checks and the mirror.

Called by troubles (`problems retry`) and fixing (`problems unfix`). Reads from Xero as a run does while it plans; sends
nothing. Idempotent: a record that is decided as before stays as it was.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

from counterfoil.app.running import Runner
from counterfoil.model import fixes, sheet
from counterfoil.model.fixes import Fix
from counterfoil.sources import Row
from counterfoil.store import credited, postings, runs
from counterfoil.store import fixes as stored
from counterfoil.store.database import Connection
from counterfoil.store.postings import Posting
from counterfoil.store.problems import NOTHING, SOURCE_DECIDES, STANDS_TWICE
from counterfoil.store.runs import BadRow

HELD_BY_THE_RECORD = (
    "before-",
    "contact-",
    STANDS_TWICE,
)  # a day that is closed, a customer who is not found, its rows
NO_RECORDS = (credited.CREDIT, credited.ALLOCATION)  # postings that credit an invoice: no record is kept of them
NO_RECORD = b"null"  # what is kept of a row of which no record could be made


def is_record(raw: bytes | None) -> bool:
    """Whether a record can be planned of what is kept of a row."""
    return raw is not None and raw != NO_RECORD and not sheet.is_part(raw)


async def plan_again(books: Any, ids: Sequence[int], why: str, bad: Sequence[BadRow] = ()) -> int:
    """Plan the kept records of these postings, and of rows that had none, again; → how many are now planned or found posted."""
    found = await books.database.read(lambda conn: postings.many(conn, ids))
    kept = await books.database.read(lambda conn: stored.kept(conn, list(found)))
    flows = {flow.id: flow for flow in books.flows.values()}
    passed = 0
    for flow_id in sorted({one.flow_id for one in (*found.values(), *bad)} & flows.keys()):
        rows = [
            Row(one.source, kept[one.id].record, _hash(kept[one.id].record))
            for one in sorted(found.values(), key=lambda one: one.id)
            if one.flow_id == flow_id and one.id in kept and kept[one.id].record != NO_RECORD
        ]
        mine = [one for one in bad if one.flow_id == flow_id and is_record(one.record)]
        rows += [Row(one.source, one.record or b"", one.content_hash) for one in mine]
        if rows:
            report = await Runner(books).again(flows[flow_id], rows, why)
            passed += report.planned + report.posted + report.adopted
            await books.database.run(lambda conn, of=mine, by=report.run: _close(conn, of, by))
    return passed


def _hash(record: bytes) -> str:
    """The hash that the source gave the record: of its rows when it was made of rows, else of its line."""
    rows = sheet.unpack(record)
    return hashlib.sha256(record).hexdigest() if rows is None else sheet.rows_hash(rows)


def _close(connection: Connection, rows: Sequence[BadRow], run_id: int) -> None:
    runs.close_rows_made(connection, [one.id for one in rows], run_id)


async def to_read_again(books: Any, stuck: Sequence[Posting]) -> list[int]:
    """Which of these are decided anew from their kept record; for the others Xero's word or the source's is needed.

    Those that never passed the checks, that a date or a customer holds, and that a fix speaks for.
    """
    unsent = [
        one
        for one in stuck
        if one.state in ("held", "rejected") and one.cause not in SOURCE_DECIDES and one.kind not in NO_RECORDS
    ]
    kept = await books.database.read(lambda conn: stored.kept(conn, [one.id for one in unsent]))
    current: dict[str, list[Fix]] = {}
    for flow_id in {one.flow_id for one in unsent}:
        current[flow_id] = await books.database.read(lambda conn, of=flow_id: stored.current(conn, of))
    return [one.id for one in unsent if one.id in kept and _record_decides(one, kept[one.id], current[one.flow_id])]


def _record_decides(one: Posting, kept: stored.Kept, current: Sequence[Fix]) -> bool:
    cause = fixes.base_cause(one.cause or "")
    if kept.element == NOTHING or one.after_id is None or cause.startswith(HELD_BY_THE_RECORD):  # None: no customer yet
        return True
    return any(
        (fix.external_ids is None or one.external_id in fix.external_ids) and (fix.by_name or cause == fix.cause)
        for fix in current
    )
