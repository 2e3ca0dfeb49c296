"""What people are told of: the kinds of notices, and the condition under which a target wants one.

Called by settings (which reads conditions), app (which notices) and delivery (which sends). Pure: the present instant
is handed over.
"""

import datetime
from typing import Final

import msgspec

ANY: Final = "any"
KINDS: Final = {
    "reconnect": "A consent is lost for good: somebody has to connect again.",
    "scope": "A consent does not cover what a flow does: its postings wait; one notice for each flow and entity.",
    "refresh": "A consent was not refreshed for 45 days; Xero ends it after 60.",
    "identity": "Xero's identity server gives no fresh tokens: what needs them waits.",
    "clock": "This machine's clock differs from Xero's.",
    "disk": "The disk of the database has little room left: nothing new is planned.",
    "disconnected": "An organisation is no longer connected to the app.",
    "cap": "The app has nearly as many connections, or draws nearly as much data a month, as its tier includes.",
    "stopped": "Writing to an entity's organisation is stopped.",
    "renamed": "An organisation has another name or short code than when it was bound.",
    "schedule": "A flow's scheduled run did not come to its end.",
    "service": "A piece of the service's work fails again and again, or a changed configuration cannot be taken over.",
    "problems": "Records of a flow need a person; one notice for each cause.",
    "uncertain": "Xero may or may not have documents of an entity; they are looked for before anything is sent again.",
    "held": "Postings of an entity are held back.",
    "left": "Postings of an entity are still to be sent.",
    "webhooks": "For 15 minutes no webhook of Xero's was taken; after 24 hours Xero switches them off.",
    "events": "Xero's webhooks bring what nobody uses: organisations that are not bound, unknown categories.",
    "deliveries": "A feed has dead letters, has ended, or its target takes nothing for 15 minutes.",
    "heartbeat": "The address of [service] heartbeat_url does not take the service's sign of life.",
}
COUNTED: Final = ("problems", "uncertain", "held", "left")  # their notices say how many records they are about


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of `when`. `kind` may be "any". `longer`: only what has stood longer; `more`: only more records than this."""

    kind: str
    longer: datetime.timedelta | None = None
    more: int | None = None

    def holds(self, kind: str, *, since: datetime.datetime, count: int | None, now: datetime.datetime) -> bool:
        """Whether somebody with this condition wants to be told of a notice of `kind` that stands since `since`.

        `count`: how many records it is about; None when it counts nothing.
        """
        if self.kind not in (ANY, kind):
            return False
        if self.longer is not None and now - since <= self.longer:
            return False
        return self.more is None or (count is not None and count > self.more)
