"""`counterfoil doctor`: what could go wrong before it does, each with its remedy; and a bundle for whoever helps.

Writes nothing but the bundle. Cost: 3 GETs for Xero's hosts, 1 per consent, 2 per bound organisation (of 25 at most).
Exit 0 also with warnings, 1 with problems, 2 when the bundle needs a --yes.
"""

import asyncio
import os
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from counterfoil import errors
from counterfoil.cli import session, switches, table
from counterfoil.cli.screen import Screen

if TYPE_CHECKING:
    from counterfoil.app.doctor import Report

app = session.app()
SALT_BYTES = 32


@app.command()
def doctor(
    context: typer.Context,
    offline: bool = typer.Option(False, "--offline", help="Ask nobody: only what this machine knows."),
    bundle: Path | None = typer.Option(None, "--bundle", help="Write a redacted zip for whoever helps you."),
    yes: bool = typer.Option(False, "--yes", help="Write the bundle without asking."),
) -> None:
    """Check configuration, key, database, clock, hosts, consents, bindings and what was left undone; writes nothing."""
    now = session.of(context)
    if bundle is not None and bundle.exists():
        raise errors.InputError(
            f"{bundle} is there already.", remedy="Name another file: a bundle is never overwritten."
        )
    report, files = asyncio.run(_examined(now, offline=offline, bundled=bundle is not None))
    if not now.json:
        _show(now.screen, report)
    told = _bundle(now, bundle, files, yes=yes) if bundle is not None else {}
    now.screen.value(report.to_json() | told)
    now.screen.next("counterfoil status" if report.is_well else "counterfoil doctor --bundle support.zip")
    if not report.is_well:
        raise typer.Exit(1)


async def _examined(now: session.Session, *, offline: bool, bundled: bool) -> "tuple[Report, dict[str, bytes]]":
    from counterfoil.app.doctor import examining
    from counterfoil.app.doctor.bundle import contents
    from counterfoil.app.doctor.bundling import gathered
    from counterfoil.runtime.clock import SystemClock

    async with examining(now.config, now.switches.env, SystemClock(), offline=offline) as (report, patient):
        if not bundled:
            return report, {}
        facts = await gathered(patient, report.version)
        return report, contents(report, facts, secrets.token_bytes(SALT_BYTES))


def _show(screen: Screen, report: "Report") -> None:
    signs = {"ok": "  ok     ", "warning": "! warning", "problem": "× problem"}
    for one in report.findings:
        screen.line(f"{signs[one.level]}  {one.check}: {table.harmless(one.message)}")
        if one.remedy:
            screen.line(f"             → {table.harmless(one.remedy)}")
    screen.line()
    if report.skipped:
        screen.line(f"Not checked: {', '.join(report.skipped)}")
    warnings, problems = (table.count(report.count(level), level) for level in ("warning", "problem"))
    screen.line(f"{warnings}, {problems}; {table.count(report.gets, 'call')} to Xero, none of them a write.")


def _bundle(now: session.Session, path: Path, files: dict[str, bytes], *, yes: bool) -> dict[str, Any]:
    """Show what the bundle would hold, and write it after a word; → what `--json` tells of it."""
    from counterfoil.app.doctor.bundle import packed

    now.screen.line(f"\n{path} would hold, with every name hashed and no record, amount, address or token:")
    for name, content in files.items():
        now.screen.line(f"{len(content):>9,} bytes  {name}")
    told = [{"name": name, "bytes": len(content)} for name, content in files.items()]
    written = yes or _agreed(now.screen, path)
    if written:
        _write(path, packed(files))
        now.screen.line(f"Written: {path}. Look into it before you send it.")
    return {"bundle": {"file": str(path), "written": written, "contents": told}}


def _agreed(screen: Screen, path: Path) -> bool:
    """A word of a person at a terminal; elsewhere --yes is needed."""
    if not screen.is_terminal or not sys.stdin.isatty():
        raise switches.UsageError(
            f"The bundle was not written: nobody can be asked here. Say so: counterfoil doctor --bundle {path} --yes"
        )
    return typer.confirm("Write it?", err=True)


def _write(path: Path, content: bytes) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise errors.InputError(f"{path} is there already.", remedy="Name another file.") from None
    except OSError as cause:
        raise errors.InputError(f"{path} cannot be written: {cause.strerror}.", remedy="Name another file.") from cause
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
    except OSError as cause:
        path.unlink()
        raise errors.InputError(f"{path} cannot be written: {cause.strerror}.", remedy="Name another file.") from cause
