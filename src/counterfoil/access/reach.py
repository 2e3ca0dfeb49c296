"""What a grant reaches, kept together with what follows from it for bindings.

Called by granting and connections (keep), tokens (still_the_same). A call of a custom connection names no tenant: Xero
takes its one organisation (facts §1.2). So a custom connection that leads elsewhere now gives no token, and the entities
that were bound through it are stopped. What is not noticed: a change while an access token of before still lives, which
is half an hour at most.
"""

import datetime
from typing import Final

from counterfoil import errors
from counterfoil.access.audit import NO_ENTITY, AuditLog
from counterfoil.store import bindings, grants, notices
from counterfoil.store.database import Database
from counterfoil.store.grants import Connected
from counterfoil.xero import identity
from counterfoil.xero.transport import Transport

STOPPED: Final = "stopped"  # the kind of the notice; its subject is the entity
ELSEWHERE: Final = "The custom connection leads to another organisation now."
REMEDY: Final = "If that is right: run `counterfoil connect`, `counterfoil entities unbind` and bind it anew."


def keep(
    conn: grants.Connection,
    audit: AuditLog,
    grant_id: str,
    rows: list[Connected],
    *,
    is_custom: bool,
    now: datetime.datetime,
) -> None:
    """Store what a grant reaches now, in the caller's transaction, whose time `now` is.

    Bindings to these tenants whose own grant is lost, or reaches them no longer, go on with this one. Bindings of a
    custom connection that leads elsewhere are stopped. What is reached no longer goes into the audit log.
    """
    gone = grants.replace_connections(conn, grant_id, rows)
    acts: list[tuple[str, str, dict[str, str]]] = []
    for tenant in gone:
        whose = bindings.of_tenant(conn, tenant)
        acts.append((whose.entity if whose else NO_ENTITY, "connection gone", {"tenant": tenant, "grant": grant_id}))
    tenants = [row.tenant_id for row in rows]
    acts += [(entity, "regranted", {"grant": grant_id}) for entity in bindings.regrant(conn, grant_id, tenants)]
    if is_custom and rows:  # one that reaches nothing is only waiting to be authorised
        for bound in bindings.elsewhere(conn, grant_id, tenants):
            if bound.stopped is not None:
                continue
            bindings.stop(conn, bound.entity, ELSEWHERE)
            acts.append((bound.entity, "stopped", {"tenant": bound.tenant_id, "grant": grant_id}))
            notices.tell(
                conn, STOPPED, bound.entity, message=f"Writes of {bound.entity} are stopped: {ELSEWHERE}",
                remedy=REMEDY, now=now, entity=bound.entity, link=identity.PORTAL,
            )  # fmt: skip
    audit.append_all(conn, acts)


async def still_the_same(database: Database, transport: Transport, grant_id: str, access_token: str) -> None:
    """Refuse a custom connection's fresh token that reaches another organisation than the one that is known. One call.

    Raises WrongLedger, and what asking raises.
    """
    answer = await identity.perform(transport, identity.connections(access_token))
    now = {one.tenant_id for one in identity.connections_of(answer)}
    if await database.read(lambda conn: _differs(conn, grant_id, now)):
        raise errors.WrongLedger(ELSEWHERE, remedy=REMEDY)


def _differs(conn: grants.Connection, grant_id: str, now: set[str]) -> bool:
    """Whether what was known of a custom connection, or is bound through it and may write, is something else."""
    known = {one.tenant_id for one in grants.connections(conn) if one.grant_id == grant_id}
    writing = [one for one in bindings.elsewhere(conn, grant_id, sorted(now)) if one.stopped is None]
    return bool(now) and (bool(writing) or bool(known and not now <= known))
