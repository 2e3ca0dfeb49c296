"""`counterfoil api-keys [create|list|revoke]`: who may ask over HTTP, and how far. No call to Xero.

A key is shown once, when it is made; afterwards it goes by its prefix.
"""

import typer

from counterfoil.cli import session, table

app = session.app()


@app.callback(invoke_without_command=True)
def api_keys(context: typer.Context) -> None:
    """Who may ask over HTTP: make keys, list them, revoke them."""
    if context.invoked_subcommand is None:
        list_(context)


@app.command()
def create(
    context: typer.Context,
    name: str = typer.Argument(metavar="NAME", help="Which program it is for."),
    rights: str = typer.Option(
        ..., metavar="RIGHT", help="read, write (also hands records in) or admin (also mends problems)."
    ),
    entity: list[str] = typer.Option(
        [], metavar="ENTITY", help="Only of this entity; repeatable. None: of all, later ones included."
    ),
    expires: str | None = typer.Option(None, help="When it ends by itself: 12h, 90d, 2027-01-01."),
) -> None:
    """Make a key. It is shown once."""
    from counterfoil.app import api_keys as operations

    now = session.of(context)
    made = now.books(
        lambda books: operations.create(books, name, rights=rights, entities=entity, expires=expires), alone=True
    )
    now.screen.value(made)
    now.screen.line(made.api_key)
    now.screen.line(f"This is the only time that it is shown. It goes by its prefix, {made.key.prefix}.")
    now.screen.next("counterfoil api-keys list")


@app.command("list")
def list_(context: typer.Context) -> None:
    """Every key that was ever made, by its prefix, with when it was last used."""
    from counterfoil.app import api_keys as operations

    now = session.of(context)
    found = now.books(operations.listed, alone=True)
    now.screen.value(found)
    rows = [
        [
            one.prefix, table.harmless(one.name), one.rights, "all" if one.entities is None else ", ".join(one.entities),
            one.state, _day(one.made_at), table.harmless(one.made_by), _day(one.expires_at),
            "never" if one.last_used_at is None else f"{one.last_used_at:%Y-%m-%d %H:%M}",
        ]
        for one in found
    ]  # fmt: skip
    heads = ("PREFIX", "NAME", "RIGHTS", "ENTITIES", "STATE", "MADE", "BY", "EXPIRES", "LAST USED (UTC)")
    now.screen.table(heads, rows)
    if not found:
        now.screen.line("No keys: nobody may ask over HTTP.")
    now.screen.next("counterfoil serve" if found else "counterfoil api-keys create NAME --rights read")


@app.command()
def revoke(
    context: typer.Context,
    prefix: str = typer.Argument(metavar="PREFIX", help="The key's prefix, as the list shows it."),
) -> None:
    """Let a key open nothing from now on. It stays in the list."""
    from counterfoil.app import api_keys as operations

    now = session.of(context)
    revoked = now.books(lambda books: operations.revoke(books, prefix), alone=True)
    now.screen.value(revoked)
    now.screen.line(f"API key {revoked.prefix} ({table.harmless(revoked.name)}) opens nothing any more.")
    now.screen.next("counterfoil api-keys list")


def _day(at: object) -> str:
    return "" if at is None else f"{at:%Y-%m-%d}"
