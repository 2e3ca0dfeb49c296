"""Xero's identity server that does not answer: what a person is told of it, once, and when it is over.

Called by refresh and granting, inside the transaction that writes the failure or the answer. One notice for all consents:
each of them is tried by itself (store/refresh_waits), so that one whose tokens nobody gets stops no other's work.
"""

import datetime
from typing import Final

from counterfoil.store import bindings, notices, refresh_waits
from counterfoil.store.grants import Connection
from counterfoil.store.refresh_waits import RefreshWait

KIND: Final = "identity"
SUBJECT: Final = "token endpoint"
TOLD_AT: Final = 4  # failures in a row of a consent: a minute or so; shorter ones nobody needs to hear of


def failed(conn: Connection, wait: RefreshWait, now: datetime.datetime) -> None:
    """Another try of a consent had no answer."""
    if wait.failures < TOLD_AT:
        return
    silent = {one.grant_id for one in refresh_waits.everything(conn) if one.failures >= TOLD_AT}
    whose = ", ".join(one.entity for one in bindings.everything(conn) if one.grant_id in silent)
    notices.tell(
        conn,
        KIND,
        SUBJECT,
        message=f"Xero gives no fresh tokens: {wait.why} The postings of {whose or 'nobody'} wait.",
        remedy="Nothing is lost and nothing has to be done: it is tried again by itself, and goes on then. "
        "`counterfoil doctor` looks whether the way to Xero is free.",
        now=now,
        since=wait.since,
    )


def answered(conn: Connection, grant_id: str, now: datetime.datetime) -> None:
    """A try of this consent had an answer."""
    if refresh_waits.answered(conn, grant_id) and not any(
        one.failures >= TOLD_AT for one in refresh_waits.everything(conn)
    ):
        notices.over(conn, KIND, SUBJECT, now=now)
