"""`doctor`: what could go wrong before it does. One check is one function; it is given what is known and says what is so.

Called by cli/doctor and the library (`examine`). May import what app may: settings, access, xero through the composition
root, store; never the HTTP library or a database driver. A check never writes, neither here nor at Xero. What Xero is
asked is asked once, before the checks (asking.py): GETs only, HOST_GETS for the hosts, one per consent and two per bound
organisation, of at most ORGANISATIONS_MAX organisations; a token that ran out is refreshed on the way.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from counterfoil import errors, settings
from counterfoil.app import open_books
from counterfoil.app.doctor import asking, consents, files, hosts, limits, machine, operating, organisations, remains
from counterfoil.app.doctor.finding import PROBLEM, WARNING, Finding, failed, problem, warning
from counterfoil.app.doctor.patient import Patient
from counterfoil.model.ports import Clock
from counterfoil.settings import Settings

NEEDS_SETTINGS: Final = "settings"
NEEDS_DATABASE: Final = "database"
NEEDS_XERO: Final = "xero"  # and the database, where the consents are


class Check(NamedTuple):
    """One check. `id` never changes; `needs`: without it the check is skipped."""

    id: str
    run: Callable[[Patient], Awaitable[list[Finding]]]
    needs: str


CHECKS: Final = (
    Check("configuration", files.configuration, NEEDS_SETTINGS),
    Check("plain-secrets", files.plain_secrets, NEEDS_SETTINGS),
    Check("permissions", files.permissions, NEEDS_SETTINGS),
    Check("addresses", hosts.addresses, NEEDS_SETTINGS),
    Check("redirect-uri", hosts.redirect_uri, NEEDS_SETTINGS),
    Check("port", machine.port, NEEDS_SETTINGS),
    Check("database", machine.database, NEEDS_DATABASE),
    Check("key", machine.key, NEEDS_DATABASE),
    Check("audit", remains.audit, NEEDS_DATABASE),
    Check("hosts", hosts.reachable, NEEDS_XERO),
    Check("clock", hosts.clock, NEEDS_XERO),
    Check("grants", consents.grants, NEEDS_DATABASE),
    Check("scopes", consents.scopes, NEEDS_DATABASE),
    Check("tier", consents.tier, NEEDS_DATABASE),
    Check("bindings", organisations.bindings, NEEDS_DATABASE),
    Check("bindings-on-record", organisations.on_record, NEEDS_DATABASE),
    Check("limits", limits.limits, NEEDS_DATABASE),
    Check("organisations", organisations.unchanged, NEEDS_XERO),
    Check("lock-dates", organisations.lock_dates, NEEDS_DATABASE),
    Check("adviser", organisations.adviser, NEEDS_XERO),
    Check("pauses", operating.pauses, NEEDS_DATABASE),
    Check("modes", operating.modes, NEEDS_DATABASE),
    Check("backup", operating.backup, NEEDS_DATABASE),
    Check("api-keys", operating.api_keys, NEEDS_DATABASE),
    Check("leftovers", remains.leftovers, NEEDS_DATABASE),
    Check("notices", remains.notices, NEEDS_DATABASE),
    Check("targets", remains.targets, NEEDS_DATABASE),
)


class Report(msgspec.Struct, frozen=True):
    """What was found, in the order of the checks. `skipped`: checks that could not be made; `gets`: calls to Xero."""

    findings: tuple[Finding, ...]
    skipped: tuple[str, ...]
    gets: int
    version: str

    def count(self, level: str) -> int:
        """How many findings of this level."""
        return sum(1 for one in self.findings if one.level == level)

    @property
    def is_well(self) -> bool:
        """True when there is no problem; warnings may be."""
        return not self.count(PROBLEM)

    def to_json(self) -> dict[str, Any]:
        """What `doctor --json` tells."""
        plain = [msgspec.structs.asdict(one) for one in self.findings]
        levels = {f"{level}s": self.count(level) for level in (WARNING, PROBLEM)}
        return {
            "ok": self.is_well,
            **levels,
            "checks": plain,
            "skipped": self.skipped,
            "gets": self.gets,
            "version": self.version,
        }


@contextlib.asynccontextmanager
async def examining(
    path: Path, env: str | None, clock: Clock, *, offline: bool
) -> AsyncIterator[tuple[Report, Patient]]:
    """Examine an installation; inside, its database is still open if it could be opened. Raises nothing of ours.

    `offline`: nobody is asked. A database that is not there is not made.
    """
    patient = Patient(path=path, env=env, clock=clock, offline=offline)
    async with contextlib.AsyncExitStack() as stack:
        findings = await _opened(patient, stack)
        if patient.books is not None and not offline:
            try:
                await asking.ask(patient)
            except Exception as error:  # noqa: BLE001 - told as a finding: it must not end the checks that need no answer
                findings.append(failed("hosts", error))
        skipped = []
        for check in CHECKS:
            if not _possible(check, patient):
                skipped.append(check.id)
                continue
            try:
                findings += await check.run(patient)
            except Exception as error:  # noqa: BLE001 - told as a finding: whatever ends one check must not end the others
                findings.append(failed(check.id, error))
        order = {check.id: n for n, check in enumerate(CHECKS)}
        findings.sort(key=lambda one: order[one.check])
        known = {one.check for one in findings}
        unmade = tuple(one for one in skipped if one not in known)
        yield Report(tuple(findings), unmade, patient.gets, _version()), patient


async def examine(path: Path, env: str | None, clock: Clock, *, offline: bool = False) -> Report:
    """Examine an installation. Costs the calls that the module names; offline none."""
    async with examining(path, env, clock, offline=offline) as (report, _patient):
        return report


def _possible(check: Check, patient: Patient) -> bool:
    if check.needs == NEEDS_SETTINGS:
        return patient.settings is not None
    return patient.books is not None and not (check.needs == NEEDS_XERO and patient.offline)


async def _opened(patient: Patient, stack: contextlib.AsyncExitStack) -> list[Finding]:
    """Read the configuration and open the database, as far as that goes; → why it did not."""
    try:
        patient.settings = settings.load(patient.path, patient.env)
    except errors.ConfigurationError as error:
        return _mistakes(error)
    if (missing := _no_database(patient.settings)) is not None:
        return [missing]
    try:
        patient.books = await stack.enter_async_context(open_books(patient.path, patient.env, clock=patient.clock))
    except errors.ConfigurationError as error:
        patient.settings = None
        return _mistakes(error)
    except Exception as error:  # noqa: BLE001 - told as a finding: what needs no database is looked at all the same
        return [failed("database", error)]
    return []


def _mistakes(error: errors.ConfigurationError) -> list[Finding]:
    told = error.problems or (error.message,)
    remedy = error.remedy or "Correct it; `counterfoil config check` reads it again."
    return [problem("configuration", "mistake", message, remedy) for message in told]


def _no_database(loaded: Settings) -> Finding | None:
    """A warning when the SQLite file is not there yet: a look makes none."""
    head, separator, name = loaded.store.url.partition(":///")
    if not separator or not head.startswith("sqlite") or not name or name.startswith(":") or Path(name).exists():
        return None
    folder = Path(name).parent
    if not folder.is_dir():
        return problem("database", "folder", f"The folder {folder} does not exist.", "Make it, or change [store] url.")
    return warning(
        "database", "none", f"There is no database at {name} yet.", "The first command makes it: `counterfoil status`."
    )


def _version() -> str:
    from counterfoil import __version__

    return __version__
