"""What a repair does not believe of our own tables: a row that Xero's answer contradicts, though its stamp says that it is newer.

Called by mirroring, for `repair` alone: what Xero showed twice is so, whatever is held. What is younger than a read may be behind
the truth (OVERLAP) is left, since then the answer is the older one; what is later than Xero's own clock is nobody's. Facts §4.3.
"""

import datetime
import functools
from collections.abc import Sequence
from typing import Any

from counterfoil.mirror import indexing
from counterfoil.mirror.catching_up import OVERLAP
from counterfoil.mirror.indexing import Marker
from counterfoil.mirror.reading import Seen, Stamp
from counterfoil.model import record
from counterfoil.store import documents, mirrored
from counterfoil.store.database import Connection


def is_settled(stamp: Stamp, at: datetime.datetime) -> bool:
    """An answer of that time has to show it: it is old enough, or of a time that has not come. None: it has no stamp."""
    return stamp is None or not at - OVERLAP < stamp <= at + OVERLAP


def doubtful(
    conn: Connection, tenant: str, resource: str, rows: Sequence[Seen], at: datetime.datetime
) -> dict[str, Stamp]:
    """Documents that are held newer than they are shown, and should not be: id → the stamp that is held."""
    shown = {row.document_id: row.stamp for row in rows}
    return {
        one: stamp
        for one, stamp, seen_at in mirrored.times(conn, tenant, resource, list(shown))
        if seen_at > at + OVERLAP or (_is_later(stamp, shown[one]) and is_settled(stamp, at))
    }


def mend(
    conn: Connection, tenant: str, resource: str, rows: Sequence[Seen], at: datetime.datetime, find_marker: Marker
) -> list[str]:
    """What postings look up by, made of the rows that are held as they are shown; → ids of which it was wrong."""
    type_: Any = indexing.TYPES[resource]
    held = {one: stamp for one, stamp, _seen in mirrored.times(conn, tenant, resource, [r.document_id for r in rows])}
    typed = [record.decode(type_, row.body) for row in rows if held.get(row.document_id) == row.stamp]
    is_doubtful = functools.partial(is_settled, at=at)
    return indexing.mend(conn, tenant, resource, typed, find_marker, is_doubtful)


def invented(conn: Connection, tenant: str, resource: str, seen: set[str], at: datetime.datetime) -> list[str]:
    """What postings could look up and Xero does not show."""
    if resource not in indexing.TYPES:
        return []
    known = documents.stamps(conn, indexing.table(resource), tenant, resource)
    return [one for one, stamp in known if one not in seen and is_settled(stamp, at)]


def _is_later(stamp: Stamp, than: Stamp) -> bool:
    return stamp is not None and than is not None and stamp > than
