"""Checks of this machine: the database and its disk, the master key, the port on which consent is awaited.

Called by doctor. The port is tried by binding it for an instant; nothing is written.
"""

import shutil
import socket
from typing import Any, Final

from counterfoil import errors
from counterfoil.access import callback, tokens
from counterfoil.app.doctor.finding import Finding, many, ok, problem, warning
from counterfoil.app.doctor.patient import Patient
from counterfoil.store import grants, health

FREE_MIN_BYTES: Final = 100 << 20  # with less, the next runs fail
FREE_LOW_BYTES: Final = 1 << 30
MEBIBYTE: Final = 1 << 20


async def database(patient: Patient) -> list[Finding]:
    """It opens (else its own error is told instead), is of this version's schema, writes safely, and has room to grow."""
    books = patient.books
    form = await books.database.read(lambda conn: health.form(conn, books.database))
    size = form.bytes // MEBIBYTE
    found = [
        ok(
            "database",
            f"{form.kind} {form.version}, schema {form.schema}, {size:,} MiB.",
            schema=form.schema,
            mebibytes=size,
        )
    ]
    if form.damage is not None:
        found.append(
            problem(
                "database",
                "damaged",
                "The database file is damaged.",
                "Restore a backup: docs/howto/restore-and-recover.md.",
            )
        )
    if form.journal and form.journal != "wal":
        found.append(
            warning(
                "database",
                "journal",
                f"Its journal is {form.journal}, not WAL: readers and writers wait for each other.",
                "Is the folder on a network disk? Put [store] url on a local one.",
            )
        )
    path = books.database.path
    if path is not None:
        found += _room(shutil.disk_usage(path.parent).free, books.settings.store.free_min_mib * MEBIBYTE)
    return found


def _room(free: int, least: int) -> list[Finding]:
    left = free // MEBIBYTE
    said = f"{left:,} MiB are free on its disk."
    if free < max(FREE_MIN_BYTES, least):
        remedy = "Free some space: nothing new is planned, or soon will not be."
        return [problem("database", "disk", said, remedy, free_mebibytes=left)]
    if free < FREE_LOW_BYTES:
        return [warning("database", "disk", said, "Free some space soon.", free_mebibytes=left)]
    return []


async def key(patient: Patient) -> list[Finding]:
    """The master key is there, of the right form, and opens every consent that is stored."""
    books = patient.books
    vault = books.access.vault
    found = []
    states = await books.database.read(health.grants)
    for state in states:
        stored = await books.database.read(lambda conn, of=state.id: grants.get(conn, of))
        try:
            tokens.opened(vault, stored.id, stored.secret)
        except errors.MasterKeyError as error:
            found.append(problem("key", "does-not-open", error.message, error.remedy, subject=state.id))
    return found or [
        ok("key", f"The master key opens what is stored: {many(len(states), 'consent')}.", consents=len(states))
    ]


async def port(patient: Patient) -> list[Finding]:
    """The port of the redirect URI is free, where consent is awaited on this machine."""
    try:
        at = callback.address(patient.loaded.xero.redirect_uri)
    except errors.ConfigurationError:
        return [ok("port", "Consent is not awaited on this machine.")]
    if at.port == 0:
        return [ok("port", "Consent is awaited on any free port.")]
    taken = [host for host in at.hosts if not _is_free(host, at.port)]
    if not taken:
        return [ok("port", f"Port {at.port} is free for `counterfoil connect`.", port=at.port)]
    return [
        warning(
            "port",
            "taken",
            f"Something listens on port {at.port} of this machine ({', '.join(taken)}).",
            "End it before `counterfoil connect`, unless it is a Counterfoil that is asking for consent just now.",
            port=at.port,
        )
    ]


def _is_free(host: str, number: int) -> bool:
    family: Any = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as plug:
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            plug.bind((host, number))
    except OSError as error:
        return error.errno not in _TAKEN  # no such address here: nobody else has it either
    return True


_TAKEN: Final = (13, 98)  # not permitted (a port below 1024), in use
