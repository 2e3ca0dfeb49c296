"""What somebody must be told of Xero's webhooks: nothing but failures for a quarter of an hour, and what was kept unused.

Called by housekeeping of the service, once a minute. Xero switches a webhook off after 24 hours of failures and tries again
every 15 minutes until then (facts §6.7), so that a failure is seen again in time. No call; writes only what is news.
"""

import datetime
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from counterfoil.app.noticing import Cause
from counterfoil.store import inbox_counts, inbox_kept, notices
from counterfoil.store.database import Connection
from counterfoil.store.inbox_counts import Heard
from counterfoil.store.inbox_kept import Kept

FAILING: Final = "webhooks"
UNUSED: Final = "events"
FAILING_FOR: Final = datetime.timedelta(minutes=15)
EARLY: Final = datetime.timedelta(seconds=30)  # Xero's quarter of an hour is not to the second
CHECK: Final = "`counterfoil webhooks check` plays Xero against your address and says what is wrong."
WHY: Final = {
    "forged": "their signature is not right with any of our keys: another key in Xero's portal, or a proxy that changes them",
    "full": "more came than could be kept",
    "database": "the database did not take them",
    "late": "the database was slower than Xero waits",
    "large": "they were larger than any of Xero's",
    "slow": "they came too slowly",
}


async def look(books: Any) -> None:
    """Tell what stands now, and what no longer does."""

    def read(conn: Connection) -> tuple[list[Cause], list[notices.Notice]]:
        now = books.database.now(conn)
        found = causes(inbox_counts.heard(conn), inbox_kept.kept(conn, now))
        told = {(one.kind, one.subject): one for kind in (FAILING, UNUSED) for one in notices.standing(conn, kind)}
        here = {(one.kind, one.subject) for one in found}
        new = [one for one in found if not _is_told(told.get((one.kind, one.subject)), one)]
        return new, [one for key, one in told.items() if key not in here]

    def write(conn: Connection) -> None:
        now = books.database.now(conn)
        new, gone = read(conn)
        for cause in new:
            notices.tell(conn, now=now, **msgspec.structs.asdict(cause))
        for one in gone:
            notices.over(conn, one.kind, one.subject, now=now)

    if any(await books.database.read(read)):
        await books.database.run(write)


def _is_told(told: notices.Notice | None, cause: Cause) -> bool:
    return told is not None and told.message == cause.message


def causes(heard: Heard, kept: Kept) -> list[Cause]:
    """What stands: pure."""
    found = []
    since = heard.failing_since
    if since is not None and heard.last and heard.failing_s >= (FAILING_FOR - EARLY).total_seconds():
        why = max((one for one in inbox_counts.FAILED if one in heard.last), key=lambda one: heard.last[one])
        found.append(
            Cause(
                kind=FAILING, subject=FAILING, since=since, remedy=CHECK,
                message=f"Since {since:%Y-%m-%d %H:%M} UTC no webhook of Xero's was taken: {WHY[why]}. After 24 hours Xero "
                "switches them off.",
            )
        )  # fmt: skip
    if kept.tenant_count:
        found.append(_unused("organisations", kept.tenants, kept.tenant_count, (
            "Xero sends events of organisations that no entity is bound to",
            "`counterfoil entities bind` for those that you want, `counterfoil connections disconnect` for the others.",
        )))  # fmt: skip
    if kept.category_count:
        found.append(_unused("categories", kept.categories, kept.category_count, (
            "Xero sends events of categories that this version does not know",
            "They are kept; leave the categories out in Xero's portal, or look for a newer version.",
        )))  # fmt: skip
    if kept.unread:
        found.append(
            Cause(
                kind=UNUSED, subject="unread", since=kept.since,
                message=f"Of Xero's webhooks of the last day, {kept.unread:,} cannot be read, rightly signed as they are.",
                remedy="They are kept as they came; look for a newer version. The mirror's own looks find what they are about.",
            )
        )  # fmt: skip
    return found


def _unused(subject: str, named: Sequence[str], count: int, words: tuple[str, str]) -> Cause:
    more = f" and {count - len(named):,} more" if count > len(named) else ""
    return Cause(
        kind=UNUSED, subject=subject, message=f"{words[0]}: {', '.join(named)}{more}.", remedy=words[1]
    )  # fmt: skip
