"""`counterfoil connections [list|disconnect TENANT]`: the organisations that the app may reach."""

import typer

from counterfoil.cli import session, table

app = session.app()


@app.callback(invoke_without_command=True)
def connections(context: typer.Context) -> None:
    """The organisations that the app may reach: list, or end one connection."""
    if context.invoked_subcommand is None:
        list_(context)


@app.command("list")
def list_(context: typer.Context) -> None:
    """What the app may reach, as last seen; no call."""
    from counterfoil.app import connecting

    now = session.of(context)
    found = now.books(connecting.reached)
    now.screen.value(found)
    rows = [[one.name, one.tenant_id, one.entity or "not bound"] for one in found]
    if found:
        now.screen.table(("ORGANISATION", "TENANT", "ENTITY"), rows)
    else:
        now.screen.line("Not connected to Xero yet.")
    free = any(one.entity is None for one in found)
    now.screen.next("counterfoil connect" if not found else f"counterfoil {'entities bind' if free else 'status'}")


@app.command()
def disconnect(
    context: typer.Context, tenant: str = typer.Argument(metavar="TENANT", help="A tenant id or an exact name.")
) -> None:
    """End the connections to one organisation; the consent for others stays. One call per connection."""
    from counterfoil.app import connecting

    now = session.of(context)
    ended = now.books(lambda books: connecting.disconnect(books, tenant))
    now.screen.value({"tenant": tenant, "ended": ended})
    now.screen.line(f"{table.count(ended, 'connection')} ended.")
    now.screen.next("counterfoil connections")
