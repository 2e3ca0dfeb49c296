"""Checks of consents: that they live, cover what the flows do, and leave room for more.

Called by doctor. Facts §1.4 (a refresh token dies 60 days after its last use), §1.7 (scopes), §2.4 (tiers' caps).
"""

from typing import Final

from counterfoil import errors
from counterfoil.app import needs
from counterfoil.app.doctor.finding import Finding, failed, many, ok, problem, warning
from counterfoil.app.doctor.patient import Patient
from counterfoil.model import tiers
from counterfoil.store import grants as stored
from counterfoil.store import health
from counterfoil.xero.scopes import BROAD_STORY

DEAD_DAYS: Final = 60
UNUSED_DAYS: Final = 50
CONNECT: Final = "Run `counterfoil connect`."
CONNECTIONS_MAX: Final = {one.name: one.connections for one in tiers.TIERS if one.connections is not None}
NEAR_PERCENT: Final = 80


async def grants(patient: Patient) -> list[Finding]:
    """Each consent of this app: lost, unused for so long that it dies, or refused by Xero just now."""
    states = await patient.books.database.read(health.grants)
    ours = [one for one in states if one.client_id == patient.loaded.xero.client_id]
    now = patient.clock.now()
    found: list[Finding] = []
    for one in ours:
        days = (now - one.refreshed_at).days
        said = patient.connections.get(one.id)
        if one.lost is not None:
            found.append(problem("grants", "lost", f"A consent is lost: {one.lost}", CONNECT, subject=one.id))
        elif isinstance(said, errors.CounterfoilError):
            found.append(failed("grants", said, subject=one.id))
        elif days >= DEAD_DAYS and said is None:
            found.append(
                problem(
                    "grants",
                    "dead",
                    f"A consent was not used for {days} days; Xero forgets it after {DEAD_DAYS}.",
                    CONNECT,
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
        found.append(warning("grants", "none", "Nobody has connected this app to Xero yet.", CONNECT))
    return found or [ok("grants", f"{many(len(ours), 'consent')} can be used.", count=len(ours))]


async def scopes(patient: Patient) -> list[Finding]:
    """What each flow needs beside what the consent behind each of its entities covers, and what covers it no longer soon."""
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
    return found or [ok("scopes", "Every consent covers what the flows do.")]


async def tier(patient: Patient) -> list[Finding]:
    """How many organisations are connected, beside what the app's tier allows."""
    client_id, name = patient.loaded.xero.client_id, patient.loaded.xero.tier
    ours = {one.id for one in await patient.books.database.read(health.grants) if one.client_id == client_id}
    known = await patient.books.database.read(stored.connections)
    used = len({one.tenant_id for one in known if one.grant_id in ours})
    most = CONNECTIONS_MAX.get(name)
    told = (
        f"{used:,} of the {most:,} connections of the {name} tier are used."
        if most
        else f"{used:,} connections; the {name} tier has no cap."
    )
    if most is None or used * 100 < most * NEAR_PERCENT:
        return [ok("tier", told, used=used, most=most or 0)]
    remedy = "End those that no entity needs: `counterfoil connections disconnect TENANT`; or move to a larger tier."
    if used >= most:
        return [problem("tier", "full", f"{told} Xero refuses the next one.", remedy, used=used, most=most)]
    return [warning("tier", "near", told, remedy, used=used, most=most)]
