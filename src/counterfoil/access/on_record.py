"""A binding beside the audit log: a row that somebody changed in the database points to books that nobody chose.

Called by bindings, whenever an organisation is compared, at the start of a service and by `doctor`. Each bind and unbind is in the
entity's chain, so its last one says which organisation a person chose; whether the chain itself was touched, `audit verify` says.
"""

from typing import Final

import msgspec

from counterfoil import errors
from counterfoil.model.binding import Binding
from counterfoil.store import audit
from counterfoil.store.database import Connection

BOUND: Final = "bound"
UNBOUND: Final = "unbound"


def refusal(conn: Connection, held: Binding) -> errors.WrongLedger | None:
    """Why this binding is not to be written through; None: it is the one on record, or nothing is on record."""
    last = audit.newest_of(conn, held.entity, (BOUND, UNBOUND))
    if last is None:
        return None
    act, data = last
    if act == BOUND and _tenant(data) == held.tenant_id:
        return None
    said = "says that it was unbound" if act == UNBOUND else "names another one"
    return errors.WrongLedger(
        f"{held.entity} is bound to {held.fingerprint.name}, but nobody bound it there: the audit log {said}. "
        "The row was changed in the database itself, so nothing is written.",
        remedy=f"See `counterfoil audit {held.entity}` and who may write to the database; then `counterfoil entities "
        f"unbind {held.entity}` and bind it to the right organisation.",
    )


def _tenant(data: bytes) -> str | None:
    try:
        found = msgspec.json.decode(data, type=dict[str, object]).get("tenant")
    except msgspec.MsgspecError:
        return None
    return found if isinstance(found, str) else None
