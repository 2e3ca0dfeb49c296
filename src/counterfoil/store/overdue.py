"""Which due dates were told as passed, and up to which day each organisation was looked through. Called by mirror and app."""

import datetime
from collections.abc import Mapping

import sqlalchemy as sa

from counterfoil.store import schema
from counterfoil.store.documents import upsert
from counterfoil.store.prepared import Among, Prepared

t, s = schema.overdue_told.c, schema.overdue_sweeps.c
_TOLD = Prepared(
    sa.select(t.document_id, t.due).where(t.tenant_id == sa.bindparam("tenant_id"), Among(t.document_id, "those"))
)
_SWEPT = Prepared(sa.select(s.day).where(s.tenant_id == sa.bindparam("tenant_id")))


def untold(conn: sa.Connection, tenant_id: str, dues: Mapping[str, datetime.date]) -> dict[str, datetime.date]:
    """Of these due dates, by document, those that were not told."""
    told = set(_TOLD.tuples(conn, tenant_id=tenant_id, those=list(dues))) if dues else set()
    return {each: due for each, due in dues.items() if (each, due) not in told}


def tell(conn: sa.Connection, tenant_id: str, dues: Mapping[str, datetime.date]) -> None:
    """These, which `untold` gave in this transaction, are told."""
    if dues:
        rows = [{"tenant_id": tenant_id, "document_id": each, "due": dues[each]} for each in sorted(dues)]
        conn.execute(sa.insert(schema.overdue_told), rows)


def swept(conn: sa.Connection, tenant_id: str) -> datetime.date | None:
    """The last day that was looked through, on the organisation's own calendar; None: none was."""
    day: datetime.date | None = _SWEPT.first(conn, tenant_id=tenant_id)
    return day


def sweep(conn: sa.Connection, tenant_id: str, day: datetime.date) -> None:
    """A day was looked through to its end."""
    upsert(conn, schema.overdue_sweeps, [{"tenant_id": tenant_id, "day": day}])
