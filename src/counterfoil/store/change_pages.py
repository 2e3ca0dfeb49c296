"""The kept changes in pages, for whoever asks for them over HTTP: in the order of n, as everybody outside sees them.

Called by app/change_feed. A page looks at a bounded stretch of numbers: where few changes are of those asked for it holds fewer
than it may, or none, and goes on behind that stretch.
"""

from collections.abc import Collection, Mapping
from typing import Final

import msgspec
import sqlalchemy as sa

from counterfoil.model.change import Change
from counterfoil.store import outward, schema
from counterfoil.store.database import Connection
from counterfoil.store.happenings import Kept

STRETCH_MAX: Final = 10_000  # numbers that one page looks at
BYTES_MAX: Final = 8 << 20  # of one page's changes; the first is always in it
_H, _L = schema.happenings, schema.happenings_last


class Ends(msgspec.Struct, frozen=True):
    """`newest`: the last number given; `oldest`: the one behind which what is kept begins. Both 0: nothing ever happened."""

    oldest: int
    newest: int


class Page(msgspec.Struct, frozen=True):
    """Changes in the order of n. `next`: the number behind which to go on; `more`: there is something behind it already."""

    changes: list[Change]
    next: int
    more: bool


def newest(conn: Connection) -> int:
    """The last number given."""
    return conn.execute(sa.select(_L.c.n)).scalar() or 0


def ends(conn: Connection) -> Ends:
    """Where what is kept begins and ends."""
    last = newest(conn)  # first: on Postgres the next statement may see later ones
    oldest = conn.execute(sa.select(sa.func.min(_H.c.n))).scalar()
    return Ends(last if oldest is None else min(oldest - 1, last), last)


def page(
    conn: Connection, after: int, tenants: Mapping[str, str], names: Collection[str] | None, *, snapshots: bool, most: int
) -> Page:  # fmt: skip
    """The next changes behind a number. `tenants`: tenant → entity, no others' changes; `names` None: whatever they are."""
    last = newest(conn)
    first = conn.execute(sa.select(sa.func.min(_H.c.n)).where(_H.c.n > after)).scalar()
    begin = after if first is None else first - 1  # numbers were skipped when a copy was put back
    end = last if first is None else min(last, begin + STRETCH_MAX)
    query = sa.select(_H).where(_H.c.n > after, _H.c.n <= end, _H.c.tenant_id.in_(tenants)).order_by(_H.c.n)
    if names is not None:
        query = query.where(_H.c.name.in_(names))
    if not snapshots:
        query = query.where(_H.c.snapshot.is_(False))
    found: list[Kept] = []
    size = 0
    for row in conn.execute(query.limit(most)):
        size += len(row.body)
        if found and size > BYTES_MAX:
            end = found[-1].n
            break
        found.append(Kept(*row))
    if len(found) == most:
        end = found[-1].n
    return Page(outward.told(conn, found, tenants), max(end, after), end < last)
