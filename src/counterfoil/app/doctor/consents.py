"""Checks of consents: that they live, cover what the flows do, and leave room for more.

Called by doctor. Facts §1.4 (a refresh token dies 60 days after its last use), §1.7 (scopes), §2.4 (tiers' caps).
"""

from typing import Final

from counterfoil import errors
from counterfoil.access import caps, reconnecting
from counterfoil.access.refresh import REFRESH_TOKEN_LIFE
from counterfoil.app import needs, noticing
from counterfoil.app.doctor.finding import Finding, failed, many, ok, problem, warning
from counterfoil.app.doctor.patient import Patient
from counterfoil.store import grants as stored
from counterfoil.store import health
from counterfoil.xero.scopes import BROAD_STORY

DEAD_DAYS: Final = REFRESH_TOKEN_LIFE.days
UNUSED_DAYS: Final = noticing.UNUSED.days


async def grants(patient: Patient) -> list[Finding]:
    """Each consent of this app: lost, unused for so long that it dies, or refused by Xero just now."""
    states = await patient.books.database.read(health.grants)
    ours = [one for one in states if one.client_id == patient.loaded.xero.client_id]
    now = patient.clock.now()
    connect = f"{reconnecting.remedy(reconnecting.base(patient.loaded))}."
    found: list[Finding] = []
    for one in ours:
        days = (now - one.refreshed_at).days
        said = patient.connections.get(one.id)
        if one.lost is not None:
            found.append(problem("grants", "lost", f"A consent is lost: {one.lost}", connect, subject=one.id))
        elif isinstance(said, errors.CounterfoilError):
            found.append(failed("grants", said, subject=one.id))
        elif days >= DEAD_DAYS and said is None:
            found.append(
                problem(
                    "grants",
                    "dead",
                    f"A consent was not used for {days} days; Xero forgets it after {DEAD_DAYS}.",
                    connect,
                    subject=one.id,
                    days=days,
                )
            )
        elif days >= UNUSED_DAYS and said is None:
            found.append(
                warning(
                    "grants",
                    "unused",
                    f"A consent was not used for {days} days; Xero forgets it after {DEAD_DAYS}.",
                    "Run anything that reads from Xero, such as `counterfoil plan FLOW`.",
                    subject=one.id,
                    days=days,
                )
            )
    if len(ours) < len(states):
        others = len(states) - len(ours)
        found.append(
            warning(
                "grants",
                "other-app",
                f"{many(others, 'stored consent')} of another app than [xero] client_id.",
                "They are not used. Put the old client_id back, or connect again.",
                count=others,
            )
        )
    if not ours:
        found.append(warning("grants", "none", "Nobody has connected this app to Xero yet.", connect))
    return found or [ok("grants", f"{many(len(ours), 'consent')} can be used.", count=len(ours))]


async def scopes(patient: Patient) -> list[Finding]:
    """What flows, copies and balances need beside what the consents cover, and what covers it no longer soon."""
    books = patient.books
    found = [
        problem(
            "scopes",
            "missing",
            needs.told(one),
            needs.remedy(books, one.entity),
            subject=f"{one.flow}/{one.entity}",
            count=len(one.scopes),
        )
        for one in await needs.lacking(books)
    ]
    found += [failed("scopes", lack, subject=subject) for subject, lack in await needs.uncovered(books)]
    found += [
        warning(
            "scopes",
            "broad",
            f"The consent for {one.organisation} works by {' '.join(one.scopes)}. {BROAD_STORY}",
            needs.remedy(books, one.entity),
            subject=one.entity,
        )
        for one in await needs.broad(books)
    ]
    return found or [ok("scopes", "Every consent covers what the configuration asks for.")]


async def tier(patient: Patient) -> list[Finding]:
    """How many organisations are connected, beside what the app's tier allows."""
    xero = patient.loaded.xero
    used = await patient.books.database.read(lambda conn: stored.organisations(conn, xero.client_id))
    cap = caps.of(xero.tier, used)
    facts = {"used": used, "most": cap.most or 0}
    if cap.is_full:
        return [problem("tier", "full", cap.message, cap.remedy, **facts)]
    if cap.is_near:
        return [warning("tier", "near", cap.message, cap.remedy, **facts)]
    return [ok("tier", cap.message, **facts)]
