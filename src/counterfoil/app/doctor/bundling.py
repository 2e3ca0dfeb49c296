"""Gather what a support bundle holds from an installation that was examined.

Called by cli/doctor. Reads only; whatever cannot be had (no configuration, no database) is left out.
"""

import platform
from importlib import metadata
from typing import Any, Final

import msgspec

from counterfoil import settings
from counterfoil.app.doctor.bundle import Facts
from counterfoil.app.doctor.patient import Patient
from counterfoil.store import health

RUNS_MAX: Final = 20
LIBRARIES: Final = ("aiohttp", "msgspec", "sqlalchemy", "typer", "cryptography", "psycopg")


async def gathered(patient: Patient, version: str) -> Facts:
    """Everything beside the report."""
    facts = Facts(patient.clock.now(), _versions(version))
    if patient.settings is not None:
        facts = msgspec.structs.replace(facts, settings=settings.redacted(patient.settings))
    if patient.books is None:
        return facts
    books = patient.books
    return msgspec.structs.replace(
        facts,
        tables=await books.database.read(health.table_counts),
        runs=[msgspec.structs.asdict(one) for one in await books.runs(RUNS_MAX)],
        problems=[
            {"n": one.n, "cause": one.cause, "flow": one.flow, "count": one.count} for one in await books.problems()
        ],
    )


def _versions(version: str) -> dict[str, Any]:
    found = {
        "counterfoil": version,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
