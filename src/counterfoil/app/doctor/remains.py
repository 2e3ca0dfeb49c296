"""Checks of what was begun and not ended, of what stands unread or does not reach anybody, and of the audit log's ends.

Called by doctor. The chains themselves are `audit verify`'s: here only where each of them ends is looked at.
"""

import datetime
from typing import Final

from counterfoil.app.doctor.finding import Finding, many, ok, problem, warning
from counterfoil.app.doctor.patient import Patient
from counterfoil.store import audit as rows
from counterfoil.store import health
from counterfoil.store import notices as stored

OLD: Final = datetime.timedelta(days=1)
FINISH: Final = "Run `counterfoil finish`."
NOTICES_MAX: Final = 20  # told one by one


async def leftovers(patient: Patient) -> list[Finding]:
    """Runs that never ended, postings that were never sent or are uncertain, and crash files."""
    before = patient.clock.now() - OLD
    found = await patient.books.database.read(lambda conn: health.remains(conn, before))
    told = []
    if found.uncertain:
        said = f"Uncertain: {many(found.uncertain, 'posting')}. Do not type them in by hand."
        told.append(problem("leftovers", "uncertain", said, FINISH, count=found.uncertain))
    old = {
        "unsent": (found.unsent, "Planned for more than a day and not sent: {}.", "posting", FINISH),
        "runs": (found.runs, "Interrupted and never finished: {}.", "run", FINISH),
        "spools": (found.spools, "Rows of {} lie about.", "interrupted run", "The next run of the flow clears them."),
    }
    for code, (count, words, what, remedy) in old.items():
        if count:
            told.append(warning("leftovers", code, words.format(many(count, what)), remedy, count=count))
    crashes = sorted(patient.loaded.path.parent.glob("counterfoil-crash-*.txt"))
    if crashes:
        told.append(
            warning(
                "leftovers",
                "crashes",
                f"Beside the configuration: {many(len(crashes), 'crash file')}, the newest {crashes[-1].name}.",
                "Report them with `counterfoil doctor --bundle FILE`, then delete them.",
                count=len(crashes),
            )
        )
    return told or [ok("leftovers", "Nothing was left half done.")]


async def notices(patient: Patient) -> list[Finding]:
    """What stands and somebody should know."""
    standing = await patient.books.database.read(stored.standing)
    found = [
        warning(
            "notices",
            f"standing-{one.kind}",
            one.message,
            one.remedy,
            subject=one.entity,
            since=one.first_at,
            times=one.times,
        )
        for one in standing[:NOTICES_MAX]
    ]
    if len(standing) > NOTICES_MAX:
        more = len(standing) - NOTICES_MAX
        found.append(warning("notices", "more", f"And {more:,} more.", "See `counterfoil status`.", count=more))
    return found or [ok("notices", "Nobody is waiting to be told of anything.")]


async def targets(patient: Patient) -> list[Finding]:
    """Targets of [[notify]] that messages do not get to: who relies on them hears nothing."""
    found = []
    for one in await patient.books.notifying.failing():
        level = problem if one.given_up else warning
        given_up = f", {one.given_up:,} given up" if one.given_up else ""
        found.append(
            level(
                "targets",
                "given-up" if one.given_up else "failing",
                f"Notifications do not get to {one.target} ({one.waiting:,} waiting{given_up}): {one.error}.",
                "See `counterfoil notify`; put it right, then try it with `counterfoil notify test`.",
                subject=one.target,
                waiting=one.waiting,
                given_up=one.given_up,
            )
        )
    count = len(patient.loaded.notify)
    return found or [ok("targets", f"Messages get to those who are told: {many(count, 'target')}.", count=count)]


async def audit(patient: Patient) -> list[Finding]:
    """Each chain of the audit log ends where its seal says."""
    log = patient.books.access.audit

    def look(conn: rows.Connection) -> list[str]:
        return [entity for entity in rows.entities(conn) if not (entity.isprintable() and log.ends_well(conn, entity))]

    wrong = await patient.books.database.read(look)
    return [
        problem(
            "audit",
            "end",
            f"The audit log of {entity or 'what concerns no entity'} does not end where it should.",
            "Run `counterfoil audit verify`: entries were taken away, added or changed.",
            subject=entity,
        )
        for entity in wrong
    ] or [ok("audit", "Each chain of the audit log ends where its seal says.")]
