"""A consent that is lost for good, and one that was given again: what a person is told, once each.

Called by tokens (Xero refused it), rotation (its key is gone) and consent (it is back), inside their transactions. Nothing
is held or refused for it: postings wait as planned, since no token means that nothing can be sent.
"""

import datetime
from typing import Final

from counterfoil.access import reconnecting
from counterfoil.store import bindings, notices
from counterfoil.store.grants import Connection

KIND: Final = "reconnect"
ALLOW: Final = "Press Allow access on the page of Xero that opens."


def tell(conn: Connection, grant_id: str, why: str, now: datetime.datetime, public_url: str | None) -> None:
    """Say that this consent is lost and whose postings wait for another. `public_url`: as reconnecting has it."""
    waiting = [one.entity for one in bindings.everything(conn) if one.grant_id == grant_id]
    whose = f" The postings of {', '.join(waiting)} wait for a new one." if waiting else ""
    entity = waiting[0] if len(waiting) == 1 else None
    what = reconnecting.remedy(public_url, entity)
    notices.tell(
        conn,
        KIND,
        grant_id,
        message=f"A consent to Xero is lost. {why}{whose}",
        remedy=f"{what}." if public_url is None else f"{what}. {ALLOW}",
        now=now,
        entity=entity,
        link=reconnecting.link(public_url, entity),
    )


def over(conn: Connection, grant_id: str, now: datetime.datetime) -> None:
    """Say that this consent works again; others that were lost are no longer missed once nothing is bound through them."""
    needed = {one.grant_id for one in bindings.everything(conn)}
    for notice in notices.standing(conn, KIND):
        if notice.subject == grant_id or notice.subject not in needed:
            notices.over(conn, KIND, notice.subject, now=now)
