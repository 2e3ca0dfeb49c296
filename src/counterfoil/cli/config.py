"""`counterfoil config check|show`: the configuration, checked, or as it is in force without its secrets."""

from typing import TYPE_CHECKING, Any

import typer

from counterfoil.cli import session, table

if TYPE_CHECKING:
    from counterfoil.settings import Settings

app = session.app()


@app.callback(invoke_without_command=True)
def config(context: typer.Context) -> None:
    """Check the configuration, or show what is in force."""
    if context.invoked_subcommand is None:
        check(context)


@app.command()
def check(context: typer.Context) -> None:
    """Read the configuration and every flow; every mistake is told with its line."""
    now = session.of(context)
    loaded, flows = _loaded(now)
    now.screen.value(
        {"ok": True, "path": str(loaded.path), "entities": sorted(loaded.entities), "flows": sorted(flows)}
    )
    entities = table.count(len(loaded.entities), "entity", "entities")
    now.screen.line(f"{loaded.path} is good: {entities}, {table.count(len(flows), 'flow')}.")
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


def _loaded(now: session.Session) -> "tuple[Settings, dict[str, Any]]":
    """Settings and compiled flows. Raises ConfigurationError with every mistake."""
    from counterfoil import flows, settings

    loaded = settings.load(now.config, now.switches.env)
    return loaded, dict(settings.compile_flows(loaded, flows.kinds()))


def _flat(prefix: str, value: Any) -> list[tuple[str, Any]]:
    """`xero.tier`, `core`: one line per value."""
    if not isinstance(value, dict):
        return [(prefix, ", ".join(map(str, value)) if isinstance(value, list | tuple) else value)]
    return [pair for key, inner in value.items() for pair in _flat(f"{prefix}.{key}" if prefix else str(key), inner)]
