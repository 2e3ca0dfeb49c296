"""`counterfoil config check|show|environment|adopt-copy`: the configuration, and the environments that it has."""

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import msgspec
import typer

from counterfoil.cli import session, switches, table

if TYPE_CHECKING:
    from counterfoil.app.environments import Adopted
    from counterfoil.settings import Settings

app = session.app()


@app.callback(invoke_without_command=True)
def config(context: typer.Context) -> None:
    """Check the configuration, show what is in force, begin an environment, adopt a copied database."""
    if context.invoked_subcommand is None:
        check(context)


@app.command()
def check(context: typer.Context) -> None:
    """Read the configuration and every flow; every mistake is told with its line."""
    now = session.of(context)
    loaded, flows = _loaded(now)
    handlers = _handlers(loaded)
    now.screen.value(
        {
            "ok": True,
            "path": str(loaded.path),
            "entities": sorted(loaded.entities),
            "flows": sorted(flows),
            "feeds": sorted(loaded.feeds),
            "handlers": handlers,
        }
    )
    entities = table.count(len(loaded.entities), "entity", "entities")
    fed = f", {table.count(len(loaded.feeds), 'feed')}" if loaded.feeds else ""
    fed += f", {table.count(len(handlers), 'handler')}" if handlers else ""
    now.screen.line(f"{loaded.path} is good: {entities}, {table.count(len(flows), 'flow')}{fed}.")
    now.screen.next("counterfoil status")


@app.command()
def show(context: typer.Context) -> None:
    """What is in force: the file, its overlay and the environment, without secrets."""
    from counterfoil import settings

    now = session.of(context)
    loaded, _flows = _loaded(now)
    shown = settings.redacted(loaded)
    now.screen.value(shown)
    for name, value in _flat("", shown):
        now.screen.line(f"{name} = {table.harmless(value)}")
    now.screen.next("counterfoil config check")


@app.command()
def environment(
    context: typer.Context, name: str = typer.Argument(metavar="NAME", help="What follows --env: staging, test …")
) -> None:
    """Begin another environment: its overlay beside the file, with a database and a master key of its own."""
    from counterfoil import settings
    from counterfoil.access import key_file

    now = session.of(context)
    overlay = settings.begin_environment(now.config, name)
    loaded = settings.load(now.config, name)
    settings.refuse_shared(loaded)
    key = loaded.vault.master_key_file
    if key is not None and not key.exists():
        key_file.new(key)
    now.screen.value({"environment": name, "overlay": str(overlay), "master_key": None if key is None else str(key)})
    now.screen.line(f"{overlay}  what is different in {name}; below it everything is as in {now.config.name}")
    if key is not None:
        now.screen.line(f"{key}  its master key: keep it, and apart from your backups")
    now.screen.next(f"counterfoil --env {name} connect")


@app.command("adopt-copy")
def adopt_copy(
    context: typer.Context,
    moved: bool = typer.Option(
        False, "--moved", help="The original is gone and this took its place: keep consents and bindings."
    ),
    yes: bool = typer.Option(False, "--yes", help="Do not ask."),
) -> None:
    """Make a copied database this environment's own: the original's consents, bindings and open work are taken out."""
    now = session.of(context)
    what = (
        "the original is at work nowhere any more" if moved else "this copy loses its consents, bindings and open work"
    )
    if not yes and not _agreed(now, what):
        now.screen.value({"adopted": False})
        now.screen.next("counterfoil config adopt-copy --yes")
        return
    done = asyncio.run(_adopted(now, moved=moved))
    now.screen.value({"adopted": True, **msgspec.structs.asdict(done)})
    if done.moved:
        now.screen.line("The database is at home here now. The original may not be opened any more.")
        now.screen.next("counterfoil finish")
        return
    held = table.count(done.held, "posting")
    now.screen.line(f"The copy of {done.was} is {done.environment}'s own database now: without consents and bindings.")
    now.screen.line(
        f"{held} that {done.was} had on its way {'is' if done.held == 1 else 'are'} held here, and stays its to send."
    )
    now.screen.next("counterfoil connect")


def _agreed(now: session.Session, what: str) -> bool:
    """A word of a person at a terminal; elsewhere --yes is needed."""
    if not now.screen.is_terminal or not sys.stdin.isatty():
        moved = " --moved" if "original" in what else ""
        raise switches.UsageError(
            f"Nothing was done: nobody can be asked here. If {what}: counterfoil config adopt-copy{moved} --yes"
        )
    return typer.confirm(f"Is it right that {what}?", err=True)


async def _adopted(now: session.Session, *, moved: bool) -> "Adopted":
    from counterfoil.app import adopt_copy

    return await adopt_copy(now.config, now.switches.env, moved=moved)


def _loaded(now: session.Session) -> "tuple[Settings, dict[str, Any]]":
    """Settings and compiled flows, mappings and schedules with them. Raises ConfigurationError with every mistake."""
    from counterfoil import settings
    from counterfoil.app import budgets, compiling

    loaded = settings.load(now.config, now.switches.env)
    settings.refuse_shared(loaded)
    compiled = compiling.compiled(loaded)
    budgets.check(loaded)
    return loaded, dict(compiled.flows)


def _handlers(loaded: "Settings") -> list[str]:
    """The functions of [handlers] module, which is imported. Raises ConfigurationError."""
    if loaded.handlers.module is None:
        return []
    from counterfoil.app import feeding

    return [one.id for one in feeding.handlers_of(loaded)]


def _flat(prefix: str, value: Any) -> list[tuple[str, Any]]:
    """`xero.tier`, `core`: one line per value."""
    if isinstance(value, list) and any(isinstance(one, dict) for one in value):
        return [pair for n, one in enumerate(value) for pair in _flat(f"{prefix}[{n}]", one)]
    if not isinstance(value, dict):
        return [(prefix, ", ".join(map(str, value)) if isinstance(value, list | tuple) else value)]
    return [pair for key, inner in value.items() for pair in _flat(f"{prefix}.{key}" if prefix else str(key), inner)]
