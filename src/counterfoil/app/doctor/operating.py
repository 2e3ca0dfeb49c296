"""Checks of the installation's operation: what is paused, who gets less than everything, the newest backup, idle API keys.

Called by doctor. Reads our own tables only.
"""

import datetime
from typing import Final

from counterfoil.app import api_keys as keys
from counterfoil.app import backups, pausing
from counterfoil.app.doctor.finding import Finding, ok, warning
from counterfoil.app.doctor.patient import Patient
from counterfoil.store import health

BACKUP_OLD: Final = datetime.timedelta(days=7)
KEY_UNUSED: Final = datetime.timedelta(days=90)
KEY_ENDS: Final = datetime.timedelta(days=14)


async def pauses(patient: Patient) -> list[Finding]:
    """What is paused, since when and by whom: a pause that everybody forgot looks like a product that does nothing."""
    found = [
        warning("pauses", "paused", f"{one.said}.", f"End it: {one.remedy}", subject=one.name or None)
        for one in await pausing.standing(patient.books)
    ]
    return found or [ok("pauses", "Nothing is paused.")]


async def modes(patient: Patient) -> list[Finding]:
    """Entities to whose organisations less is written than everything, by the configuration: said, since it is easily forgotten."""
    entities = patient.books.settings.entities.items()
    limited = [ok("modes", f"{key} is {one.mode}.", subject=key) for key, one in entities if one.mode != "normal"]
    return limited or [ok("modes", "Everything may be written to each entity's organisation.")]


async def backup(patient: Patient) -> list[Finding]:
    """The newest backup of an SQLite database is not older than a week; on Postgres its dumps are not ours to see."""
    books = patient.books
    if not books.database.is_sqlite:
        return [ok("backup", "Postgres: its dumps are not known here. `counterfoil backup` says how to make one.")]
    newest = await backups.newest(books)
    remedy = "`counterfoil backup`, regularly, and its file into another place; docs/howto/backup.md."
    now = patient.clock.now()
    if newest is None:
        begun = await books.database.read(health.first_run)
        if begun is None or now - begun <= BACKUP_OLD:
            return [ok("backup", "There is no backup of the database yet.")]
        return [warning("backup", "none", "No backup of the database was ever made.", remedy, days=(now - begun).days)]
    at, file = newest
    days = (now - at).days
    if now - at > BACKUP_OLD:
        return [warning("backup", "old", f"The newest backup is {days} days old: {file}", remedy, days=days)]
    return [ok("backup", f"The newest backup is of {at:%Y-%m-%d %H:%M} UTC: {file}", days=days)]


async def api_keys(patient: Patient) -> list[Finding]:
    """A key that nobody uses opens the ledgers to whoever finds it; one that ends soon stops a program without a word."""
    now = patient.clock.now()
    listed = await keys.listed(patient.books)
    found = []
    for one in listed:
        if one.state == "lost":
            remedy = f"Make a new one, then `counterfoil api-keys revoke {one.prefix}`."
            found.append(
                warning("api-keys", "lost", "An API key was lost with the master key.", remedy, subject=one.prefix)
            )
        elif one.state == "usable" and now - (one.last_used_at or one.made_at) > KEY_UNUSED:
            told = f"An API key was not used for {KEY_UNUSED.days} days."
            remedy = f"If nobody needs it: `counterfoil api-keys revoke {one.prefix}`."
            found.append(warning("api-keys", "unused", told, remedy, subject=one.prefix))
        elif one.state == "usable" and one.expires_at is not None and one.expires_at - now <= KEY_ENDS:
            told = f"An API key ends on {one.expires_at:%Y-%m-%d}."
            remedy = "Make its successor in time: `counterfoil api-keys create`."
            found.append(warning("api-keys", "ends", told, remedy, subject=one.prefix))
    usable = sum(one.state == "usable" for one in listed)
    return found or [ok("api-keys", f"API keys that open something: {usable}.", count=usable)]
